"""Made-up records of runs: what a run's screen tells."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.plan import Plan
from loomtui.restore.report import Chronicle, chronicle_of
from tests.restore.stories import Story, whole
from tests.screens.basics import NAMES, NOW
from tests.screens.plans import plan

_BEGAN = NOW - timedelta(days=1)


@cache
def whole_restore() -> Chronicle:
    """A restore of all nodes; the data of the last one failed once."""
    return _read(whole(_BEGAN, *NAMES, data_seconds=540), _with_older_data(plan()))


def _with_older_data(run_plan: Plan) -> Plan:
    """With data from before the run."""
    taken_at = _BEGAN - timedelta(hours=2)
    nodes = (
        replace(node, data=replace(node.data, taken_at=taken_at) if node.data else None)
        for node in run_plan.nodes
    )
    chain = replace(run_plan.chain, block_time=taken_at) if run_plan.chain is not None else None
    return replace(run_plan, nodes=tuple(nodes), chain=chain)


def hostile(text: str, run_plan: Plan) -> Chronicle:
    story = Story(_BEGAN, by=text).begin().step(StepName.STOP, "db1", seconds=5, said=text)
    story.tell(EventKind.TASK_FAILED, StepName.DATA, "db1", after=2, message=text, advice=text)
    return _read(story.end(Outcome.STOPPED), run_plan)


def _read(story: Story, run_plan: Plan) -> Chronicle:
    with tempfile.TemporaryDirectory() as folder:
        return chronicle_of(story.write(Path(folder), run_plan))
