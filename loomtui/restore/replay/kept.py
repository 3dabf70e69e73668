"""Runs of drills. Their own records go with their clusters, so they are kept as reports."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_path

from loomtui.errors import CallError
from loomtui.private import make_private
from loomtui.restore.planning.planfile import write_private
from loomtui.restore.record.run_store import RUN_ID, Run
from loomtui.restore.replay.recording import Recording
from loomtui.restore.replay.report_file import load_report
from loomtui.restore.report import render

_MOST = 100  # of a few hundred kB each


class KeptRuns:
    """$XDG_STATE_HOME/loomtui/drills/runs as it is now; the oldest go when there are more than 100."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or user_state_path("loomtui") / "drills/runs"

    def keep(self, run: Run) -> None:
        """Raises OSError."""
        make_private(self._root)
        write_private(self._path(run.id), render(run, "json").encode())
        for run_id in self._names()[_MOST:]:
            with suppress(FileNotFoundError):  # another drill has just done so
                self._path(run_id).unlink()

    def has(self, run_id: str) -> bool:
        return bool(re.fullmatch(RUN_ID, run_id)) and self._path(run_id).is_file()

    def open(self, run_id: str) -> Recording:
        """Raises CallError: it is not kept, or cannot be read."""
        return load_report(self._path(run_id))

    def recordings(self) -> tuple[Recording, ...]:
        """Those that can be read, newest first."""
        found = []
        for run_id in self._names():
            with suppress(CallError):
                found.append(self.open(run_id))
        return tuple(found)

    def _names(self) -> list[str]:
        """Newest first: a run's name begins with its time."""
        names = [path.stem for path in self._root.glob("*.json")] if self._root.is_dir() else []
        return sorted((name for name in names if re.fullmatch(RUN_ID, name)), reverse=True)

    def _path(self, run_id: str) -> Path:
        return self._root / f"{run_id}.json"
