"""Writes docs/messages.md: what loomtui says of each message of a Loom node's log.

python scripts/messages.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
    yield "# Messages in the nodes' logs"
    yield ""
    yield "What the log screen and a diagnosis say of each message that loomtui knows. Made by"
    yield "`python scripts/messages.py` from `loomtui/loom/logrules/`; a test holds it to them. In braces:"
    yield "what the line itself names."
    for severity in _ORDER:
        yield f"\n## {_HEADS[severity]}"
        for rule in (rule for rule in RULES if rule.severity is severity):
            yield from _told(rule)


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
