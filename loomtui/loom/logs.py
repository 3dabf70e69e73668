"""Lines of a Loom node's log, and what the known ones mean.

Source of the form: tendermint 0.27.3 libs/log/tmfmt_logger.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from loomtui.loom.advice import Advice
from loomtui.loom.logrules import RULES
from loomtui.loom.logrules.rule import Denial, Rule
from loomtui.loom.logrules.rule import Severity as Severity
from loomtui.text import clean_line

_MAX_CHARS = 8_000
_FORM = re.compile(r"(?P<level>[DIE])\[[^\]]{0,40}\] (?P<rest>.*)")
_FIELD = re.compile(r"(?:^|\s)(?P<name>[A-Za-z_][\w.-]*)=(?P<value>\"(?:\\.|[^\"\\])*\"|\S*)")
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True)
class Line:
    level: str | None  # D, I or E; None: not a line of Tendermint's logger
    text: str
    module: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


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


def read_line(text: str) -> Line:
    """Takes a line apart; one that is not Tendermint's is all text. Never raises."""
    line = clean_line(text, limit=_MAX_CHARS)
    match = _FORM.fullmatch(line)
    if not match:
        return Line(None, line)
    rest = match["rest"]
    found = list(_FIELD.finditer(rest))
    fields = {entry["name"]: _unquote(entry["value"]) for entry in found}
    message = rest[: found[0].start()] if found else rest
    return Line(match["level"], message.strip(), fields.get("module"), fields)


def explain(text: str) -> Explanation | None:
    """What a log line means; None where it is not known. Never raises."""
    line = clean_line(text, limit=_MAX_CHARS)
    for rule in RULES:
        match = rule.pattern.search(line)
        if match:
            return _explanation(rule, match)
    return None


def _explanation(rule: Rule, match: re.Match[str]) -> Explanation:
    found = {name: value or "" for name, value in match.groupdict().items()}
    ids = tuple(found[name] for name in ("real", "listed", "id") if found.get(name))
    meaning = rule.meaning.format_map(found)
    advice = Advice(rule.advice.act, rule.advice.text.format_map(found))
    return Explanation(rule.severity, rule.title, meaning, advice, ids, rule.file, rule.denied_by)


def _unquote(value: str) -> str:
    if value.startswith('"') and value.endswith('"') and len(value) > 1:
        return _ESCAPE.sub(r"\1", value[1:-1])
    return value
