"""Many nodes at once, and what is said where some of them fail."""

from __future__ import annotations

import asyncio

import pytest

from loomtui.errors import LoomtuiError, NodeUnreachable, ScriptFailed
from loomtui.restore.running.task_failures import CLUSTER, combined, on_all, sentences


async def test_no_failure_hides_anothers_progress() -> None:
    done = asyncio.Event()

    async def work(node: str) -> str:
        if node == "bad":
            done.set()
            raise ScriptFailed("no", node=node)
        await done.wait()
        await asyncio.sleep(0)
        return node.upper()

    good, bad = await on_all(["a", "bad", "b"], work)
    assert good == {"a": "A", "b": "B"}
    assert [error.what for error in bad.values()] == ["no"]


async def test_what_is_no_error_of_ours_is_not_swallowed() -> None:
    async def work(node: str) -> None:
        raise RuntimeError(node)

    with pytest.raises(RuntimeError):
        await on_all(["a"], work)


async def test_no_nodes_are_no_work() -> None:
    async def work(node: str) -> None:
        raise AssertionError

    assert await on_all([], work) == ({}, {})


def test_every_node_is_named_and_the_first_gives_the_kind() -> None:
    first = NodeUnreachable("it does not answer", node="n1", safe="All is safe.", advice="Look at its power.")
    error = combined({"n1": first, "n2": ScriptFailed("disk full", node="n2")}, "Then: loomtui resume X")
    assert type(error) is NodeUnreachable
    assert error.exit_status == 4
    assert (error.node, error.safe) == ("n1", "All is safe.")
    assert error.what == "it does not answer; n2: disk full"
    assert error.advice == "Look at its power. Then: loomtui resume X"


def test_what_all_say_is_said_once() -> None:
    shared = {name: LoomtuiError("the chain stands still", node=None) for name in ("n1", "n2")}
    assert combined(shared, "").what == "the chain stands still"


def test_a_failure_of_the_cluster_names_no_node() -> None:
    error = combined({CLUSTER: LoomtuiError("no")}, "")
    assert error.node is None
    assert str(error).startswith("no")


def test_sentences_name_their_nodes() -> None:
    assert sentences({"n1": LoomtuiError("a"), "n2": LoomtuiError("b")}) == ("n1: a", "n2: b")
