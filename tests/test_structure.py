"""What `scripts/structure.py` takes for a circle; that the code has none is checked by `scripts/check`."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("imports", "found"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"a"}}, [["a", "b"]]),
        ({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}, [["a", "b", "c"]]),
        ({"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c"}}, [["c", "d"], ["a", "b"]]),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}, []),
    ],
)
def test_modules_that_reach_each_other_are_a_circle(
    imports: dict[str, set[str]], found: list[list[str]]
) -> None:
    circles = runpy.run_path(str(ROOT / "scripts/structure.py"))["circles"]
    assert circles(imports) == found
