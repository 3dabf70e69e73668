"""Whose a node is: the lock file in its working directory, as `change/lock.sh` writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from loomtui.text import clean_line
from loomtui.wording.quantities import time_of

#: RUN, or RUN/NUMBER-TOKEN where the run was taken over: the number grows by one with each take-over.
_RUN = re.compile(r"([A-Za-z0-9._-]{1,100})(?:/(\d{1,9})-([0-9a-f]{1,32}))?")


@dataclass(frozen=True)
class Holder:
    """What a lock says. All of it is text from a node, clean and bounded."""

    run: str
    generation: str = ""  # NUMBER-TOKEN; empty: the run was never taken over
    who: str = "somebody"
    place: str = "somewhere"  # the machine
    since: str = "an unknown time"  # as the lock has it

    @property
    def number(self) -> int:
        """1 for the loomtui that began the run; one more with each take-over."""
        return number_of(self.generation)

    @property
    def person(self) -> str:
        return f"{self.who}@{self.place}"

    @property
    def since_when(self) -> str:
        """In words; what is no time with a zone is told as it stands in the lock."""
        try:
            at = datetime.fromisoformat(self.since)
            return time_of(at.astimezone(UTC)) if at.tzinfo is not None else self.since
        except (ValueError, OverflowError):
            return self.since

    @property
    def words(self) -> str:
        return f"run {self.run} of {self.person}, since {self.since_when}"

    @property
    def ways(self) -> str:
        """What can be done about it, as a sentence without its full stop."""
        return (
            f"Ask them first. Where that run lives: loomtui resume {self.run}, or loomtui rollback "
            f"{self.run}. From any other machine: loomtui take-over {self.run}"
        )


def number_of(generation: str) -> int:
    number = generation.partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() else 1


def read_holder(text: str | None) -> Holder | None:
    """None: no lock, or a text that is none of ours."""
    owner = _owner(text or "")
    match = _RUN.fullmatch(str(owner.get("run", "")))
    if match is None:
        return None
    run, number, token = match.groups()
    told = {
        field: value
        for field, name in (("who", "who"), ("place", "from"), ("since", "since"))
        if (value := clean_line(str(owner.get(name, "")), limit=80))
    }
    return Holder(run, f"{number}-{token}" if number else "", **told)


def lock_words(text: str | None) -> str | None:
    """Who holds the node, in words, or None if nobody does."""
    if text is None:
        return None
    holder = read_holder(text)
    if holder is not None:
        return holder.words
    return f"a lock that nobody can read: {clean_line(text, limit=200) or 'it is empty'}"


def _owner(text: str) -> Mapping[str, object]:
    try:
        owner = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return owner if isinstance(owner, dict) else {}
