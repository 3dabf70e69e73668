"""Which of a row of like cases the README's test line runs."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def rest_slow(values: Iterable[object], fast: int = 1) -> list[object]:
    """Of `values`, each for one name of `parametrize`, all but the first `fast` are marked as slow."""
    return rest_of_rows_slow(((value,) for value in values), fast)


def rest_of_rows_slow(rows: Iterable[tuple[object, ...]], fast: int = 1) -> list[object]:
    """As `rest_slow`, for several names."""
    return [
        pytest.param(*row, marks=pytest.mark.slow if number >= fast else ())
        for number, row in enumerate(rows)
    ]
