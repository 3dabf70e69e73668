"""How a node's height grew. A sparkline is drawn from this. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime

#: As many as the widest sparkline has cells.
_KEPT = 60
STILL = "▁"
NO_ANSWER = "·"
_LEVELS = "▂▃▄▅▆▇█"


class Trend:
    """The heights of one node, oldest first."""

    def __init__(self) -> None:
        self._last: tuple[datetime, int | None] | None = None
        self._rates: deque[float | None] = deque(maxlen=_KEPT)

    def add(self, at: datetime, height: int | None) -> None:
        """With `height` None, the node gave none. A look at the same moment or before is not a new one."""
        if self._last is None or at > self._last[0]:
            if self._last is not None:
                self._rates.append(_rate(self._last, (at, height)))
            self._last = at, height

    def rates(self) -> tuple[float | None, ...]:
        """Blocks a second from look to look, or None if one of the two looks gave no height."""
        return tuple(self._rates)


def _rate(earlier: tuple[datetime, int | None], later: tuple[datetime, int | None]) -> float | None:
    if earlier[1] is None or later[1] is None:
        return None
    return max(0, later[1] - earlier[1]) / (later[0] - earlier[0]).total_seconds()


def sparkline(rates: Sequence[float | None], cells: int, top: float) -> str:
    """The newest rate is at the right.

    `top` is the rate of a full bar; it is the same for all nodes, to compare them.
    """
    shown_rates = rates[-cells:] if cells > 0 else ()
    return "".join(_bar(rate, top) for rate in shown_rates).rjust(cells)


def _bar(rate: float | None, top: float) -> str:
    if rate is None:
        return NO_ANSWER
    if rate <= 0 or top <= 0:
        return STILL
    return _LEVELS[int(min(1.0, rate / top) * (len(_LEVELS) - 1))]


def common_top(all_rates: Sequence[Sequence[float | None]]) -> float:
    """The fastest growth of any node, or 0 if nothing grew."""
    return max((rate for rates in all_rates for rate in rates if rate is not None), default=0.0)
