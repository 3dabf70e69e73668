"""Takes every node for this run, checks that the plan still fits, and fetches what it can beforehand."""

from __future__ import annotations

from collections.abc import Iterator

from loomtui.backups.model import Compression
from loomtui.errors import NodeUnreachable, StepFailed
from loomtui.fleet.probes.places import look_at_places
from loomtui.fleet.probes.probe import look_at
from loomtui.restore.events import StepName
from loomtui.restore.plan import Archive, NodePlan, Plan
from loomtui.restore.planning.command_line import plan_command
from loomtui.restore.planning.place_words import said_of
from loomtui.restore.planning.places import refused_now, wanted_of
from loomtui.restore.planning.unpacking_time import unpacking_words
from loomtui.restore.running.fetching import is_unpacked
from loomtui.restore.running.job_suspension import in_the_way, intentions, jobs_on, settle
from loomtui.restore.running.lock import is_held_by
from loomtui.restore.running.manifest_truth import see_that_manifest_is_true
from loomtui.restore.running.node_run import UNLOCK, NodeRun, RunState
from loomtui.restore.running.operator import Preview
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.safe_now import NOTHING_STOPPED
from loomtui.restore.running.signing_now import standstill
from loomtui.restore.running.staging import stager_of
from loomtui.restore.running.steps.base import Evidence, Step
from loomtui.restore.running.task_failures import combined, on_all
from loomtui.text import clean_line


class Preflight(Step):
    name = StepName.PREFLIGHT
    title = "Preflight"
    sentence = "Takes every node for this run and fetches what it needs; the services go on running."
    undo_sentence = "Gives the nodes back. What was fetched stays in the run's folder."
    may_leave_out = False

    async def prepare(self) -> None:
        """Checks root rights, places and room on every node, before anything is changed on one of them.

        Raises SudoRefused, StepFailed.
        """
        fleet = self.context.fleet
        names = [node.name for node in self.context.nodes]
        _, failures = await on_all(names, lambda name: fleet.session(name).require_root())
        if not failures:
            _, failures = await on_all(
                names, lambda name: _see_that_it_can_be_done(self.context.node_run(name))
            )
        if failures:
            raise combined(failures, "")

    async def check(self, node: str) -> bool:
        node_run = self.context.node_run(node)
        state = await node_run.state()
        if not is_held_by(node_run, state) or _missing(self.context, node_run, state):
            return False
        return not in_the_way(await jobs_on(node_run), self.context.plan.backup_policy)

    async def preview(self, node: str) -> Preview:
        archives = _archives(self.context, node)
        node_run = self.context.node_run(node)
        jobs = intentions(await jobs_on(node_run), self.context.plan.backup_policy)
        state = await node_run.recent_state()
        fetched = f"fetch into {node_run.folder}:" if archives else "fetch nothing"
        lines = [f"lock the node for this run; {fetched}"]
        lines += [f"{name}: {_describe(archive)}" for name, archive in archives]
        lines += _tool_words(self.context.plan.node(node), state)
        return Preview(node, "\n".join([*lines, *(f"backup job: {job}" for job in jobs)]))

    async def apply(self, node: str) -> None:
        node_run = self.context.node_run(node)
        await _see_that_plan_fits(node_run, self.context.plan)
        await self.context.take(node_run)
        await settle(node_run, self.context.plan.backup_policy, lambda text: self._tell(node, text))
        for name, archive in _archives(self.context, node):
            stager = stager_of(self.context, self.name, node)
            await (stager.stage(name, archive) if archive.is_known else stager.fetch(name, archive))

    def _tell(self, node: str, text: str) -> None:
        self.context.note(self.name, node, text, {})

    async def verify(self, node: str) -> Evidence:
        node_run = self.context.node_run(node)
        state = await node_run.state()
        lost = [f"{what} is gone" for what in _missing(self.context, node_run, state)]
        if not is_held_by(node_run, state):
            lost.append("its lock is not this run's any more")
        if lost:
            raise StepFailed(
                f"the node is not as this run left it a moment ago: {', '.join(lost)}",
                node=node,
                advice=f"Somebody else works on it: see {node_run.workdir}/.loomtui on {node}. Then retry.",
            )
        status = await look_at(self.context.fleet.session(node), None)
        chain = status.chain
        block_time = chain.block_time.isoformat() if chain is not None and chain.block_time else None
        return {
            "free_bytes": state.work_space.free_bytes if state.work_space is not None else None,
            "height": chain.height if chain is not None else None,
            "block_time": block_time,
        }

    async def undo(self, node: str) -> None:
        await self.context.node_run(node).change(UNLOCK)

    async def gate(self) -> tuple[str, ...]:
        if not self.context.plan.is_complete:
            return ()  # whether the chain can move is told by the plan that the data completes
        if self.context.plan.stage_first and self.context.witness.gives_up is None:
            await see_that_manifest_is_true(self.context, self.context.witness.name)
        return await standstill(self.context)


def _describe(archive: Archive) -> str:
    unread = "" if archive.is_known else ", which nobody has read yet: the plan is completed by what is in it"
    return f"{archive.key} ({archive.size_bytes:,} bytes{unread})"


def _tool_words(plan: NodePlan, state: RunState) -> Iterator[str]:
    """How long the data takes with what the node has, and what would make it quicker."""
    if plan.data is None or "data.staged" in state.marks:
        return
    data = plan.data
    if data.has_twin and "zstd" in state.tools:
        if words := unpacking_words(Compression.ZSTD, data.unpacked_bytes, state.tools, state.cores):
            yield f"data: {words}, from its twin"
        return
    if data.has_twin:
        yield "data: zstd is not there, without which the twin of the backup cannot be used: install it there"
    if words := unpacking_words(data.compression, data.unpacked_bytes, state.tools, state.cores):
        yield f"data: {words}"


def _archives(context: RunContext, node: str) -> tuple[tuple[str, Archive], ...]:
    """The sets to be fetched. Which config a node gets may depend on data that nobody has read yet.

    A node that gives up its old databases for it has no room for the data before the stop.
    """
    plan = context.plan.node(node)
    has_room = plan.gives_up is None
    if not context.plan.is_complete:
        return (("data", plan.data),) if plan.data is not None and has_room else ()
    wanted = [("config", plan.config)]
    if context.plan.stage_first and has_room:
        wanted.append(("data", plan.data))
    return tuple((name, archive) for name, archive in wanted if archive is not None)


def _missing(context: RunContext, node_run: NodeRun, state: RunState) -> list[str]:
    """What of the archives is not there as it has to be."""
    archives = _archives(context, node_run.plan.name)
    unread = [name for name, archive in archives if not archive.is_known and not is_unpacked(state, name)]
    marks = {f"{name}.staged" for name, archive in archives if archive.is_known} - state.marks
    return [*(f"the unpacked {name}" for name in unread), *sorted(marks)]


async def _see_that_it_can_be_done(node_run: NodeRun) -> None:
    """A plan may have been kept for days."""
    plan = node_run.plan
    places = await look_at_places(
        node_run.session, plan.working_directory, node_run.hold_file, plan.user, wanted_of(plan)
    )
    if refused := [said_of(unfit) for unfit in refused_now(plan, places)]:
        raise StepFailed(
            "; ".join(sentence for sentence, _ in refused),
            node=plan.name,
            safe=NOTHING_STOPPED,
            advice=" ".join(dict.fromkeys(f"{advice}." for _, advice in refused)),
        )
    await _see_that_there_is_room(node_run)


async def _see_that_there_is_room(node_run: NodeRun) -> None:
    """Counts data and config, whenever they are fetched: missing room must be told before a stop."""
    archives = {"config": node_run.plan.config, "data": node_run.plan.data}
    wanted = {name: archive for name, archive in archives.items() if archive is not None}
    state, plan = await node_run.state(), node_run.plan
    freed = plan.gives_up if state.given_up is None else None
    if missing := node_run.shortages(state, wanted, taken_over=plan.taken_over_bytes, freed=freed):
        raise StepFailed(
            "; ".join(missing),
            node=node_run.plan.name,
            safe=NOTHING_STOPPED,
            advice="Make room (loomtui clean frees what earlier runs kept), then go on.",
        )


async def _see_that_plan_fits(node_run: NodeRun, plan: Plan) -> None:
    status = await look_at(node_run.session, None)
    if not status.reachable:
        raise NodeUnreachable(status.error or "not reachable", node=node_run.plan.name)
    if status.service is not None and status.service.load_state == "masked":
        raise StepFailed(
            f"its unit {node_run.unit_name} is masked: systemd would not start it",
            node=node_run.plan.name,
            advice=f"On {node_run.plan.name}: systemctl unmask {node_run.unit_name}. Then go on.",
        )
    unit = status.unit
    if unit is not None and unit.files:
        present = (unit.files[0].path, unit.working_directory)
        planned = (node_run.plan.unit_path, node_run.plan.working_directory)
        if present != planned:
            raise StepFailed(
                f"its unit changed since the plan was made: {clean_line(' '.join(present))} instead of "
                f"{clean_line(' '.join(planned))}",
                node=node_run.plan.name,
                advice=f"Make a new plan: {plan_command(plan)}",
            )
