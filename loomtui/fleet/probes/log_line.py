"""One line of a node's log, from wherever it was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a service's log, or a notice of loomtui about a node."""

    node: str
    at: datetime  # UTC, when journald received it; of a line in a file, what the line itself says
    text: str  # clean, one line
    cursor: str  # journald's name for the entry; empty: it is not of the journal
    boot: str = ""  # journald's name for the node's boot; empty: it is not of the journal
    notice: bool = False
    place: bool = False  # a notice that only says where the node logs to, and is no complaint
