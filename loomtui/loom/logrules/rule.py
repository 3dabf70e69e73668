"""The form of a rule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    INFO = "info"
    HARMLESS = "harmless"  # logged as an error, and none
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"  # act now


@dataclass(frozen=True)
class Rule:
    """`meaning` and `advice` may name groups of the pattern; `real`, `listed` and `id` are node IDs."""

    severity: Severity
    title: str
    file: str  # that is to be looked at, relative to the working directory; UNIT; or none
    pattern: re.Pattern[str]
    meaning: str
    advice: str


def rule(severity: Severity, title: str, file: str, pattern: str, meaning: str, advice: str) -> Rule:
    return Rule(severity, title, file, re.compile(pattern), meaning, advice)
