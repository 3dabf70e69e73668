"""Writes docs/messages.md: what loomtui says of a cluster, and of each message of a Loom node's log.

python scripts/messages.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from loomtui.loom.diagnosis import Code
from loomtui.loom.diagnosis.catalogue import CATALOGUE
from loomtui.loom.logrules import RULES
from loomtui.loom.logrules.rule import Rule, Severity

PAGE = Path(__file__).parents[1] / "docs/messages.md"

_ORDER = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.HARMLESS, Severity.INFO)
_HEADS = {
    Severity.CRITICAL: "Act now",
    Severity.ERROR: "Errors",
    Severity.WARNING: "Warnings",
    Severity.HARMLESS: "Logged as errors, and none",
    Severity.INFO: "Worth knowing",
}


def page() -> str:
    """The whole document."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Diagnoses, and messages in the nodes' logs"
    yield ""
    yield "What the log screen and a diagnosis say of each message that loomtui knows. Made by"
    yield "`python scripts/messages.py` from `loomtui/loom/logrules/`; a test holds it to them. In braces:"
    yield "what the line itself names."
    yield from _diagnoses()
    for severity in _ORDER:
        yield f"\n## {_HEADS[severity]}"
        for rule in (rule for rule in RULES if rule.severity is severity):
            yield from _told(rule)


def test_of(code: Code) -> str:
    """The test that holds a diagnosis, in tests/loom/test_diagnosis.py."""
    return f"test_{code.value.replace('-', '_')}"


def _diagnoses() -> Iterator[str]:
    yield "\n## Diagnoses\n"
    yield "The most serious first, and the same on the screens, in `status` and in a restore's last step."
    yield "What the nodes themselves contradict is not told. Each has a test in"
    yield "`tests/loom/test_diagnosis.py`, with the state that it is for and two that look alike;"
    yield "`tests/loom/test_advice.py` holds that no state of a cluster brings an advice that lowers a"
    yield "signing state of a living chain or starts a second holder of a key."
    yield ""
    yield "| diagnosis | evidence | meaning | advice | test |"
    yield "| --- | --- | --- | --- | --- |"
    for code, entry in CATALOGUE.items():
        yield f"| {code} | {entry.evidence} | {entry.meaning} | {entry.advice} | `{test_of(code)}` |"


def _told(rule: Rule) -> Iterator[str]:
    yield f"\n### {rule.title}\n"
    yield f"The line matches ``{rule.pattern.pattern}``\n"
    yield rule.meaning
    if rule.advice.text:
        yield f"\n**Do:** {rule.advice.text}"
    if rule.file:
        yield f"\nLook at: `{rule.file}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
