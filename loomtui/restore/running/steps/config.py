"""Puts each node's own config files back, and its signing state as the plan decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from loomtui.errors import LoomtuiError, StepFailed
from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.backup_jobs import BackupJobs, backup_jobs_look, read_backup_jobs
from loomtui.fleet.probes.node_status import NodeStatus
from loomtui.fleet.probes.probe import identity_look, look_at, read_identity
from loomtui.fleet.session import Output
from loomtui.loom.databases import LOOM_CONFIG, UNIT, VALIDATOR, name_of
from loomtui.restore.events import StepName
from loomtui.restore.plan import ExternalAddress, FileAction, SigningAction
from loomtui.restore.running.config_changes import (
    DECIDED,
    ORDER,
    OTHER_BYTES,
    REDIS,
    SLOTS,
    changes_of,
    files_of,
    given_at,
    is_corrected,
    is_staged,
    redis_arguments,
    staged_at,
    unnoted,
)
from loomtui.restore.running.job_suspension import UNSET_ASIDE, describe_set_aside, jobs_on, set_aside
from loomtui.restore.running.node_run import RELOAD, STAGE_FILE, UNREPLACE, NodeRun
from loomtui.restore.running.operator import Preview
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.safe_now import NOTHING_STOPPED
from loomtui.restore.running.steps.base import Evidence, Step
from loomtui.restore.running.task_failures import on_all
from loomtui.wording.states import FILE_ACTIONS

_HELD = "It is held; the file was not touched."


class RestoreConfig(Step):
    name = StepName.CONFIG
    title = "Restore config"
    sentence = (
        "Puts each node's own config files back from its own backup, and sets the signing state as planned."
    )
    undo_sentence = "Puts back every file as it was, with its owner, mode and time."

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._texts_there: set[str] = set()  # nodes that have the texts that come from the plan
        self._looked: dict[str, _Looked] = {}  # what was seen right after the files were put in

    async def make_ready(self) -> Mapping[str, LoomtuiError]:
        """Every file that goes in lies in the run's folder and holds the bytes that the plan says.

        All but the signing state, which is final only after the stop. And what it takes the place of is what
        the plan saw: else somebody has changed it since, and the plan shows another difference.
        """
        _, failures = await on_all([node.name for node in self.context.nodes], self._make_ready)
        return failures

    async def _make_ready(self, node: str) -> None:
        plan, node_run = self.context.plan.node(node), self.context.node_run(node)
        await self._bring_texts(node_run)
        for choice in plan.files:
            if is_corrected(choice):
                output = await node_run.change(REDIS, *redis_arguments(choice), accept=(0, OTHER_BYTES))
                self._see_that_it_is_planned(node_run, output, safe=NOTHING_STOPPED)
        staged = {
            f"{node_run.folder}/{staged_at(choice)}": choice
            for choice in plan.files
            if is_staged(choice) and choice.digest
        }
        seen = {
            node_run.path_of(choice.target): choice
            for choice in plan.files
            if choice.found and choice.target != UNIT  # which `report_ahead` compares, as systemd tells it
        }
        digests = (await node_run.state(*staged, *seen)).digests
        if changed := [name_of(one.target) for path, one in seen.items() if digests.get(path) != one.found]:
            raise StepFailed(
                f"somebody has changed {', '.join(changed)} since the plan was made",
                node=node,
                safe=NOTHING_STOPPED,
                advice=self.context.new_plan(),
            )
        other = [name_of(one.target) for path, one in staged.items() if digests.get(path) != one.digest]
        if other:
            raise StepFailed(
                f"what was fetched of {', '.join(other)} is not what the plan says",
                node=node,
                safe=NOTHING_STOPPED,
                advice=self.context.new_plan(),
            )

    async def check(self, node: str) -> bool:
        node_run = self.context.node_run(node)
        if unnoted((await node_run.recent_state()).slots):
            return False
        return not await self._differences(node_run)

    async def _differences(self, node_run: NodeRun, jobs: BackupJobs | None = None) -> tuple[str, ...]:
        """What is not yet as the plan says; empty means nothing. `jobs`: as they were seen just now."""
        plan = node_run.plan
        state = await node_run.recent_state(*files_of(node_run))
        if missing := unnoted(state.slots):
            return (f"nothing was noted of {', '.join(missing)}",)
        expected: dict[str, str | None] = {
            node_run.path_of(choice.target): choice.digest
            for choice in plan.files
            if (choice.action is FileAction.RESTORE or choice.redis)
            and choice.digest
            and choice.target != VALIDATOR
        }
        if plan.signing.action in {SigningAction.RESET, SigningAction.RAISE}:
            expected[node_run.path_of(VALIDATOR)] = state.digests.get(f"{node_run.folder}/{DECIDED}")
        other = [path for path, digest in expected.items() if state.digests.get(path) != digest]
        if other or state.need_reload:
            return (
                *(f"{path} holds other bytes" for path in other),
                *(["systemd has not read the units again"] if state.need_reload else []),
            )
        jobs = jobs or await jobs_on(node_run)
        if jobs.staging is None or node_run.run in jobs.aside:
            return ()
        return (f"{jobs.staging} of backup.sh is not set aside",)

    async def preview(self, node: str) -> Preview:
        plan = self.context.plan.node(node)
        lines = [
            f"{name_of(choice.target)}: {FILE_ACTIONS[choice.action]} ({choice.reason})"
            for choice in plan.files
            if choice.changes
        ]
        same = [name_of(choice.target) for choice in plan.files if not choice.changes]
        if same:
            lines.append(f"stay as they are: {', '.join(same)}")
        if plan.staging is not None:
            lines.append(
                f"set aside {plan.staging}, in which backup.sh stages: its files would win over these"
            )
        lines += map(_describe_address, plan.external_addresses)
        diffs = [choice.diff for choice in plan.files if choice.diff]
        return Preview(node, "\n".join(lines), "\n".join(diffs))

    async def apply(self, node: str) -> None:
        plan, node_run = self.context.plan.node(node), self.context.node_run(node)
        await self._bring_texts(node_run)
        if plan.signing.action in {SigningAction.RESTORE, SigningAction.RAISE}:
            await self._see_that_it_is_not_lowered(node_run)
        parts = changes_of(node_run)
        outputs = await node_run.change_and_look(
            *parts,
            files=files_of(node_run),
            looks=[backup_jobs_look(plan.unit_path, node_run.workdir), identity_look(node_run.session)],
        )
        self._see_that_it_is_planned(node_run, outputs[-1])
        for entry in plan.external_addresses:
            self.context.note(self.name, node, _describe_address(entry), {"severity": "warning"})
        jobs = read_backup_jobs(read_facts(outputs[-2].stdout), datetime.now(UTC))
        status = await read_identity(node_run.session, outputs[-1])
        self._looked[node] = _Looked(await self._set_aside(node_run, outputs[len(parts) - 1], jobs), status)

    async def _set_aside(self, node_run: NodeRun, last: Output, jobs: BackupJobs) -> BackupJobs:
        """Tells what was set aside; another folder than the planned one is set aside now."""

        def tell(text: str) -> None:
            self.context.note(self.name, node_run.plan.name, text, {})

        planned = node_run.plan.staging
        if planned is not None and (text := describe_set_aside(planned, last)):
            tell(text)
        if jobs.staging is None or node_run.run in jobs.aside:
            return jobs
        await set_aside(node_run, tell)
        return await jobs_on(node_run)

    async def _bring_texts(self, node_run: NodeRun) -> None:
        """The texts that come from the plan and not from an archive."""
        name = node_run.plan.name
        if name in self._texts_there:
            return
        for choice in node_run.plan.files:
            if choice.text is not None and choice.changes:
                await node_run.change(
                    STAGE_FILE, given_at(choice), str(choice.digest), stdin=choice.text.encode()
                )
        self._texts_there.add(name)

    def _see_that_it_is_planned(self, node_run: NodeRun, output: Output, safe: str = _HELD) -> None:
        """The bytes whose difference the plan showed, or nothing."""
        if output.status == OTHER_BYTES:
            raise StepFailed(
                f"{LOOM_CONFIG} changed since the plan was made",
                node=node_run.plan.name,
                safe=safe,
                advice=self.context.new_plan(),
            )

    async def _see_that_it_is_not_lowered(self, node_run: NodeRun) -> None:
        """The plan is from another moment: since then the node may have signed, or got its own file back."""
        planned = node_run.plan.signing
        status = await look_at(node_run.session, None)
        facts = status.validator
        if facts is None or facts.closed:
            unseen = facts.problem if facts is not None else status.error
            raise StepFailed(
                f"its own signing state could not be seen: {unseen}",
                node=node_run.plan.name,
                safe="It is held; its validator file was not touched.",
                advice="Retry.",
            )
        if facts.address != planned.address or facts.signing is None:
            return
        if facts.signing.height > (planned.result_height or 0):
            raise StepFailed(
                f"its own signing state is at {facts.signing.height} by now, above the planned "
                f"{planned.result_height or 0}: it is never lowered",
                node=node_run.plan.name,
                safe="It is held; its validator file was not touched.",
                advice=self.context.new_plan(),
            )

    async def verify(self, node: str) -> Evidence:
        node_run, looked = self.context.node_run(node), self._looked.pop(node, None)
        if wrong := await self._differences(node_run, looked.jobs if looked else None):
            raise StepFailed(
                f"its config is not what the plan says: {'; '.join(wrong)}",
                node=node,
                safe="Its old files are kept; the node is held.",
                advice="Retry, or roll back.",
            )
        plan = self.context.plan.node(node)
        status = looked.status if looked else await look_at(node_run.session, None)
        identity = status.node_key.node_id if status.node_key else None
        address = status.validator.address if status.validator else None
        if plan.node_id is not None and identity != plan.node_id:
            raise StepFailed(
                f"its identity is {identity}, the plan says {plan.node_id}",
                node=node,
                safe="It is held.",
                advice=self.context.new_plan(),
            )
        if plan.signing.address is not None and address != plan.signing.address:
            raise StepFailed(
                f"its validator key is {address}, the plan says {plan.signing.address}",
                node=node,
                safe="It is held.",
                advice=self.context.new_plan(),
            )
        return {"node_id": identity, "validator": address}

    async def undo(self, node: str) -> None:
        node_run = self.context.node_run(node)
        slots = [SLOTS[target] for target in reversed(ORDER)]
        put_back, *_ = await node_run.change_and_look(
            node_run.part(UNREPLACE, node_run.unit_name, node_run.hold_file, *slots),
            node_run.part(RELOAD),
            node_run.part(UNSET_ASIDE),
        )
        if kept := read_facts(put_back.stdout).line("kept"):
            self.context.note(
                self.name,
                node,
                f"keeps its present signing state ({kept}): the older one could sign twice by now",
                {"severity": "warning"},
            )


@dataclass(frozen=True)
class _Looked:
    jobs: BackupJobs
    status: NodeStatus


def _describe_address(entry: ExternalAddress) -> str:
    tried = f" ({entry.tried})" if entry.tried else ""
    return f"{entry.file} names another machine: {entry.field} {entry.address}{tried}"
