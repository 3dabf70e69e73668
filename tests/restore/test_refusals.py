"""docs/refusals.md is whole: every refusal of a change script and of a step, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from loomtui.fleet.probes.places import Fault, Unfit, Use
from loomtui.restore.findings import FindingCode
from loomtui.restore.planning.place_words import finding_of
from tests.restore.material import node_plan

ROOT = Path(__file__).parents[2]
CHANGE = ROOT / "loomtui/fleet/remote/change"
RUNNING = ROOT / "loomtui/restore/running"
PAGE = (ROOT / "docs/refusals.md").read_text()

#: They look at no node themselves, see the page.
_PASS_ON = frozenset({"runner.py", "decisions.py", "rollback.py", "admission.py", "second.py"})
#: A refusal in words: `fail "…"` of every script, `finish STATUS "…"` of the job.
_FAIL = re.compile(r'\b(?:fail|finish [1-9]) "((?:[^"$\\]|\\.|\$\((?:[^()]*)\)|\$\{[^}]*\}|\$)*)"')
_EXIT = re.compile(r"^\s*(?:.*\|\| )?exit (7\d)$", re.MULTILINE)


def rows(title: str, columns: int) -> list[tuple[str, ...]]:
    """The rows of the tables below a heading, without their heads."""
    part = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    found = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    bodies = [tuple(row) for row in found if len(row) == columns and not set(row[0]) <= {"-"}]
    return [row for row in bodies if row[0] not in {"condition", "script", "file"}]


SEEN = rows("What is seen beforehand", 5)
LATE = rows("What cannot be seen beforehand", 4)
REFUSALS = rows("The refusals of the scripts", 3)
STEPS = rows("The refusals of the steps", 3)
KNOWN = {row[0] for row in (*SEEN, *LATE)}


def words(cell: str) -> str:
    return cell.strip("`")


def refusals_of(script: Path) -> set[str]:
    return set(_FAIL.findall(script.read_text()))


def scripts() -> dict[str, Path]:
    return {path.stem: path for path in CHANGE.glob("*.sh")}


def test_every_call_of_fail_is_understood() -> None:
    """The pattern finds each; otherwise the page would be whole by mistake."""
    for path in scripts().values():
        calls = re.findall(r"\b(?:fail|finish [1-9]) [\"'$]", path.read_text())
        assert len(calls) == len(_FAIL.findall(path.read_text())), path.name


@pytest.mark.parametrize("name", sorted(scripts()))
def test_every_refusal_of_a_script_is_listed_and_no_other(name: str) -> None:
    listed = {words(row[1]) for row in REFUSALS if row[0] == name and not row[1].isdigit()}
    assert listed == refusals_of(scripts()[name])


def test_every_status_without_words_is_listed_and_no_other() -> None:
    found = {(name, status) for name, path in scripts().items() for status in _EXIT.findall(path.read_text())}
    assert {(row[0], row[1]) for row in REFUSALS if row[1].isdigit()} == found


def test_the_page_names_no_script_that_is_not_there() -> None:
    assert {row[0] for row in REFUSALS} <= set(scripts())


def raising() -> set[tuple[str, str]]:
    """Every function that raises an error itself."""
    found = set()
    for path in RUNNING.rglob("*.py"):
        name = path.relative_to(RUNNING).as_posix()
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and name not in _PASS_ON:
                raises = [node for node in ast.walk(function) if isinstance(node, ast.Raise) and node.exc]
                found |= {(name, function.name) for _ in raises}
    return found


def test_every_refusal_of_a_step_is_listed_and_no_other() -> None:
    assert {(row[0], words(row[1])) for row in STEPS} == raising()


def test_every_condition_is_known_and_every_known_one_is_used() -> None:
    used = {condition for row in (*REFUSALS, *STEPS) for condition in re.split(r"[,;] ", row[2])}
    assert used <= KNOWN
    # Of these nothing comes: they are done instead, or only told.
    done = {row[0] for row in SEEN if row[3].startswith(("Nothing", "`linked-file` (a warning)"))}
    assert KNOWN - used - done == set()


def test_every_finding_is_one() -> None:
    codes = {code.value for code in FindingCode}
    for row in SEEN:
        named = [word for word in re.findall(r"`([a-z-]+)`", row[3]) if word not in {"chattr", "rollback"}]
        assert set(named) <= codes, row[0]


def test_every_test_of_a_condition_exists() -> None:
    for row in (*SEEN, *LATE):
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", row[-1])
        assert named, row[0]
        for file, test in named:
            assert (ROOT / file).is_file(), file
            assert not test or f"def {test}(" in (ROOT / file).read_text(), f"{file}::{test}"


@pytest.mark.parametrize("use", Use)
def test_every_fault_has_words(use: Use) -> None:
    for fault in Fault:
        found = finding_of(node_plan(), Unfit(use, "/a/place", fault, "/at/fault"))
        assert found.sentence.startswith("n1: ")
        assert "{" not in found.text
        assert found.advice
