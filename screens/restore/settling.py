"""When a key may answer a question: not just as the question comes up, and not out of a rush of keys."""

from __future__ import annotations

#: So many times as long as a key has to wait, no other key counts behind one that was passed over.
_HUSH = 3


class Settling:
    """`seconds` without a key have to pass, which is longer than a held key takes to repeat itself.

    All times are those of one clock, in seconds.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since = 0.0
        self._refused_key = ""
        self.refused = 0  # keys since the question came up

    def begin(self, now: float) -> None:
        """A question has come up."""
        self._since, self.refused = now, 0

    def is_hushed(self, now: float) -> bool:
        """Whether a key was passed over, and nothing else counts yet."""
        return self.refused > 0 and now - self._since < _HUSH * self._seconds

    def swallows(self, now: float, key: str) -> bool:
        """Whether a key at this moment leads nowhere. If so, the wait begins again.

        It was meant for what the key that was passed over would have opened: a name is typed behind that.
        """
        patience = self._seconds if key == self._refused_key else _HUSH * self._seconds
        if self.refused == 0 or now - self._since >= patience:
            return False
        self._since = now
        self.refused += 1
        if key != self._refused_key:
            self._refused_key = ""  # a name is being typed, and that letter may be in it
        return True

    def takes(self, now: float, key: str = "") -> bool:
        """Whether a key at this moment is an answer. If it is not, the wait begins again."""
        if now - self._since >= self._seconds:
            return True
        self._since, self._refused_key = now, key
        self.refused += 1
        return False
