"""Faults by the clock and by what a journal says, without a cluster: the journal is written by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from loomtui.drill.practice import Practice, PracticeError
from loomtui.drill.scenarios.deeds import Action, Fault
from loomtui.drill.trouble import Trouble
from tests.drill.looking import until

STOP = {"stop": {"nodes": "val-1"}}


class Recorder:
    """In the place of a cluster: notes what is done to it."""

    def __init__(self, *faults: dict[str, Any], broken: bool = False) -> None:
        self.scenario = SimpleNamespace(faults=[Fault.model_validate(fault) for fault in faults])
        self.acted: list[str] = []
        self._broken = broken

    def act(self, action: Action) -> None:
        if self._broken:
            raise PracticeError("The practice cluster has ended.")
        self.acted.append(action.verb)


@contextmanager
def working(recorder: Recorder, runs: Path) -> Iterator[Trouble]:
    trouble = Trouble(cast("Practice", recorder), runs)
    thread = threading.Thread(target=trouble.work)
    thread.start()
    try:
        yield trouble
    finally:
        trouble.end()
        thread.join()


def tell(runs: Path, run: str = "r", **event: str) -> None:
    folder = runs / run
    folder.mkdir(exist_ok=True)
    with (folder / "journal.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")


def swapped(node: str) -> dict[str, str]:
    return {"kind": "task-done", "step": "data", "node": node}


def test_when_the_second_node_has_swapped_its_data(tmp_path: Path) -> None:
    fault = {"when": {"event": "task-done", "step": "data", "times": 2}, "do": [STOP]}
    recorder = Recorder(fault, {"when": {"event": "step-done"}, "do": [{"reboot": {"nodes": "val-1"}}]})
    with working(recorder, tmp_path):
        tell(tmp_path, **swapped("val-1"))
        tell(tmp_path, kind="task-done", step="config", node="val-1")
        tell(tmp_path, kind="step-done", step="stop")
        until(lambda: recorder.acted == ["reboot"])
        tell(tmp_path, **swapped("val-2"))
        until(lambda: recorder.acted == ["reboot", "stop"])
        tell(tmp_path, **swapped("val-3"))
    assert recorder.acted == ["reboot", "stop"]


def test_a_line_that_is_not_whole_yet_is_waited_for(tmp_path: Path) -> None:
    recorder = Recorder({"when": {"event": "task-done", "node": "val-2"}, "do": [STOP]})
    (tmp_path / "r").mkdir()
    journal = tmp_path / "r/journal.jsonl"
    with working(recorder, tmp_path), journal.open("a", buffering=1) as file:
        line = json.dumps(swapped("val-2")) + "\n"
        file.write(line[:20])
        file.flush()
        tell(tmp_path, "another", **swapped("val-1"))
        file.write(line[20:])
        until(lambda: recorder.acted == ["stop"])


def test_what_was_set_off_is_waited_for_with_what_puts_it_right(tmp_path: Path) -> None:
    begun = {"event": "task-started", "step": "preflight"}
    recorder = Recorder(
        {"when": begun, "do": [{"cut": {"nodes": "val-1"}}]},
        {"when": begun, "after_seconds": 0.3, "do": [{"mend": {"nodes": "val-1"}}]},
    )
    with working(recorder, tmp_path) as trouble:
        trouble.wait_for_its_end()  # nothing was set off
        assert recorder.acted == []
        tell(tmp_path, kind="task-started", step="preflight", node="val-1")
        until(lambda: recorder.acted)
        trouble.wait_for_its_end()
        assert recorder.acted == ["cut", "mend"]


def test_by_the_clock(tmp_path: Path) -> None:
    recorder = Recorder({"when": {"seconds": 0.1}, "do": [STOP]})
    with working(recorder, tmp_path):
        until(lambda: recorder.acted == ["stop"])


def test_what_could_not_be_made_to_happen_is_told(tmp_path: Path) -> None:
    recorder = Recorder({"when": {"seconds": 0}, "do": [STOP]}, broken=True)
    with working(recorder, tmp_path) as trouble:
        until(lambda: trouble.complaints)
    assert trouble.complaints == ["The practice cluster has ended."]
