"""Which commands of a script are run, as far as that can be told without running it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Taken(Enum):
    """Whether a command is run."""

    YES = 2
    MAYBE = 1
    NO = 0


@dataclass
class Block:
    """A compound command that is open."""

    kind: str  # if, loop, case, group, function, subshell, source
    taken: Taken
    outer: Taken
    first_call: int = 0  # how many calls there were before it
    earlier: bool | None = False  # of an if: whether a branch before this one was taken; None: perhaps


class Branches:
    """The open blocks, what the last command came to, and what joins it to the next one."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.truth: bool | None = True  # whether the last command succeeded; None: not known
        self.joint = ""  # && or || in front of the command

    @property
    def now(self) -> Taken:
        return self.blocks[-1].taken if self.blocks else Taken.YES

    @property
    def taken(self) -> Taken:
        """Whether the next command is run."""
        if not self.joint or self.now is Taken.NO:
            return self.now
        if self.truth is None:
            return Taken.MAYBE
        return self.now if self.truth == (self.joint == "&&") else Taken.NO

    @property
    def in_function(self) -> bool:
        return any(block.kind == "function" for block in self.blocks)

    @property
    def kind(self) -> str:
        """Of the innermost block."""
        return self.blocks[-1].kind if self.blocks else ""

    def open(self, kind: str, first_call: int, *, certain: bool = True) -> None:
        """A block that is run whenever it is reached, or perhaps."""
        taken = self.taken
        if taken is not Taken.NO and not certain:
            taken = Taken.MAYBE
        self.blocks.append(Block(kind, taken, taken, first_call))
        self.joint = ""

    def close(self) -> Block:
        self.truth, self.joint = None, ""
        return self.blocks.pop()

    def branch(self, word: str) -> None:
        """`then`, `elif` and `else` of the innermost block."""
        if self.kind != "if":
            return
        block, truth = self.blocks[-1], self.truth
        self.joint = ""
        if word != "then":
            block.taken = self._within(None if block.earlier is None else not block.earlier)
        elif block.earlier is not False:
            block.taken = Taken.NO if block.earlier or truth is False else self._within(None)
        else:
            block.taken, block.earlier = self._within(truth), truth

    def _within(self, truth: bool | None) -> Taken:
        """What is run of a part that depends on this."""
        outer = self.blocks[-1].outer
        if outer is Taken.NO or truth is False:
            return Taken.NO
        return outer if truth else Taken.MAYBE
