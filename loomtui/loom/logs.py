"""What the known lines of a Loom node's log mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from loomtui.loom.advice import Advice
from loomtui.loom.logrules import RULES
from loomtui.loom.logrules.rule import Denial, Rule
from loomtui.loom.logrules.rule import Severity as Severity
from loomtui.text import clean_line

_MAX_CHARS = 8_000
_KEPT_LINES = 4_096  # of all nodes, each of at most so many characters:
_KEPT_CHARS = 1_000


@dataclass(frozen=True)
class Explanation:
    severity: Severity
    title: str
    meaning: str  # one or two sentences
    advice: Advice
    ids: tuple[
        str, ...
    ] = ()  # node IDs that the line names; of a mismatch: the real one, then the listed one
    file: str = ""  # to look at, relative to the working directory; loomtui.loom.databases.UNIT; or none
    denied_by: Denial = Denial.NOTHING


def explain(text: str) -> Explanation | None:
    """What a log line means, or None if it is not known. Never raises.

    The screens ask for the same last lines every few seconds while a cluster is down, so it remembers.
    """
    return _remembered(text) if len(text) <= _KEPT_CHARS else _explain(text)


def _explain(text: str) -> Explanation | None:
    line = clean_line(text, limit=_MAX_CHARS)
    for rule in RULES:
        match = rule.pattern.search(line)
        if match:
            return _explanation(rule, match)
    return None


_remembered = lru_cache(_KEPT_LINES)(_explain)


def _explanation(rule: Rule, match: re.Match[str]) -> Explanation:
    groups = {name: value or "" for name, value in match.groupdict().items()}
    ids = tuple(groups[name] for name in ("real", "listed", "id") if groups.get(name))
    meaning = rule.meaning.format_map(groups)
    advice = Advice(rule.advice.act, rule.advice.text.format_map(groups))
    return Explanation(rule.severity, rule.title, meaning, advice, ids, rule.file, rule.denied_by)
