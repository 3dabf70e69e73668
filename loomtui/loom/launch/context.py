"""What is shared while one command is followed through variables, wrappers and scripts."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from loomtui.loom.launch.letters import Gap, Text
from loomtui.loom.launch.outputs import Outputs
from loomtui.loom.launch.sources import SourceFile, Sources

Lookup = Callable[[str], Text | None]

_MOST_LETTERS = 400_000  # of all values together: variables that double themselves come to an end
_MOST_SCRIPTS = 8


def joined(folder: str, path: str) -> str:
    """The absolute path; empty if that is not known, because the folder is not."""
    return posixpath.normpath(posixpath.join(folder, path)) if folder or path.startswith("/") else ""


@dataclass(frozen=True)
class Call:
    """A command that is about to be started."""

    arguments: tuple[Text, ...]
    lookup: Lookup  # of its environment
    folder: str  # absolute; empty: not known
    outputs: Outputs
    certain: bool = True  # False: it stands in a branch of a script


@dataclass
class Context:
    sources: Sources
    scripts: set[str] = field(default_factory=set)  # that were asked for
    started: list[Call] = field(default_factory=list)  # what runs in the end
    gaps: list[Gap] = field(default_factory=list)  # why something that may be loom could not be followed
    _letters: int = 0
    _depth: int = 0

    def script(self, path: str) -> SourceFile | None:
        """A file of the node, if it was read already; it is asked for in any case."""
        self.scripts.add(path)
        return self.sources.scripts.get(path)

    def spend(self, text: Sequence[object]) -> bool:
        """Counts a value. False: it is too much of them."""
        self._letters += len(text)
        return self._letters <= _MOST_LETTERS

    def enter(self) -> bool:
        """Goes into a script that a script calls. False: that is too deep."""
        self._depth += 1
        return self._depth <= _MOST_SCRIPTS
