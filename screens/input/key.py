"""What a key of the screens is, and what is printed on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.binding import Binding

PUNCTUATION = {
    "slash": "/",
    "question_mark": "?",
    "apostrophe": "'",
    "full_stop": ".",
    "comma": ",",
    "colon": ":",
    "semicolon": ";",
    "exclamation_mark": "!",
    "minus": "-",
    "plus": "+",
    "asterisk": "*",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}
_PRINTED = {**PUNCTUATION, "escape": "esc", "up": "↑", "down": "↓", "left": "←", "right": "→"}

#: The operator's own keys by action id, of the app that runs.
_own_keys: dict[str, str] = {}


def use_keymap(keymap: Mapping[str, str]) -> None:
    """From now on keys have the operator's own names."""
    _own_keys.clear()
    _own_keys.update(keymap)


def printed_name(key: str) -> str:
    """`slash` is printed /."""
    modifiers, plus, last = key.rpartition("+")
    return f"{modifiers}{plus}{_PRINTED.get(last, last)}"


@dataclass(frozen=True)
class Key:
    """`action` is the Textual action; a dangerous one does not exist where the engine only looks.

    A `local` one acts on the machine that loomtui runs on, so it does not exist in a browser.
    """

    id: str
    keys: str
    action: str
    label: str  # in the footer: one or two words
    tooltip: str  # in the help and in the palette: a sentence
    danger: bool = False
    local: bool = False
    show: bool = True
    shown_as: str = ""

    @property
    def name(self) -> str:
        """What is printed on the key, by the operator's own keymap where there is one."""
        own_keys = _own_keys.get(self.id)
        return (
            printed_name(own_keys.split(",")[0])
            if own_keys
            else self.shown_as or printed_name(self.keys.split(",")[0])
        )

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]

    def binding(self) -> Binding:
        return Binding(
            self.keys,
            self.action,
            self.label,
            show=self.show,
            key_display=self.name,
            tooltip=self.tooltip,
            id=self.id,
        )
