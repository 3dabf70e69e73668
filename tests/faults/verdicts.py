"""What came of a cell, and what was expected of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from tests.faults.bed import Bed
from tests.faults.cells import Cell


class Result(StrEnum):
    RESUMED = "resumed"  # it stopped, and `resume` ended as an undisturbed run does
    RODE_OUT = "rode out"
    REFUSED = "refused"  # before anything was changed
    LOST = "LOST"


@dataclass
class Verdict:
    cell: Cell
    result: Result = Result.LOST
    rolled_back: int = 0  # rollbacks that ended in the state before
    seconds: float = 0.0
    message: str = ""  # what the operator was told
    wrong: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.result is not Result.LOST

    def __str__(self) -> str:
        back = f"rolled back x{self.rolled_back}" if self.rolled_back else ""
        line = f"{self.cell.name:24} {self.result.value:9} {back:14} {self.seconds:5.0f} s  {self.message}"
        return "\n".join([line.rstrip(), *(f"    {wrong}" for wrong in self.wrong)])


class Trial:
    """What all kinds of cells share: expectations, and what came of them."""

    def __init__(self, bed: Bed, verdict: Verdict) -> None:
        self.bed = bed
        self.verdict = verdict
        self.cell = verdict.cell

    def expect(self, what: str, wrong: Iterable[str]) -> None:
        found = list(wrong)
        if found:
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            self.verdict.wrong.append(f"{what}: {', '.join(found[:5])}{more}")

    def expect_words(self, text: str, *words: str) -> None:
        self.expect(f"not in the message {text!r}", [word for word in words if word not in text])
        self.expect("a fault of its own", [text] if "Traceback" in text or "fault of its own" in text else [])
