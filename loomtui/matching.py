"""What people type to choose lines or rows: a regular expression in any case; `!` in front inverts it."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterable

_LONGEST = 200  # characters: groups in groups would else go deeper than Python can follow
_MANY = 10  # repetitions: so many are as bad as any number
_ELEMENT = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?=[0-9,])(?:[0-9]*,)?(?P<most>[0-9]*)\}|.", re.DOTALL
)


class Matcher:
    """Takes everything if nothing was typed."""

    def __init__(self, typed: str = "") -> None:
        """Raises ValueError with a sentence if it is no regular expression, or one that may never end."""
        self.typed = typed
        self._inverse = typed.lstrip().startswith("!")
        source = typed.lstrip()[1:] if self._inverse else typed
        self._pattern = _compiled(source) if source.strip() else None

    @property
    def empty(self) -> bool:
        return self._pattern is None

    def takes(self, *texts: str, limit: int = sys.maxsize) -> bool:
        """Whether one of the texts matches within its first `limit` characters, or if inverted, none."""
        pattern = self._pattern
        if pattern is None:
            return True
        for text in texts:
            if pattern.search(text, 0, limit):
                return not self._inverse
        return self._inverse

    def spans(self, text: str) -> Iterable[tuple[int, int]]:
        """Where to highlight."""
        if self._pattern is None or self._inverse:
            return ()
        return (match.span() for match in self._pattern.finditer(text) if match.end() > match.start())


def _compiled(source: str) -> re.Pattern[str]:
    if len(source) > _LONGEST:
        raise ValueError(f"not a regular expression of at most {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's doubts would be printed over the screen
            pattern = re.compile(source, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if _repeats_repetitions(source):
        raise ValueError("it repeats what repeats, as (a+)+ does: a search for that may never end")
    return pattern


def _repeats_repetitions(source: str) -> bool:
    """Whether a repeated group holds a repetition. Then each letter doubles the number of ways to read it."""
    open_groups = [False]  # whether there is a repetition in each
    closed = False  # whether what was just read is a group with a repetition in it
    for element in _ELEMENT.finditer(source):
        text = element[0]
        if text == "(":
            open_groups.append(False)
        if text == ")" and len(open_groups) > 1:  # one in a comment closes nothing
            closed = open_groups.pop()
            open_groups[-1] |= closed
            continue
        if _is_repetition(element):
            if closed:
                return True
            open_groups[-1] = True
        closed = False
    return False


def _is_repetition(element: re.Match[str]) -> bool:
    if element[0] in ("*", "+"):
        return True
    most = element["most"]
    return most is not None and (not most or int(most) >= _MANY)
