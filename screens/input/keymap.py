"""The operator's own keys: `keymap.yml` in the configuration folder, checked as a whole before it is used.

    # action: key, or several with commas between them
    app.logs: l
    health.mark: m, insert

Names of actions are the ids in `screens.input.keys`; names of keys are Textual's.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from platformdirs import user_config_path

from loomtui import errors
from loomtui.errors import CallError
from loomtui.inventory.document import file_text, read_document
from loomtui.text import clean_line
from screens.input import keys
from screens.input.key import PUNCTUATION, Key

FILE_NAME = "keymap.yml"
_MAX_BYTES = 64 * 1024
_NAMED = {
    **{printed: name for name, printed in PUNCTUATION.items()},
    '"': "quotation_mark",
    "=": "equals_sign",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "{": "left_curly_bracket",
    "}": "right_curly_bracket",
    "\\": "backslash",
    "|": "vertical_line",
    "_": "underscore",
    "@": "at",
    "#": "number_sign",
    "$": "dollar_sign",
    "%": "percent_sign",
    "&": "ampersand",
    "~": "tilde",
    "^": "circumflex_accent",
    "`": "grave_accent",
}
_SPECIAL = {
    *("escape", "enter", "tab", "space", "backspace", "delete", "insert", "home", "end"),
    *("pageup", "pagedown", "up", "down", "left", "right"),
} | {f"f{number}" for number in range(1, 25)}
#: What a terminal sends for these is the other key.
_TWINS = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+j": "enter on many terminals"}
_WITH_MODIFIER = re.compile(r"((?:ctrl|shift|alt|super)\+)+(.+)")

#: Groups that are there whatever screen is open, and groups of what can have the focus on any screen.
_EVERYWHERE = frozenset({"app", "drill", "screen"})
_ANYWHERE = frozenset({"table", "scroll", "diff", "logview", "axis"})
#: A field that is typed into: its keys are its own while it has the focus.
_APART = frozenset({"filterline", "dialog"})


@dataclass(frozen=True)
class Entry:
    """One line of the file."""

    line: int
    action: str
    keys: tuple[str, ...]


def default_path() -> Path:
    return user_config_path("loomtui") / FILE_NAME


def load_keymap(path: Path) -> Mapping[str, str]:
    """Keys by action id, as Textual wants them; {} if there is no file.

    Raises CallError with every problem of the file at once, each with its line.
    """
    if not path.exists():
        return {}
    entries, problems = read_entries(file_text(path, kind="keymap", limit=_MAX_BYTES))
    problems += check(entries)
    if problems:
        problem_list = "; ".join(f"line {line}: {problem}" for line, problem in sorted(problems))
        raise CallError(
            f"the keymap {path} cannot be used: {problem_list}.",
            advice="Correct it, or move it away. Every action's name stands in the help of its screen (?).",
        )
    return {entry.action: ",".join(entry.keys) for entry in entries}


Problem = tuple[int, str]


def read_entries(text: str) -> tuple[list[Entry], list[Problem]]:
    """The lines of the file, and what cannot be read of it. Never raises."""
    document = read_document(FILE_NAME, text, all_text=True)
    problems = [(problem.line, _problem_text(problem)) for problem in document.problems]
    data = {} if document.data is None else document.data
    if not isinstance(data, Mapping):
        return [], [*problems, (1, "expected lines of the form 'action: key'")]
    entries = []
    for action, value in data.items():
        line, key_names = document.line((action,)), _key_names(value)
        if key_names is None:
            problems.append((line, "expected 'action: key', or a list of keys"))
        else:
            entries.append(Entry(line, clean_line(action, limit=80), key_names))
    return entries, problems


def _problem_text(problem: errors.Problem) -> str:
    hint = f" ({problem.suggestion})" if problem.suggestion else ""
    return f"{problem.field}: found {problem.found}, expected {problem.expected}{hint}"


def _key_names(value: object) -> tuple[str, ...] | None:
    """The keys of one action; a comma alone is the key itself.

    None means neither a key nor a list of keys.
    """
    key_names: list[str] = []
    for part in value if isinstance(value, list) else [value]:
        if not isinstance(part, str):
            return None
        key_names += [","] if part == "," else part.split(",")
    return tuple(key_name(clean_line(word, limit=40)) for word in key_names)


def key_name(word: str) -> str:
    """Textual's name of a key: `/` is slash."""
    if word == ",":
        return "comma"
    modifiers, plus, last = word.rpartition("+") if len(word) > 1 else ("", "", word)
    name = _NAMED.get(last, last)
    if len(name) > 1 or "ctrl" in modifiers.lower():
        name = name.lower()  # a terminal sends the same for ctrl+f and ctrl+F
    return f"{modifiers.lower()}{plus}{name}"


def check(entries: Iterable[Entry]) -> list[Problem]:
    """Finds unknown actions and keys, and keys that would do two things at once."""
    entries = list(entries)
    problems: list[Problem] = []
    for entry in entries:
        if keys.by_id(entry.action) is None:
            problems.append((entry.line, _unknown_action_text(entry.action)))
        problems += [(entry.line, problem) for key in entry.keys if (problem := _key_problem(key))]
    return problems or list(_clashes(entries))


def _unknown_action_text(action: str) -> str:
    action_ids = [key.id for group in keys.GROUPS for key in group]
    close_matches = get_close_matches(action, action_ids, n=1)
    return f"there is no action {action!r}" + (f"; did you mean {close_matches[0]}?" if close_matches else "")


def _key_problem(key: str) -> str:
    if key in _TWINS:
        return f"{key} cannot be told from {_TWINS[key]} in a terminal"
    modified = _WITH_MODIFIER.fullmatch(key)
    last = modified[2] if modified else key
    is_named = last in _SPECIAL or last in _NAMED.values()
    is_printable = len(last) == 1 and last.isprintable() and last not in string.whitespace
    return "" if is_named or is_printable else f"{key!r} is no key"


def _clashes(entries: list[Entry]) -> Iterable[Problem]:
    """Looks only at what the file changed: keys that come with loomtui are told apart by the state."""
    entries_by_action = {entry.action: entry for entry in entries}
    all_keys = [key for group in keys.GROUPS for key in group]
    told_pairs: set[frozenset[str]] = set()
    for entry in entries:
        own_key = keys.by_id(entry.action)
        for other_key in all_keys:
            pair = frozenset((entry.action, other_key.id))
            if (
                own_key is None
                or other_key.id == own_key.id
                or pair in told_pairs
                or not meet(own_key, other_key)
            ):
                continue
            other_names = (
                entries_by_action[other_key.id].keys
                if other_key.id in entries_by_action
                else tuple(other_key.keys.split(","))
            )
            if shared := sorted(set(entry.keys) & set(other_names)):
                told_pairs.add(pair)
                problem = (
                    f"{', '.join(shared)} would be both {own_key.id} and {other_key.id} ({other_key.label})"
                )
                yield entry.line, problem


def meet(one: Key, other: Key) -> bool:
    """Whether both can be there at the same time, so that they need keys of their own."""
    groups = {one.group, other.group}
    if len(groups) == 1:
        return True
    if one.action == other.action:  # a screen's own words for what others have, too
        return False
    if groups & _APART:
        return False
    return bool(groups & _EVERYWHERE) or len(groups & _ANYWHERE) == 1


def for_textual(keymap: Mapping[str, str]) -> Mapping[str, str]:
    """Adds the unchanged keys that share a key with a changed one. Textual would drop them otherwise."""
    changed_keys = [key for binding_id in keymap if (key := keys.by_id(binding_id)) is not None]
    freed_names = {(key.group, part) for key in changed_keys for part in key.keys.split(",")}
    all_keys: Iterable[Key] = (key for group in keys.GROUPS for key in group)
    unchanged_names = {
        key.id: key.keys
        for key in all_keys
        if key.id not in keymap and freed_names & {(key.group, part) for part in key.keys.split(",")}
    }
    return {**unchanged_names, **keymap}
