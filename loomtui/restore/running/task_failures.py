"""Works on many nodes at once, so that the failure of one node hides no other's progress."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from loomtui.errors import LoomtuiError

T = TypeVar("T")

#: Stands for the cluster where a failure belongs to no single node.
CLUSTER = "cluster"


async def on_all(
    nodes: Sequence[str], work: Callable[[str], Awaitable[T]]
) -> tuple[dict[str, T], dict[str, LoomtuiError]]:
    """The answers and the failures, by node."""

    async def one(node: str) -> T | LoomtuiError:
        try:
            return await work(node)
        except LoomtuiError as error:
            return error

    answers = dict(zip(nodes, await asyncio.gather(*(one(node) for node in nodes)), strict=True))
    good = {node: answer for node, answer in answers.items() if not isinstance(answer, LoomtuiError)}
    bad = {node: answer for node, answer in answers.items() if isinstance(answer, LoomtuiError)}
    return good, bad


def sentences(failures: Mapping[str, LoomtuiError]) -> tuple[str, ...]:
    """One sentence for each failure, with the node in it."""
    return tuple(f"{node}: {error.what}" for node, error in failures.items())


def combined(failures: Mapping[str, LoomtuiError], then: str, where: str = "") -> LoomtuiError:
    """One error that names every node, of the kind of the first.

    `then` says what to do once the fault is mended; `where` is the step, which is said first.
    """
    name, first = next(iter(failures.items()))
    others = sentences({key: value for key, value in failures.items() if value.what != first.what})
    kind = type(first)
    return kind(
        "; ".join((f"{where}: {first.what}" if where else first.what, *others)),
        node=None if name == CLUSTER else first.node or name,
        safe=first.safe,
        advice=" ".join(part for part in (first.advice, then) if part),
    )
