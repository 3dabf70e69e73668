"""Sizes that are given as options."""

from __future__ import annotations

from loomtui.errors import CallError
from loomtui.sizes import HOW, read_size

#: For the help of an option that takes one.
FORMS = f"A SIZE is {HOW}."


def size_option(name: str, typed: str) -> int:
    """The number of bytes. Raises CallError."""
    try:
        return read_size(typed)
    except ValueError as error:
        raise CallError(f"{name}: {error}", advice=FORMS) from None
