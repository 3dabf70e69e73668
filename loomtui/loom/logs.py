"""Lines of a Loom node's log, and what the known ones mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Line:
    level: str | None  # D, I or E; None: not a line of Tendermint's logger
    text: str
    module: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


class Severity(StrEnum):
    INFO = "info"
    HARMLESS = "harmless"  # logged as an error, and none
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"  # act now


@dataclass(frozen=True)
class Explanation:
    severity: Severity
    title: str
    meaning: str  # one or two sentences
    advice: str
    ids: tuple[
        str, ...
    ] = ()  # node IDs that the line names; of a mismatch: the real one, then the listed one


def read_line(text: str) -> Line:
    """Never raises."""
    raise NotImplementedError


def explain(text: str) -> Explanation | None:
    """What a log line means; None where it is not known. Never raises."""
    raise NotImplementedError
