"""`loomtui drill --auto`: the engine wins every scenario that needs a restore, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from loomtui.drill.scenarios import scenarios
from tests.cli.conftest import Run
from tests.cli.test_restoring import STEPS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("scenario", [told.name for told in scenarios() if told.needs_restore])
def test_engine_wins(loomtui_process: Run, tmp_path: Path, home: Path, scenario: str) -> None:
    folder = tmp_path / "drills"
    folder.mkdir()
    done = loomtui_process("drill", "--auto", "--json", "--scenario", scenario, env={"TMPDIR": str(folder)})
    *events, outcome = done.lines
    assert done.status == 0, (outcome["error"], done.err)
    assert (outcome["scenario"], outcome["passed"]) == (scenario, True)
    assert [(step["name"], step["outcome"]) for step in outcome["steps"]] == [
        (name, "done") for name in STEPS
    ]
    assert all(step["seconds"] >= 0 for step in outcome["steps"])
    assert outcome["downtime_seconds"] > 0
    assert outcome["data_loss_seconds"] > 0
    assert [event["step"] for event in events if event["kind"] == "step-done"] == STEPS
    assert list(folder.iterdir()) == []
    assert list(home.rglob("*")) == []
    assert _processes_that_name(str(folder)) == []


def _processes_that_name(text: str) -> list[str]:
    """Command lines of this machine's processes in which the text stands."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if text in line:
            lines.append(line)
    return lines
