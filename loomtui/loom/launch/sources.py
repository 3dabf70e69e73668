"""What lies around a unit on its node: environment files, start scripts, the manager's variables.

A unit is read with what is known of these; what it would take to know more it tells as `Wanted`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Absence(StrEnum):
    """Why there is no text of a file."""

    MISSING = "missing"
    BINARY = "binary"  # a program and no script
    CLOSED = "closed"  # whoever looks may not read it
    ODD = "odd"  # no regular file
    LARGE = "large"
    KEY = "key"  # by its look: it stays on the node


@dataclass(frozen=True)
class SourceFile:
    path: str
    text: str = ""
    absence: Absence | None = None


@dataclass(frozen=True)
class Wanted:
    """What has to be read on the node before a unit can be read further."""

    patterns: frozenset[str] = frozenset()  # of EnvironmentFile=
    names: frozenset[str] = frozenset()  # the variables that are of interest in them, and no others
    scripts: frozenset[str] = frozenset()  # paths

    def __bool__(self) -> bool:
        return bool(self.patterns or self.names or self.scripts)


@dataclass(frozen=True)
class Sources:
    """What was read. Its texts stay in memory and are never shown: they may hold secrets."""

    unit: str = ""  # full name, as loom@n1.service
    host: str = ""
    folder: str = ""  # the working directory, with `~` filled in; empty: by the unit
    names: frozenset[str] = frozenset()  # the variables that were asked for
    manager: Mapping[str, str] = field(default_factory=dict)  # what the service manager gives to each service
    patterns: Mapping[str, tuple[SourceFile, ...]] = field(default_factory=dict)
    scripts: Mapping[str, SourceFile] = field(default_factory=dict)
    running: Mapping[str, str] = field(
        default_factory=dict
    )  # by flag: the lists that the running loom was given

    @property
    def chars(self) -> int:
        """How long its files' texts are together."""
        files = [*self.scripts.values(), *(file for files in self.patterns.values() for file in files)]
        return sum(len(file.text) for file in files)

    def __hash__(self) -> int:
        """Nobody changes a mapping that was put into it."""
        mappings = (self.manager, self.patterns, self.scripts, self.running)
        values = (frozenset(mapping.items()) for mapping in mappings)
        return hash((self.unit, self.host, self.folder, self.names, *values))

    def lacks(self, wanted: Wanted) -> Wanted:
        """What of it is not here yet. Files are read again for the sake of a further variable."""
        names = wanted.names - self.names
        patterns = wanted.patterns if names else wanted.patterns - self.patterns.keys()
        return Wanted(patterns, names, wanted.scripts - self.scripts.keys())

    def with_more(self, wanted: Wanted, more: Sources) -> Sources:
        scripts = {**self.scripts, **more.scripts}
        patterns = {**self.patterns, **more.patterns}
        return replace(
            self,
            names=self.names | wanted.names,
            manager={**self.manager, **more.manager},
            # A script's text is whole, that of an environment file is not: a path has one text.
            patterns={one: tuple(scripts.get(f.path, f) for f in files) for one, files in patterns.items()},
            scripts=scripts,
            running={**self.running, **more.running},
        )
