"""Property tests whose cases are counted, with a number of cases that follows the profile."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

cases = 0


def hostile(
    share: float = 1, /, **strategies: SearchStrategy[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`given`, for a share of the profile's number of cases: a shell takes longer than a function."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def counted(*args: Any, **kwargs: Any) -> None:
            global cases
            cases += 1
            test(*args, **kwargs)

        few = settings(
            max_examples=max(1, round(settings().max_examples * share)),
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=list(Phase)
            if share >= 1
            else (Phase.explicit, Phase.reuse, Phase.generate),  # slow to shrink
        )
        made: Callable[..., None] = few(given(**strategies)(counted))
        return made

    return decorate
