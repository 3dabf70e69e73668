"""From files to scenarios, or to everything that is wrong with a file: those in the box, and one's own."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError

from loomtui.drill.scenarios.model import Scenario
from loomtui.drill.scenarios.words import MOST_NODES
from loomtui.errors import CallError, ScenarioError
from loomtui.inventory.document import Document, file_text, read_document
from loomtui.inventory.explain import explain
from loomtui.text import clean_line

SIZE_LIMIT = 1 << 18  # bytes; the longest in the box has some 4,000
_BOX = Path(__file__).parent
_SUFFIXES = (".yml", ".yaml")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
#: In the order in which somebody new to this would play them; files that are not listed come last.
_ORDER = ("clean-restore", "moved-hosts", "newer-signing-states", "healthy")


def own_folder() -> Path:
    """Where an operator puts scenarios of their own: $XDG_DATA_HOME/loomtui/scenarios."""
    return platformdirs.user_data_path("loomtui") / "scenarios"


def scenarios() -> tuple[Scenario, ...]:
    """All in the box, then one's own. Raises ScenarioError for a file that is wrong."""
    return (*_in_the_box(), *(load_scenario(path) for path in _own_files()))


def scenario_named(name: str, nodes: int | None = None) -> Scenario:
    """The scenario of that name, or in that file, for a cluster with so many validators; None: as it wants.

    Raises CallError for an unknown name or a number of nodes that is not enough or too much, ScenarioError
    for a file that is wrong.
    """
    found = _found(name)
    if nodes is not None and not 1 <= nodes <= MOST_NODES:
        raise CallError(
            f"A practice cluster has 1 to {MOST_NODES} validators, not {nodes}.",
            advice="Choose another --nodes.",
        )
    if nodes is not None and nodes < found.validators:
        raise CallError(
            f"The scenario {found.name} needs {found.validators} validators or more, not {nodes}.",
            advice=f"Say --nodes {found.validators}, or leave it out.",
        )
    return found


def load_scenario(path: Path) -> Scenario:
    """Raises CallError where the file cannot be read, ScenarioError with every problem that it has."""
    document = read_document(str(path), file_text(path, kind="scenario", limit=SIZE_LIMIT))
    if not _NAME.fullmatch(path.stem) or path.suffix not in _SUFFIXES:
        expected = "a name of small letters, digits and dashes that ends in .yml: the scenario's own"
        document.blame((), f"the file name '{clean_line(path.name, limit=80)}'", expected)
    found = None if document.problems and document.data is None else _validated(document)
    if document.problems or found is None:
        raise ScenarioError(tuple(sorted(document.problems, key=lambda problem: problem.line)))
    return found.read_from(path)


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Scenario.model_json_schema(),
        "title": "loomtui drill scenario",
    }


def _validated(document: Document) -> Scenario | None:
    try:
        return Scenario.model_validate(document.data)
    except ValidationError as error:
        explain(document, error.errors(include_url=False), Scenario)
    return None


def _found(name: str) -> Scenario:
    path = Path(name).expanduser()
    if path.suffix in _SUFFIXES or len(path.parts) > 1:
        return load_scenario(path.absolute())
    for scenario in _in_the_box():
        if scenario.name == name:
            return scenario
    for own in _own_files():
        if own.stem == name:
            return load_scenario(own)
    known = ", ".join([scenario.name for scenario in _in_the_box()] + [own.stem for own in _own_files()])
    raise CallError(f"There is no scenario {clean_line(name, limit=80)!r}.", advice=f"Known: {known}.")


@cache
def _in_the_box() -> tuple[Scenario, ...]:
    def place(path: Path) -> tuple[int, str]:
        return _ORDER.index(path.stem) if path.stem in _ORDER else len(_ORDER), path.stem

    return tuple(load_scenario(path) for path in sorted(_BOX.glob("*.yml"), key=place))


def _own_files() -> tuple[Path, ...]:
    """Raises CallError for one with the name of one in the box: nobody could tell which is meant."""
    found = sorted(path for path in own_folder().glob("*") if path.suffix in _SUFFIXES)
    names = {scenario.name for scenario in _in_the_box()}
    for path in found:
        if path.stem in names:
            raise CallError(
                f"The scenario {path} has the name of one that comes with loomtui.",
                advice="Give the file another name.",
            )
    return tuple(found)
