"""When a key may answer a question: not just as the question comes up, and not out of a rush of keys."""

from __future__ import annotations


class Settling:
    """`seconds` without a key have to pass, which is longer than a held key takes to repeat itself.

    All times are those of one clock, in seconds.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since = 0.0
        self.refused = 0  # keys since the question came up

    def begin(self, now: float) -> None:
        """A question has come up."""
        self._since, self.refused = now, 0

    def takes(self, now: float) -> bool:
        """Whether a key at this moment is an answer. If it is not, the wait begins again."""
        if now - self._since >= self._seconds:
            return True
        self._since = now
        self.refused += 1
        return False
