"""What is typed to choose lines or rows: a regular expression, case ignored; `!` in front inverts."""

from __future__ import annotations

import re


class Matcher:
    """Takes everything where nothing was typed."""

    def __init__(self, typed: str = "") -> None:
        """Raises ValueError with a sentence where it is no regular expression."""
        self.typed = typed.strip()
        self._inverse = self.typed.startswith("!")
        source = self.typed[1:] if self._inverse else self.typed
        try:
            self._pattern = re.compile(source, re.IGNORECASE) if source else None
        except re.error as error:
            raise ValueError(f"not a regular expression: {error.msg}") from error

    def takes(self, text: str) -> bool:
        if self._pattern is None:
            return True
        return (self._pattern.search(text) is not None) is not self._inverse
