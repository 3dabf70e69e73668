"""YAML text as plain data that remembers the line of every key and value.

Stricter than YAML: a key may stand once, keys are text, aliases are refused. So the file means what its
reader sees, and no small file can grow into a large structure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from loomtui.errors import CallError, Problem
from loomtui.text import clean_line

Location: TypeAlias = tuple[str | int, ...]

WHOLE_FILE = "(the file)"


def dotted(location: Location) -> str:
    """('nodes', 2, 'host') as `nodes[2].host`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{clean_line(part, limit=80)}"
    return text or WHOLE_FILE


@dataclass
class Document:
    """`data` is what could be read; `lines` counts from 1."""

    file: str
    data: object = None
    lines: dict[Location, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, location: Location) -> int:
        """Of the thing itself, or of the nearest thing around it that is in the file."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def blame(self, location: Location, found: str, expected: str, suggestion: str = "") -> None:
        problem = Problem(self.file, self.line(location), dotted(location), found, expected, suggestion)
        self.problems.append(problem)


def file_text(path: Path, *, kind: str, limit: int) -> str:
    """The text of a file of at most `limit` bytes; `kind`: what the file is called. Raises CallError."""
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise CallError(f"the {kind} {path} cannot be read: {error.strerror or error}.") from error
    if len(raw) > limit:
        raise CallError(f"the {kind} {path} is larger than {limit:,} bytes; no {kind} is.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise CallError(f"{path}:{line}: the {kind} is not UTF-8 text.") from error


def read_document(file: str, text: str, *, all_text: bool = False) -> Document:
    """Never raises: what is wrong is in `problems`. `all_text`: `1` and `~` are text, too."""
    document = Document(file)
    try:
        loader = yaml.BaseLoader(text) if all_text else yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is not None:
            document.data = _Reader(document, loader).read(root, ())
    except yaml.MarkedYAMLError as error:
        _blame_syntax(document, error)
    except yaml.YAMLError as error:
        document.blame((), clean_line(str(error), limit=200), "printable text")
    except RecursionError:
        document.blame((), "lists or mappings nested without end", "something flatter")
    return document


def _blame_syntax(document: Document, error: yaml.MarkedYAMLError) -> None:
    mark = error.problem_mark or error.context_mark
    what = clean_line(error.problem or error.context or "a syntax error", limit=200)
    hint = "indent with blanks, not with tabs" if "\\t" in what else ""
    line = mark.line + 1 if mark else 1
    document.problems.append(Problem(document.file, line, WHOLE_FILE, what, "valid YAML", hint))


class _Reader:
    def __init__(self, document: Document, loader: yaml.SafeLoader | yaml.BaseLoader) -> None:
        self._document = document
        self._loader = loader
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, location: Location) -> object:
        self._document.lines.setdefault(location, node.start_mark.line + 1)
        if id(node) in self._seen:
            self._document.blame(location, "a YAML alias (*name)", "the value, written out")
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(child, (*location, index)) for index, child in enumerate(node.value)]
        return self._scalar(node, location)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> Mapping[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._document.lines[(*location, "?")] = line
                self._document.blame((*location, "?"), "a list or mapping as key", "a key that is text")
                continue
            key = key_node.value
            inner = (*location, key)
            if key in result:
                first = self._document.line(inner)
                found = f"the key a second time in line {line}, first in line {first}"
                self._document.blame(inner, found, "every key once")
                continue
            self._document.lines[inner] = line
            result[key] = self.read(value_node, inner)
        return result

    def _scalar(self, node: yaml.Node, location: Location) -> object:
        try:
            value: object = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError):
            value = None
            self._document.blame(location, clean_line(str(node.value), limit=60), "a plain value")
        return value
