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

    def lacks(self, wanted: Wanted) -> Wanted:
        """What of it is not here yet. Files are read again for the sake of a further variable."""
        names = wanted.names - self.names
        patterns = wanted.patterns if names else wanted.patterns - self.patterns.keys()
        return Wanted(patterns, names, wanted.scripts - self.scripts.keys())

    def with_more(self, wanted: Wanted, more: Sources) -> Sources:
        return replace(
            self,
            names=self.names | wanted.names,
            manager={**self.manager, **more.manager},
            patterns={**self.patterns, **more.patterns},
            scripts={**self.scripts, **more.scripts},
            running={**self.running, **more.running},
        )
