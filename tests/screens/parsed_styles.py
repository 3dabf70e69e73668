"""Style sheets are parsed once for all apps that tests start, not once for each."""

from __future__ import annotations

from typing import Any

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_parse_rules = Stylesheet._parse_rules
_known: dict[Any, list[RuleSet]] = {}


def parse_rules_once(self: Stylesheet, *args: Any, **options: Any) -> list[RuleSet]:
    """Stands in for Textual 8.2.8's Stylesheet._parse_rules, which knows what one app has parsed."""
    key = (tuple(self._variables.items()), args, tuple(options.items()))
    if key not in _known:
        _known[key] = _parse_rules(self, *args, **options)
    return _known[key]
