"""What is told of a drill in a line, and of many together: the same for terminal, JSON and JUnit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Played:
    """One drill, as its own process has told of it."""

    scenario: str
    passed: bool
    seconds: float  # from the start of its cluster to the end of all checks
    wrong: tuple[str, ...] = ()  # sentences: why it is not passed
    told: str = ""  # what is worth keeping of it, for reading
    document: object = None  # its JSON; None: it gave none


def all_passed(played: Sequence[Played]) -> bool:
    return bool(played) and all(one.passed for one in played)
