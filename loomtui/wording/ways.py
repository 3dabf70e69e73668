"""What the operator may turn to next, in words.

Screens say it with the key, the command line with the command.
"""

from __future__ import annotations

from dataclasses import dataclass

from loomtui.loom.diagnosis import Way


@dataclass(frozen=True)
class WayWords:
    command: str
    does: str  # goes on after the key or the command


WAYS = {
    Way.RESTORE: WayWords("loomtui restore", "restores from a backup"),
    Way.RUNS: WayWords("loomtui runs", "goes on with the run, or back"),
    Way.LOGS: WayWords("loomtui logs", "shows the logs"),
    Way.NODE_KEYS: WayWords("loomtui nodekeys", "compares node IDs"),
}
