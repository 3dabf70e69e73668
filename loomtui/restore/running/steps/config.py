"""Puts each node's own config files back, and its signing state as the plan decided."""

from __future__ import annotations

from loomtui.errors import StepFailed
from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.probe import look_at
from loomtui.fleet.scripts import ChangeScript
from loomtui.loom.databases import (
    ADDRBOOK,
    CONFIG_TARGETS,
    LOOM_CONFIG,
    LOOM_GENESIS,
    NODE_KEY,
    TENDERMINT_CONFIG,
    TENDERMINT_GENESIS,
    UNIT,
    VALIDATOR,
    name_of,
)
from loomtui.restore.events import StepName
from loomtui.restore.plan import ExternalAddress, FileAction, FileChoice, SigningAction
from loomtui.restore.running.job_suspension import UNSET_ASIDE, jobs_on, set_aside
from loomtui.restore.running.node_run import RELOAD, REPLACE, SIGNING, STAGE_FILE, UNREPLACE, NodeRun
from loomtui.restore.running.operator import Preview
from loomtui.restore.running.steps.base import Evidence, Step
from loomtui.wording.states import FILE_ACTIONS

_SLOTS = {
    LOOM_GENESIS: "loom-genesis",
    LOOM_CONFIG: "loom-config",
    NODE_KEY: "node-key",
    TENDERMINT_GENESIS: "genesis",
    TENDERMINT_CONFIG: "tendermint-config",
    VALIDATOR: "validator",
    ADDRBOOK: "addrbook",
    UNIT: "unit",
}
_PRIVATE = frozenset({NODE_KEY, VALIDATOR})
_DECIDED = "stage/signing/priv_validator.json"
_CORRECTED = "stage/corrected/loom.yml"
_REDIS = ChangeScript("redis")
#: Also those that the plan leaves alone: what a started node writes there can be undone. The unit comes last.
_ORDER = (ADDRBOOK, *CONFIG_TARGETS)


class RestoreConfig(Step):
    name = StepName.CONFIG
    title = "Restore config"
    sentence = (
        "Puts each node's own config files back from its own backup, and sets the signing state as planned."
    )
    undo_sentence = "Puts back every file as it was, with its owner, mode and time."

    async def check(self, node: str) -> bool:
        return not await self._differences(node)

    async def _differences(self, node: str) -> tuple[str, ...]:
        """What is not yet as the plan says; empty means nothing."""
        plan = self.context.plan.node(node)
        node_run = self.context.node_run(node)
        decided = f"{node_run.folder}/{_DECIDED}"
        state = await node_run.state(*(node_run.path_of(choice.target) for choice in plan.files), decided)
        if unnoted := [name_of(target) for target, slot in _SLOTS.items() if slot not in state.slots]:
            return (f"nothing was noted of {', '.join(unnoted)}",)
        expected: dict[str, str | None] = {
            node_run.path_of(choice.target): choice.digest
            for choice in plan.files
            if (choice.action is FileAction.RESTORE or choice.redis)
            and choice.digest
            and choice.target != VALIDATOR
        }
        if plan.signing.action in {SigningAction.RESET, SigningAction.RAISE}:
            expected[node_run.path_of(VALIDATOR)] = state.digests.get(decided)
        other = [path for path, digest in expected.items() if state.digests.get(path) != digest]
        if other or state.need_reload:
            return (
                *(f"{path} holds other bytes" for path in other),
                *(["systemd has not read the units again"] if state.need_reload else []),
            )
        jobs = await jobs_on(node_run)
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
        plan = self.context.plan.node(node)
        node_run = self.context.node_run(node)
        for target in _ORDER:
            choice = next((choice for choice in plan.files if choice.target == target), None)
            await self._put(node_run, target, await self._source(node_run, target, choice))
        await node_run.change(RELOAD)
        for entry in plan.external_addresses:
            self.context.note(self.name, node, _describe_address(entry), {"severity": "warning"})
        await set_aside(node_run, lambda text: self.context.note(self.name, node, text, {}))

    async def _source(self, node_run: NodeRun, target: str, choice: FileChoice | None) -> str:
        """What replace.sh takes: a file of the run's folder, `-` to take it away, `=` only to note it."""
        if choice is None:
            return "="
        if choice.action is FileAction.SET_ASIDE:
            return "-"
        if target == VALIDATOR:
            return await self._signing_source(node_run)
        if choice.text is not None and choice.changes:
            return await self._stage_text(node_run, choice, choice.text)
        if choice.redis is not None and choice.changes:
            return await self._stage_corrected(node_run, choice)
        if choice.action is FileAction.RESTORE and choice.changes:
            return f"stage/config/{target}"
        return "="

    async def _stage_text(self, node_run: NodeRun, choice: FileChoice, text: str) -> str:
        name = f"given/{_SLOTS[choice.target]}"
        await node_run.change(STAGE_FILE, name, str(choice.digest), stdin=text.encode())
        return f"stage/{name}"

    async def _stage_corrected(self, node_run: NodeRun, choice: FileChoice) -> str:
        """The bytes whose difference the plan showed, or nothing."""
        source = f"stage/config/{choice.target}" if choice.action is FileAction.RESTORE else "live"
        output = await node_run.change(_REDIS, source, str(choice.redis))
        if read_facts(output.stdout).line("digest") != choice.digest:
            raise StepFailed(
                f"{choice.target} changed since the plan was made",
                node=node_run.plan.name,
                safe="It is held; the file was not touched.",
                advice=self.context.new_plan(),
            )
        return _CORRECTED

    async def _signing_source(self, node_run: NodeRun) -> str:
        signing = node_run.plan.signing
        staged = f"stage/config/{VALIDATOR}"
        if signing.action in {SigningAction.RESTORE, SigningAction.RAISE}:
            await self._see_that_it_is_not_lowered(node_run)
        if signing.action is SigningAction.RESTORE:
            return staged
        if signing.action in {SigningAction.RESET, SigningAction.RAISE}:
            own = signing.found_height is not None and signing.action is SigningAction.RESET
            await node_run.change(
                SIGNING, "live" if own else staged, str(signing.result_height or 0), _DECIDED
            )
            return _DECIDED
        return "="

    async def _see_that_it_is_not_lowered(self, node_run: NodeRun) -> None:
        """The plan is from another moment: since then the node may have signed, or got its own file back."""
        planned = node_run.plan.signing
        facts = (await look_at(node_run.session, None)).validator
        if facts is None or facts.address != planned.address or facts.signing is None:
            return
        if facts.signing.height > (planned.result_height or 0):
            raise StepFailed(
                f"its own signing state is at {facts.signing.height} by now, above the planned "
                f"{planned.result_height or 0}: it is never lowered",
                node=node_run.plan.name,
                safe="It is held; its validator file was not touched.",
                advice=self.context.new_plan(),
            )

    async def _put(self, node_run: NodeRun, target: str, source: str) -> None:
        user, group = ("", "") if target == UNIT else (node_run.plan.user, node_run.plan.group)
        await node_run.change(
            REPLACE,
            node_run.unit_name,
            node_run.hold_file,
            _SLOTS[target],
            source,
            node_run.path_of(target),
            "600" if target in _PRIVATE else "644",
            user,
            group,
        )

    async def verify(self, node: str) -> Evidence:
        if wrong := await self._differences(node):
            raise StepFailed(
                f"its config is not what the plan says: {'; '.join(wrong)}",
                node=node,
                safe="Its old files are kept; the node is held.",
                advice="Retry, or roll back.",
            )
        plan = self.context.plan.node(node)
        status = await look_at(self.context.fleet.session(node), None)
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
        for target in reversed(_ORDER):
            output = await node_run.change(UNREPLACE, node_run.unit_name, node_run.hold_file, _SLOTS[target])
            kept = read_facts(output.stdout).line("kept")
            if kept:
                self.context.note(
                    self.name,
                    node,
                    f"keeps its present signing state ({kept}): the older one could sign twice by now",
                    {"severity": "warning"},
                )
        await node_run.change(RELOAD)
        await node_run.change(UNSET_ASIDE)


def _describe_address(entry: ExternalAddress) -> str:
    tried = f" ({entry.tried})" if entry.tried else ""
    return f"{entry.file} names another machine: {entry.field} {entry.address}{tried}"
