"""Made-up records of runs: what a run's screen tells."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

from loomtui.restore.choices import Objectives
from loomtui.restore.events import EventKind, Json, Outcome, StepName
from loomtui.restore.plan import Plan
from loomtui.restore.record.marks import GIVEN_BACK, JOB_LOST, KEPT, LEFT_OUT
from loomtui.restore.replay.recording import Recording
from loomtui.restore.report import Chronicle, chronicle_of
from loomtui.restore.running.approvals import Answer, decision
from tests.restore.stories import Story, whole
from tests.screens.basics import NAMES, NOW, UNIT_PATH
from tests.screens.plans import plan

_BEGAN = NOW - timedelta(days=1)
_RUN = "20261121-031415-ab12"


@cache
def whole_restore() -> Chronicle:
    """A restore of all nodes; the data of the last one failed once."""
    return _read(whole(_BEGAN, *NAMES, data_seconds=540), _with_older_data(plan()))


@cache
def with_loose_ends() -> Chronicle:
    """A restore that lasted too long, and after which something is left to do of each kind."""
    story = whole(_BEGAN, *NAMES, data_seconds=540)
    newest: dict[str, Json] = {
        "block_time": (_BEGAN - timedelta(seconds=5)).isoformat(),
        "height": 1_204_551,
    }
    story.tell_data(EventKind.NOTE, StepName.PREFLIGHT, "db1", newest)
    unit = decision(Answer.NO, "root@ops1", UNIT_PATH, "", "", "")
    story.tell_data(EventKind.DECISION, StepName.SERVICES, "db2", unit)
    story.tell_data(EventKind.NOTE, StepName.START, "backup1", {JOB_LOST: "loom-backup.timer"})
    story.tell_data(EventKind.DECISION, StepName.CONFIG, "db3", {LEFT_OUT: True})
    story.tell_data(EventKind.NOTE, None, "db3", {GIVEN_BACK: True})
    end: dict[str, Json] = {"outcome": Outcome.RESTORED.value, KEPT: dict.fromkeys(NAMES, 4 << 30)}
    story.tell_data(EventKind.RUN_FINISHED, None, None, end)
    agreed = Objectives(downtime_seconds=600, data_loss_seconds=3 * 3600)
    run_plan = replace(_with_older_data(plan()), objectives=agreed)
    return replace(_read(story, run_plan), run=_RUN)


def recording(chronicle: Chronicle | None = None) -> Recording:
    """A run to be played again; without another one, the whole restore. Its ID is always the same."""
    told = chronicle or whole_restore()
    objective = told.plan.objectives.downtime_seconds
    return Recording(_RUN, told.plan.cluster, told.plan.production, told.nodes, told.events, objective)


def _with_older_data(run_plan: Plan) -> Plan:
    """With data from before the run, which is unpacked after the stop."""
    taken_at = _BEGAN - timedelta(hours=2)
    nodes = (
        replace(node, data=replace(node.data, taken_at=taken_at) if node.data else None)
        for node in run_plan.nodes
    )
    chain = replace(run_plan.chain, block_time=taken_at) if run_plan.chain is not None else None
    choices = replace(run_plan.choices, stage_first=False)
    return replace(run_plan, nodes=tuple(nodes), chain=chain, choices=choices)


def hostile(text: str, run_plan: Plan) -> Chronicle:
    story = Story(_BEGAN, by=text).begin().step(StepName.STOP, "db1", seconds=5, said=text)
    story.tell(EventKind.TASK_FAILED, StepName.DATA, "db1", after=2, message=text, advice=text)
    return _read(story.end(Outcome.STOPPED), run_plan)


def _read(story: Story, run_plan: Plan) -> Chronicle:
    with tempfile.TemporaryDirectory() as folder:
        return chronicle_of(story.write(Path(folder), run_plan))
