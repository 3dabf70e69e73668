"""What the documentation promises is shown by tests that exist."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest

from loomtui.loom.diagnosis import Code
from loomtui.loom.diagnosis.catalogue import CATALOGUE

ROOT = Path(__file__).parents[1]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _tests_of(path: Path) -> set[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)}


@pytest.mark.parametrize(
    ("document", "at_least"), [("README.md", 10), ("docs/security.md", 20), ("docs/comparison.md", 30)]
)
def test_every_test_that_is_named_exists(document: str, at_least: int) -> None:
    named = _NAMED.findall(_read(document))
    assert len(named) >= at_least
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or (test and test not in _tests_of(ROOT / file))
    ]
    assert missing == []


def test_every_promise_names_a_test() -> None:
    """Each row of the tables of promises."""
    tables = re.findall(
        r"\| promise \| shown by \|\n\| --- \| --- \|\n((?:\|.*\n)+)", _read("docs/security.md")
    )
    promises = [row for table in tables for row in table.splitlines()]
    assert len(promises) > 12
    assert [row for row in promises if not _NAMED.search(row)] == []


def test_every_mark_of_the_comparison_names_a_test() -> None:
    rows = [row.split(" | ") for row in _read("docs/comparison.md").splitlines() if row.startswith("| ")]
    marked = [row for row in rows[1:] if row[8][:1] in "●◐"]
    assert len(marked) > 25
    assert [row[0] for row in marked if not _NAMED.search(row[9])] == []


def test_the_table_of_diagnoses_is_whole_and_every_test_in_it_exists() -> None:
    test_of = runpy.run_path(str(ROOT / "scripts/messages.py"))["test_of"]
    assert list(CATALOGUE) == list(Code)
    tests = _read("tests/loom/test_diagnosis.py")
    for code in Code:
        assert f"| {code} |" in _read("docs/messages.md")
        assert f"def {test_of(code)}(" in tests


def test_messages_are_told_as_the_rules_have_them() -> None:
    told = runpy.run_path(str(ROOT / "scripts/messages.py"))["page"]()
    assert _read("docs/messages.md") == told, "run python scripts/messages.py"


_SOURCE = re.compile(r"`((?:[\w]+/)*[\w]+\.py)`")


def test_every_source_file_that_the_architecture_names_exists() -> None:
    """By as much of its path as the document gives."""
    files = [f"/{path.relative_to(ROOT)}" for path in ROOT.rglob("*.py") if ".venv" not in path.parts]
    named = set(_SOURCE.findall(_read("docs/architecture.md")))
    assert len(named) > 30
    assert [name for name in sorted(named) if not any(file.endswith(f"/{name}") for file in files)] == []
