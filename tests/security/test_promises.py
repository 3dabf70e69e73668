"""What docs/security.md promises is shown by tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def _tests_of(path: Path) -> set[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)}


def test_every_test_that_is_named_exists() -> None:
    named = _NAMED.findall((ROOT / "docs/security.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or (test and test not in _tests_of(ROOT / file))
    ]
    assert missing == []


def test_every_promise_names_a_test() -> None:
    """Each row of the tables of promises."""
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    tables = re.findall(r"\| promise \| shown by \|\n\| --- \| --- \|\n((?:\|.*\n)+)", text)
    promises = [row for table in tables for row in table.splitlines()]
    assert len(promises) > 12
    assert [row for row in promises if not _NAMED.search(row)] == []
