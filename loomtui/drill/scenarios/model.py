"""One situation in which an operator finds a cluster, as its file says it. Made by `reading` only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr, model_validator

from loomtui.drill.scenarios.backup_models import Backups
from loomtui.drill.scenarios.deeds import Action, Fault, State
from loomtui.drill.scenarios.expectations import Check, Decision, Ending, Expected, Known, Trap
from loomtui.drill.scenarios.words import FILLED, Block, Count, Part, Points, Text, most_named
from loomtui.inventory.model import Wanted


@dataclass(frozen=True)
class Past:
    """What happened before, apart from the scenario."""

    elected: bool = False  # since genesis: the last validator is not in it, and one of it sits no longer
    stakes: tuple[int, ...] = ()  # of the validators in order, where an election made them differ
    backup_config: bool = True  # whether the backup node's own config was backed up as well


class Hosts(StrEnum):
    KEPT = "kept"  # the machines on which the chain has lived
    MOVED = "moved"  # new ones, at other addresses; the services are not enabled yet


class Hint(Part):
    says: Text = Field(description="the hint")
    costs: Points = Field(5, description="points that it costs whoever asks for it")


class Chain(Part):
    """Blocks come ten minutes apart until the chain stopped."""

    tip: Block = Field(120, description="the last block that the cluster made")
    data: Block = Field(69, description="the last block in the newest backup that can be restored")
    stopped_minutes_ago: int = Field(5, ge=0, le=10_000, description="when the last block was made")


States = Annotated[tuple[State, ...], FILLED, Wanted("a list of states, one after the other")]
Checks = Annotated[tuple[Check, ...], FILLED, Wanted("a list of checks")]


class Scenario(Part):
    """A situation to practise. Its name is that of its file."""

    title: Text = Field(description="what it is, in a few words")
    story: Text = Field(description="what happened; no more than a colleague on the phone would know")
    pager: Text | None = Field(None, description="what woke the operator up")
    teaches: Text = Field(description="what whoever has played it knows")
    rests_on: Text = Field(description="the fact behind it, and where it is told")
    hints: tuple[Hint, ...] = Field((), description="told one by one when asked for")
    validators: Count = Field(1, description="it needs so many validators, or more")
    hosts: Hosts = Field(Hosts.KEPT, description="on which machines the operator finds the cluster")
    met: bool = Field(False, description="the story says that every node runs and sees all its peers")
    chain: Chain = Field(default_factory=Chain, description="how far the chain came")
    state: States = Field(description="what is on the nodes when it begins")
    actions: tuple[Action, ...] = Field((), description="what happens once the services run")
    backups: Backups = Field(default_factory=Backups, description="what is in S3")
    faults: tuple[Fault, ...] = Field((), description="what goes wrong in the middle")
    knows: Known = Field(default_factory=Known, description="what only people know")
    expected: Expected = Field(description="what the engine alone comes to")
    solved: Checks = Field(description="what counts as solved, looked at on the nodes")
    traps: tuple[Trap, ...] = Field((), description="wrong moves that the situation invites")

    _path: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _has_its_nodes(self) -> Scenario:
        most = max(most_named(words) for words in self._named())
        if most > self.validators:
            raise ValueError(f"'validators: {most}' or more, for val-{most} is named")
        return self

    def _named(self) -> Iterator[str]:
        """All words for nodes."""
        checks = (*self.solved, *(trap.unless for trap in self.traps))
        yield from (*self.knows.restore, *self.knows.gone, *(check.nodes for check in checks))
        happens = (*self.actions, *(action for fault in self.faults for action in fault.do))
        for part in (*self.state, *happens):
            told = getattr(part, part.verb)
            yield from (getattr(told, "nodes", ""), getattr(told, "of", ""))
        for fault in self.faults:
            yield fault.when.node or ""
        for wrong in self.backups.wrong_hosts:
            yield from (wrong.under, wrong.holds)

    @property
    def path(self) -> Path:
        """The file that it was read from."""
        return self._path

    @property
    def name(self) -> str:
        return self._path.stem

    @property
    def tip_height(self) -> int:
        return self.chain.tip

    @property
    def data_height(self) -> int:
        return self.chain.data

    @property
    def needs_restore(self) -> bool:
        """Otherwise nothing is broken."""
        return self.expected.ends is not Ending.HEALTHY

    @property
    def reset_signing(self) -> bool:
        """The chain moves after the restore only if the signing states are reset."""
        return Decision.RESET in self.expected.decides

    def height(self, words: str) -> int:
        """The block that is meant by tip, data or a number."""
        return {"tip": self.chain.tip, "data": self.chain.data}.get(words) or int(words)

    def read_from(self, path: Path) -> Scenario:
        self._path = path
        return self
