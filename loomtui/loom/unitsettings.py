"""What a unit's settings come to. Source: systemd.unit(5), systemd.service(5), systemd.exec(5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from loomtui.loom.commandline import Command, split_commands
from loomtui.loom.launch.environment import EnvironmentFile
from loomtui.loom.launch.letters import Letter, Text, plain, spell
from loomtui.loom.launch.specifiers import fill_in
from loomtui.loom.unitsyntax import Assignment, Char, Word, assignments, split_words
from loomtui.text import clean_line

_T = TypeVar("_T")


@dataclass
class UnitSettings:
    """What is in force after the files read so far."""

    known: Mapping[str, str]  # the specifiers
    single: dict[str, str] = field(default_factory=dict)  # the settings of which the last one counts
    environment: list[tuple[str, Text]] = field(default_factory=list)
    environment_files: list[EnvironmentFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def apply(self, path: str, text: str) -> None:
        """Reads a file's text, after the files that it overrides."""
        for setting in assignments(text):
            if setting.section == "Service":
                self._set(path, text, setting)

    def get(self, key: str) -> str:
        """Its value with the specifiers filled in; one that is not known stays as it is written."""
        value = self.single.get(key, "")
        return plain(fill_in(spell(value), self.known)) or value

    def _set(self, path: str, text: str, setting: Assignment) -> None:
        value = setting.value
        match setting.key:
            case "EnvironmentFile":
                _add(self.environment_files, value, [self._environment_file(value)])
            case "Environment":
                _add(self.environment, value, list(self._variables(path, setting)))
            case "UnsetEnvironment":
                _add(
                    self.removed, value, [word.text.partition("=")[0] for word in self._words(path, setting)]
                )
            case "ExecStart":
                commands = split_commands(self._words(path, setting))
                new = [Command(path, text, setting.line, words) for words in commands]
                _add(self.commands, value, new)
            case key if key in _SINGLE:
                self.single[key] = value

    def _environment_file(self, value: str) -> EnvironmentFile:
        pattern = value.removeprefix("-")
        return EnvironmentFile(plain(fill_in(spell(pattern), self.known)) or pattern, value != pattern)

    def _variables(self, path: str, setting: Assignment) -> Iterator[tuple[str, Text]]:
        for word in self._words(path, setting):
            name, equals, _ = word.text.partition("=")
            if equals:
                yield name, fill_in(letters_of(path, word.chars[len(name) + 1 :]), self.known)

    def _words(self, path: str, setting: Assignment) -> tuple[Word, ...]:
        try:
            return split_words(setting.chars)
        except ValueError as error:
            place = f"{clean_line(path)}:{setting.line}"
            self.problems.append(f"{place}: systemd ignores {setting.key}=: {error}.")
            return ()


#: Settings of which the last one counts.
_SINGLE = frozenset(
    {
        "User",
        "Group",
        "WorkingDirectory",
        "StandardOutput",
        "StandardError",
        "LogNamespace",
    }
)


def letters_of(path: str, chars: Sequence[Char]) -> Text:
    return tuple(Letter(char.value, path, char.start, char.end) for char in chars)


def _add(settings: list[_T], value: str, new: list[_T]) -> None:
    """An empty value resets what was set before."""
    if value:
        settings += new
    else:
        settings.clear()
