"""Clusters of hundreds of nodes: what is shown of them stays bounded, and says nothing wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loomtui.inventory.model import Role
from loomtui.loom.references import KeyReport, Mismatch, MismatchKind, NodeFacts
from loomtui.loom.units import EffectiveUnit
from screens.identity.node_keys_screen import (
    NO_UNIT,
    NOT_KNOWN,
    RIGHT,
    meant_nodes,
    others_mark,
    worst_mismatches,
)

NAMES = tuple(f"n{number}" for number in range(300))
NODE = NodeFacts("n0", Role.VALIDATOR, "10.0.0.1", 46656, "a" * 40, unit=EffectiveUnit(()))


def wrong(on: str, about: str | None, *, blocking: bool = True) -> Mismatch:
    kind = MismatchKind.WRONG_ID if blocking else MismatchKind.STALE_ADDRBOOK
    return Mismatch(kind, on, about, None, None, "--persistent-peers", "it is wrong", blocking)


def report(*mismatches: Mismatch) -> KeyReport:
    return KeyReport(False, (NODE,), mismatches)


def test_few_nodes_have_a_column_each() -> None:
    assert meant_nodes(NAMES[:40], None) == NAMES[:40]
    assert meant_nodes(NAMES[:40], report(wrong("n1", "n2"))) == NAMES[:40]


def test_of_many_nodes_those_that_something_is_wrong_about() -> None:
    assert meant_nodes(NAMES, None) == []
    found = report(wrong("n1", "n7"), wrong("n2", "n3"), wrong("n3", None), wrong("n4", "a stranger"))
    assert meant_nodes(NAMES, found) == ["n3", "n7"]
    assert len(meant_nodes(NAMES, report(*(wrong("n0", name) for name in NAMES)))) == 40


def test_the_worst_of_several_counts() -> None:
    mild, bad = wrong("n0", "n1", blocking=False), wrong("n0", "n1")
    assert worst_mismatches(report(mild, bad))["n0", "n1"] is bad
    assert worst_mismatches(report(bad, mild))["n0", "n1"] is bad


def test_what_has_no_column_is_not_called_right() -> None:
    worst = worst_mismatches(report(*(wrong("n0", name) for name in NAMES), wrong("n1", "n2")))
    assert others_mark(worst, NODE, frozenset(NAMES[:40])).word == "260 wrong"
    assert others_mark(worst, NODE, frozenset(NAMES)) is RIGHT
    assert others_mark({}, replace(NODE, unit=None), frozenset()) is NO_UNIT
    unknown = replace(NODE, unit=EffectiveUnit((), peers_unknown="A script decides."))
    assert others_mark({}, unknown, frozenset()) is NOT_KNOWN


@pytest.mark.parametrize("count", [0, 1, 39])
def test_nothing_is_left_over_where_all_have_a_column(count: int) -> None:
    assert len(meant_nodes(NAMES[:count], None)) == count
