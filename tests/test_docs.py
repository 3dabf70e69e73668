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


_PAGES = ("CONTRIBUTING.md", "docs/architecture.md")
_SOURCE = re.compile(r"`((?:[\w-]+/)*[\w-]+\.(?:py|sh|tsv))`")
_PLACE = re.compile(r"(?<![\w/.-])((?:loomtui|screens|tests|docs|scripts|benchmarks|\.ci)/[\w./-]*\w)")
_MODULE = re.compile(r"-m ((?:tests|benchmarks|loomtui)[\w.]*)")
#: By `python -m benchmarks --write`, which counts only where nothing else runs.
_MEASURED = {"docs/performance.md", "docs/performance.json"}
_INVENTED = re.compile(r"[A-Z]{2,}")  # stands for a name of the reader's


@pytest.mark.parametrize(("page", "at_least"), [(_PAGES[0], 15), (_PAGES[1], 30)])
def test_every_source_file_that_a_page_names_exists(page: str, at_least: int) -> None:
    """By as much of its path as the page gives."""
    files = [f"/{path.relative_to(ROOT)}" for path in ROOT.rglob("*.*") if ".venv" not in path.parts]
    named = set(_SOURCE.findall(_read(page)))
    assert len(named) > at_least
    assert [name for name in sorted(named) if not any(file.endswith(f"/{name}") for file in files)] == []


@pytest.mark.parametrize("page", _PAGES)
def test_every_place_and_module_that_a_page_names_exists(page: str) -> None:
    text = _read(page)
    modules = {name.replace(".", "/") for name in _MODULE.findall(text)}
    places = {name for name in _PLACE.findall(text) if not _INVENTED.search(name)} - _MEASURED
    assert [name for name in sorted(places) if not (ROOT / name).exists()] == []
    missing = [
        name
        for name in sorted(modules)
        if not ((ROOT / f"{name}.py").is_file() or (ROOT / name / "__main__.py").is_file())
    ]
    assert missing == []


def test_the_map_of_packages_is_whole() -> None:
    """Every package and every module beside them has its line, and one that names rooms names all of them."""
    block = _read("docs/architecture.md").partition("```\n")[2].partition("```")[0]
    parts = {entry.split()[0]: entry for entry in re.split(r"\n(?=\S)", block)}
    packages = {f"loomtui/{name}" for name in _rooms(ROOT / "loomtui")} | {"screens/"}
    modules = {f"loomtui/{path.name}" for path in (ROOT / "loomtui").glob("*.py") if path.name[0] != "_"}
    assert packages | modules == set(parts)
    for name in sorted(packages):
        named = set(re.findall(r"(?<![\w/])(\w+/)(?!\w)", parts[name]))
        rooms = _rooms(ROOT / name)
        assert not (named & rooms) or rooms <= named, name


def _rooms(package: Path) -> set[str]:
    return {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
