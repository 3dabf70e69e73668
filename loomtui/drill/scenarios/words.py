"""The terms that a scenario's file is written in: heights, nodes, sizes, texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic import StringConstraints as Constraints

from loomtui.inventory.model import Wanted
from loomtui.text import clean

MOST_NODES = 16
_NODE = r"val-([1-9]|1[0-6])|backup-1"
_NODES = rf"^({_NODE}|all|validators|last)(, ?({_NODE}|last))*$"
_HEIGHT = r"^(tip|data|[1-9][0-9]{0,4})$"


class Part(BaseModel):
    """Any mapping in a scenario: typed, frozen, and without a key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OneOf(Part):
    """A mapping with exactly one key, which says what it is."""

    @model_validator(mode="after")
    def _has_one(self) -> OneOf:
        chosen = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(chosen) != 1:
            raise ValueError(f"exactly one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def verb(self) -> str:
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _showable(value: str) -> str:
    return clean(value).strip()


def _filled(value: tuple[object, ...]) -> tuple[object, ...]:
    if not value:
        raise ValueError("a list of at least one entry")
    return value


#: Of a list, judged when its entries are right; `min_length` would complain of each wrong entry once more.
FILLED = AfterValidator(_filled)
Text = Annotated[
    str,
    Constraints(min_length=1, max_length=2_000),
    AfterValidator(_showable),
    Wanted("a text"),
]
Height = Annotated[
    str,
    BeforeValidator(_as_text),
    Constraints(pattern=_HEIGHT),
    WithJsonSchema({"anyOf": [{"enum": ["tip", "data"]}, {"type": "integer", "minimum": 1}]}),
    Wanted("tip, data or the number of a block"),
]
Nodes = Annotated[
    str,
    Constraints(pattern=_NODES),
    Wanted("all, validators, last (the last of several validators) or names such as val-1, val-2, backup-1"),
]
NodeName = Annotated[str, Constraints(pattern=rf"^({_NODE})$"), Wanted("val-1 … val-16 or backup-1")]
Seconds = Annotated[float, Field(ge=0, le=600), Wanted("a number of seconds, at most 600")]
Points = Annotated[int, Field(ge=0, le=100, strict=True), Wanted("a number of points from 0 to 100")]
Count = Annotated[int, Field(ge=1, le=MOST_NODES, strict=True), Wanted(f"a number from 1 to {MOST_NODES}")]
Block = Annotated[int, Field(ge=1, le=1_000, strict=True), Wanted("the number of a block, at most 1000")]


class OfNodes(Part):
    """Whatever is done to nodes and needs nothing else."""

    nodes: Nodes = Field("all", description="to which nodes")


def chosen_nodes(which: str, names: Sequence[str]) -> tuple[str, ...]:
    """The nodes of a cluster that the words mean. Raises ValueError for one that it does not have.

    A single validator is not the last of several: then `last` is nobody.
    """
    validators = [name for name in names if name.startswith("val-")]
    found: list[str] = []
    for word in re.split(r", ?", which):
        group = {"all": list(names), "validators": validators, "last": validators[1:][-1:]}.get(word, [word])
        missing = [name for name in group if name not in names]
        if missing:
            raise ValueError(f"there is no node {', '.join(missing)}")
        found += [name for name in group if name not in found]
    return tuple(found)


def most_named(which: str) -> int:
    """The highest number of a validator that the words name; 0: none."""
    return max((int(number) for number in re.findall(r"val-(\d+)", which)), default=0)
