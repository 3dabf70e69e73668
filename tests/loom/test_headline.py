"""What of a cluster's state is told first: how it is, why, and what to do next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loomtui.loom.advice import Act, Advice, Do
from loomtui.loom.diagnosis import Code, Diagnosis, Way, headline
from loomtui.loom.health import ClusterState, Verdict

STANDS = Verdict(ClusterState.HALTED, "The chain stands still at 9 since 14:02, all nodes up.")
AHEAD = Diagnosis(
    Code.SIGNING_AHEAD_HALTS,
    (),
    "The signing state is ahead of the data (signed: db1 9).",
    Advice(Act.STOP, "Stop all nodes."),
)
DOWN = Diagnosis(Code.NOT_RUNNING, ("db1",), "The service on db1 does not run.", Do.CHECK_HOST.advice())


def test_the_sentence_says_why() -> None:
    assert headline(STANDS, ()).sentence == STANDS.sentence
    assert headline(STANDS, (AHEAD,)).sentence == (
        "The chain stands still at 9 since 14:02, all nodes up: "
        "the signing state is ahead of the data (signed: db1 9)."
    )
    held = Verdict(
        ClusterState.STOPPED,
        "The service runs on no node: held from starting by r-1.",
        held=frozenset({"r-1"}),
    )
    assert headline(held, (AHEAD,)).sentence == f"{held.sentence} {AHEAD.meaning}"
    named = replace(AHEAD, meaning="db1 lists db3 with another ID.")
    assert headline(STANDS, (named,)).sentence.endswith("all nodes up: db1 lists db3 with another ID.")


def test_what_the_state_tells_already_is_not_told_again() -> None:
    """All nodes are down: a line for each of them says nothing more."""
    stopped = Verdict(ClusterState.STOPPED, "The service runs on no node.")
    others = (DOWN, replace(DOWN, nodes=("db2",), meaning="The service on db2 does not run."))
    head = headline(stopped, others)
    assert (head.sentence, head.findings) == (stopped.sentence, ())
    assert head.advice == DOWN.advice.text
    assert headline(stopped, (AHEAD, *others)).sentence.startswith("The service runs on no node: the signing")


def test_findings_are_what_the_sentence_leaves_open() -> None:
    verdict = replace(STANDS, reasons=("db3 cannot be reached.",))
    second = replace(AHEAD, meaning="db1 lists db3 with another ID.")
    assert headline(verdict, (AHEAD, second)).findings == (
        "db3 cannot be reached.",
        "db1 lists db3 with another ID.",
    )


@pytest.mark.parametrize("state", [ClusterState.HALTED, ClusterState.CRASHING, ClusterState.STOPPED])
def test_what_is_broken_can_be_restored(state: ClusterState) -> None:
    assert headline(Verdict(state, "It is broken."), ()).ways == (Way.RESTORE,)
    assert headline(Verdict(state, "It is broken."), (DOWN,)).ways == (Way.RESTORE, Way.LOGS)


def test_what_an_unfinished_run_holds_is_no_case_for_another_one() -> None:
    held = Verdict(ClusterState.STOPPED, "The service runs on no node.", held=frozenset({"a-run"}))
    assert headline(held, (DOWN,)).ways == (Way.RUNS, Way.LOGS)


@pytest.mark.parametrize("state", [ClusterState.HEALTHY, ClusterState.DEGRADED, ClusterState.UNREACHABLE])
def test_nothing_else_calls_for_a_restore(state: ClusterState) -> None:
    assert headline(Verdict(state, "It is so."), ()).ways == ()


def test_a_node_without_blocks_can_be_restored_while_the_chain_moves() -> None:
    blank = Diagnosis(Code.NO_BLOCKS_HERE, ("db1",), "db1 has no blocks.", Do.RESTORE_ONE.advice(node="db1"))
    assert headline(Verdict(ClusterState.DEGRADED, "The chain moves."), (blank,)).ways == (Way.RESTORE,)
