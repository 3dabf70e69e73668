"""A whole restore by keys, as an operator does it: a terminal of 80x24 in front of a practice cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loomtui.drill.practice import practice
from tests.cli.terminal import Terminal
from tests.restore.killing import Restorer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

#: The most keys that a whole restore wants, besides the choice of the data and the cluster's name.
MOST_KEYS = 8
CLUSTER = "practice-clean-restore"


class Walk:
    """Keeps each key, so that they can be counted."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.pressed: list[str] = []

    def press(self, key: str, *, when: str) -> None:
        """Waits until the screen says so."""
        self.terminal.expect(when)
        self.terminal.type(key)
        self.pressed.append(key)


def test_a_whole_restore_takes_few_keys_and_calls_when_it_waits(tmp_path: Path) -> None:
    """It carries on, is stopped with one key, calls, and carries on to the end."""
    with practice("clean-restore", 1) as cluster:
        operator = Restorer(cluster, tmp_path)
        environment = {**operator.environment, "LOOMTUI_ATTENTION": "all"}
        with Terminal("restore", env=environment, cwd=tmp_path) as terminal:
            walk = Walk(terminal)
            terminal.expect("choose")
            terminal.type("\r")  # the newest data
            walk.press("z", when="plans anew")
            walk.press("X", when="carry out all of it")
            terminal.expect("Carry out all of it")
            terminal.type(CLUSTER)
            walk.press("\r", when=CLUSTER)
            walk.press("e", when="It carries on by itself.")
            terminal.expect("It waits for you")
            terminal.expect("\a")
            walk.press("X", when="")
            terminal.expect("RESTORED")
            terminal.expect("\a")
            walk.press("q", when="")
            assert terminal.end() == 0
            raw, shown = bytes(terminal.raw), terminal.shown
        (run,) = json.loads(operator.call("runs", "--json").stdout)["runs"]
    assert run["outcome"] == "restored"
    assert len(walk.pressed) <= MOST_KEYS, walk.pressed
    assert "Traceback" not in shown
    _sees_calls(raw)


def _sees_calls(raw: bytes) -> None:
    """A bell, a notification and a title each time, in this order; at the end the title is given back."""
    order = [
        b"\x1b[22;2t",  # the title that was there is kept
        f"\x1b]2;● waits for you: {CLUSTER}\a".encode(),
        b"\x1b]9;loomtui: ",
        f"\x1b]2;✓ restored: {CLUSTER}\a".encode(),
        b"\x1b]9;loomtui: ",
        b"\x1b[23;2t",
    ]
    place = 0
    for sequence in order:
        found = raw.find(sequence, place)
        assert found >= 0, sequence
        place = found + len(sequence)
