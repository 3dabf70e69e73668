"""What pydantic found wrong, in words for the person who wrote the file."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from loomtui.inventory.document import Document, Location
from loomtui.inventory.model import Wanted
from loomtui.text import clean_line


def explain(document: Document, errors: Sequence[ErrorDetails], root: type[BaseModel]) -> None:
    """Adds a problem for each error; a key that is misspelt is not missing as well.

    `root`: the model of the whole file.
    """
    misspelt = set()
    for error in errors:
        location: Location = error["loc"]
        if error["type"] == "extra_forbidden":
            misspelt.add((*location[:-1], _blame_unknown_key(document, location, root)))
    for error in errors:
        location, value = error["loc"], error["input"]
        expected = _judged_whole(error) or wanted(location, root) or clean_line(error["msg"])
        if error["type"] == "missing":
            if location not in misspelt:
                document.blame(location, "nothing", expected)
        elif error["type"] != "extra_forbidden":
            document.blame(location, shown(value), expected, _hint(location, value, error["type"]))


def _judged_whole(error: ErrorDetails) -> str:
    """What a check of a whole mapping expects; empty: it is an error of one value."""
    is_whole = error["type"] == "value_error" and isinstance(error["input"], dict)
    return clean_line(str(error["ctx"]["error"])) if is_whole else ""


def shown(value: object) -> str:
    """A value of the file, short and without a password that a URL may hold."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = clean_line(str(value), limit=60)
    text = re.sub(r"//[^/@\s]*@", "//…@", text)
    return f"'{text}'" if isinstance(value, str) else text.lower() if isinstance(value, bool) else text


def wanted(location: Location, root: type[BaseModel]) -> str:
    """What the field takes, in words; empty if the model has no such field."""
    annotation: Any = root
    words = ""
    for part in location:
        model = _model(annotation)
        if isinstance(part, int):
            annotation, words = typing.get_args(_without_none(annotation))[0], ""
        elif model is not None and part in model.model_fields:
            info = model.model_fields[part]
            annotation = info.annotation
            words = next((item.words for item in info.metadata if isinstance(item, Wanted)), "")
        else:
            return ""
    return words or _words(annotation)


def _blame_unknown_key(document: Document, location: Location, root: type[BaseModel]) -> str | None:
    """Gives the key that was probably meant."""
    model = _model(_annotation(location[:-1], root))
    known = list(model.model_fields) if model else []
    key = str(location[-1])
    near = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'?" if near else ""
    document.blame(location, "an unknown key", f"one of {', '.join(known)}", hint)
    return near[0] if near else None


def _hint(location: Location, value: object, kind: str) -> str:
    if kind == "string_type" and isinstance(value, int | float):
        return "put it in quotes"
    if kind == "int_type" and isinstance(value, str) and value.isdigit():
        return "write it without quotes"
    if isinstance(value, str) and "@" in value and location[-1] in ("host", "address"):
        return "the user belongs into ssh: user"
    return ""


def _annotation(location: Location, root: type[BaseModel]) -> Any:
    annotation: Any = root
    for part in location:
        model = _model(annotation)
        if isinstance(part, int):
            annotation = typing.get_args(_without_none(annotation))[0]
        elif model is not None:
            annotation = model.model_fields[part].annotation
    return annotation


def _without_none(annotation: Any) -> Any:
    """Without `| None`."""
    options = [option for option in typing.get_args(annotation) if option is not type(None)]
    return options[0] if len(options) == 1 and type(None) in typing.get_args(annotation) else annotation


def _model(annotation: Any) -> type[BaseModel] | None:
    bare = _without_none(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, BaseModel) else None


def _words(annotation: Any) -> str:
    bare = _without_none(annotation)
    for item in getattr(bare, "__metadata__", ()):
        if isinstance(item, Wanted):
            return item.words
    if typing.get_origin(bare) is tuple:
        return "a list of at least one entry that begins with '- '"
    model = _model(bare)
    if model is not None:
        return f"a mapping with keys of {', '.join(model.model_fields)}"
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return " or ".join(bare)
    return "true or false" if bare is bool else "text"
