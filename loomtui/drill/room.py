"""A practice node's disk is as full as a scenario wants it, without root and without a byte in the way.

`df` and `stat -f` on the node are stand-ins that tell the room of a disk that is as large as the node's files
and what was left when the scenario said so. What is written there uses it up, and what is deleted frees it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from loomtui.drill.machines import Machine, quoted, system_tool, write_program

_TOOLS = ("df", "stat")
_SCRIPTS = Path(__file__).parent / "bin"


def leave_room(machine: Machine, free: int | None) -> None:
    """`free`: bytes; None: as much as there really is."""
    size = machine.root / ".practice/disk-kib"
    if free is None:
        for tool in _TOOLS:
            (machine.root / "bin" / tool).unlink(missing_ok=True)
        return
    used = subprocess.run(
        ["du", "-sk", str(machine.home)], capture_output=True, text=True, check=False
    ).stdout
    size.write_text(f"{int(used.split()[0]) + free // 1024}\n")
    for tool in _TOOLS:
        _install(machine, tool, size)


def _install(machine: Machine, tool: str, size: Path) -> None:
    head = (
        f"REAL={quoted(system_tool(tool))}\n"
        f"left=$(($(cat {quoted(size)}) - $(du -sk {quoted(machine.home)} 2>/dev/null | cut -f 1)))\n"
        '[ "$left" -gt 0 ] || left=0\n'
    )
    script = (_SCRIPTS / f"{tool}.sh").read_text()
    new = machine.root / "bin" / f".{tool}.new"
    write_program(new, head + script)
    shutil.move(new, machine.root / "bin" / tool)
