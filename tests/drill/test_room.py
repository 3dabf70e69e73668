"""A practice node's disk that is said to be nearly full."""

from __future__ import annotations

import subprocess
from pathlib import Path

from loomtui.drill.machines import Machine
from loomtui.drill.room import leave_room

_MEGABYTE = 1 << 20


def machine(root: Path) -> Machine:
    made = Machine("val-1", True, root, "127.0.0.1", 1, 2, "host")
    (root / "bin").mkdir(parents=True)
    (root / ".practice").mkdir()
    made.home.mkdir(parents=True)
    (made.home / "data").write_bytes(bytes(3 * _MEGABYTE))
    return made


def told(node: Machine, tool: str, *arguments: str) -> str:
    program = node.root / "bin" / tool
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def free_by_stat(node: Machine) -> int:
    block, blocks, rest = told(node, "stat", "-f", "-c", "%S %a %c", str(node.home)).split()
    assert int(rest) >= 0
    return int(block) * int(blocks)


def test_what_is_written_takes_room_and_what_is_deleted_gives_it_back(tmp_path: Path) -> None:
    node = machine(tmp_path / "a node's")
    leave_room(node, 10 * _MEGABYTE)
    assert free_by_stat(node) == 10 * _MEGABYTE
    (node.home / "more").write_bytes(bytes(4 * _MEGABYTE))
    assert free_by_stat(node) == 6 * _MEGABYTE
    line = told(node, "df", "-Pk", str(node.home)).splitlines()[-1].split()
    assert int(line[3]) == 6 * 1024
    assert line[4].endswith("%")
    (node.home / "data").unlink()
    assert free_by_stat(node) == 9 * _MEGABYTE
    (node.home / "much").write_bytes(bytes(12 * _MEGABYTE))
    assert free_by_stat(node) == 0


def test_other_questions_are_answered_as_ever(tmp_path: Path) -> None:
    node = machine(tmp_path / "node")
    leave_room(node, 0)
    assert told(node, "stat", "-L", "-c", "%s", str(node.home / "data")) == f"{3 * _MEGABYTE}\n"
    assert told(node, "stat", "-f", "-c", "%l", str(node.home)).strip().isdigit()
    assert "Filesystem" in told(node, "df", str(node.home))
    leave_room(node, None)
    assert not list((node.root / "bin").iterdir())
