"""From a file to an `Inventory`, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError

from loomtui.errors import CallError, InventoryError
from loomtui.inventory.checks import cross_check
from loomtui.inventory.document import Document, file_text, read_document
from loomtui.inventory.explain import explain
from loomtui.inventory.model import Inventory

FILE_NAME = "inventory.yml"
VARIABLE = "LOOMTUI_INVENTORY"
SIZE_LIMIT = 1 << 20  # bytes; five nodes take about one thousand
PROBLEM_LIMIT = 200


def load(path: Path) -> Inventory:
    """Raises CallError where the file cannot be read, InventoryError with every problem that it has."""
    document = read_document(str(path), file_text(path, kind="inventory", limit=SIZE_LIMIT))
    inventory = None if document.problems and document.data is None else _validate(document)
    if document.problems or inventory is None:
        ordered = sorted(document.problems, key=lambda problem: problem.line)
        raise InventoryError(tuple(ordered[:PROBLEM_LIMIT]))
    return inventory


def find(given: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The inventory to use: as given, `LOOMTUI_INVENTORY`, ./inventory.yml, the user's config folder.

    Raises CallError where there is none. What was named by the operator is never passed over for another.
    """
    if given is not None:
        return _existing(given.expanduser(), "-i")
    if named := environ.get(VARIABLE):
        return _existing(Path(named).expanduser(), VARIABLE)
    places = [cwd / FILE_NAME, platformdirs.user_config_path("loomtui") / FILE_NAME]
    for place in places:
        if place.is_file():
            return place
    raise CallError(
        f"no inventory was found: neither {places[0]} nor {places[1]} exists.",
        advice=f"Name one with -i FILE or {VARIABLE}; sample_inventory.yml shows how to write it.",
    )


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Inventory.model_json_schema(),
        "title": "loomtui inventory",
    }


def _existing(path: Path, source: str) -> Path:
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise CallError(f"the inventory {path}, named by {source}, {what}.")
    return path


def _validate(document: Document) -> Inventory | None:
    inventory = None
    try:
        inventory = Inventory.model_validate(document.data)
    except ValidationError as error:
        explain(document, error.errors(include_url=False), Inventory)
    cross_check(document)
    return inventory
