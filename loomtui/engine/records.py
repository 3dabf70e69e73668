"""The runs that this machine has a record of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from loomtui.engine.api import WatchedRun
    from loomtui.restore.events import Event
    from loomtui.restore.planning.signed_plan import PlanFile
    from loomtui.restore.record.run_store import Run, RunSummary
    from loomtui.restore.replay.recording import Recording
    from loomtui.restore.report import Chronicle, Form


class RunRecords:
    """The part of an engine that needs neither nodes nor S3."""

    def load_plan(self, path: Path) -> PlanFile:
        from loomtui.restore.planning.signed_plan import load_plan_file

        return load_plan_file(path)

    def runs(self) -> tuple[RunSummary, ...]:
        from loomtui.restore.record.run_store import RunStore

        return RunStore().list()

    def report(self, run_id: str, form: Form = "md") -> str:
        from loomtui.restore.record.run_store import RunStore
        from loomtui.restore.report import render

        return render(RunStore().open(run_id), form)

    def watched(self, run_id: str) -> WatchedRun:
        from loomtui.restore.record.run_store import RunStore

        return OtherRun(RunStore().open(run_id))

    def recording(self, run_id: str) -> Recording:
        from loomtui.restore.record.run_store import RunStore
        from loomtui.restore.replay.recording import recording_of

        return recording_of(RunStore().open(run_id))

    def chronicle(self, run_id: str) -> Chronicle:
        from loomtui.restore.record.run_store import RunStore
        from loomtui.restore.report import chronicle_of

        return chronicle_of(RunStore().open(run_id))


class OtherRun:
    """One run in the hands of another process."""

    def __init__(self, run: Run) -> None:
        self.id = run.id
        self.plan = run.plan
        self._run = run

    def events(self) -> AsyncIterator[Event]:
        from loomtui.restore.record.following import follow

        return follow(self._run)
