"""Looks at the practice nodes block: they are taken in a thread, so that keys stay quick."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from loomtui.aio import Threads

P = ParamSpec("P")
T = TypeVar("T")

_threads = Threads("drill")


async def in_thread(look: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await _threads.run(look, *args, **kwargs)
