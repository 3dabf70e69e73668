"""Reads systemd unit files: what is in force, and the one change that loomtui makes to them.

Sources: systemd.unit(5), systemd.service(5), systemd.exec(5); loomchain cmd/loom/loom.go for the flags.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from loomtui.loom.commandline import Command, edit, expand, literal, split_commands
from loomtui.loom.commandline import PeerFlag as PeerFlag
from loomtui.loom.unitsyntax import Assignment, Word, assignments, split_words
from loomtui.loom.unitsyntax import passed_over as passed_over
from loomtui.text import clean_line

_MAX_CHARS = 64 * 1024
_FRAGMENT_HEADER = re.compile(r"# (/\S*)\n")
_DROP_IN_HEADER = re.compile(r"# (/\S+/(?:[^/\s]+\.)?service\.d/[^/\s]+\.conf)\n")

_T = TypeVar("_T")


@dataclass(frozen=True)
class UnitFile:
    path: str
    text: str


@dataclass(frozen=True)
class PeerValue:
    """The value of a flag that is in force: if a flag is repeated, the last one wins."""

    flag: PeerFlag
    value: str  # after systemd's unquoting
    file: str
    line: int  # 1-based, where the value begins


@dataclass(frozen=True)
class EffectiveUnit:
    """A unit with all its drop-ins applied."""

    files: tuple[UnitFile, ...]  # the fragment first, then the drop-ins in their order
    user: str = "root"
    group: str = ""  # empty: the user's own
    working_directory: str = "/"
    environment_files: tuple[str, ...] = ()
    exec_start: tuple[str, ...] = ()  # argv after systemd's quoting rules; $VAR is kept as written
    exec_start_file: str = ""  # which of `files` holds the command in force
    exec_start_line: int = 0  # 1-based
    peer_values: tuple[PeerValue, ...] = ()
    problems: tuple[str, ...] = ()  # sentences

    def text_of(self, path: str) -> str:
        """The text of one of its files. Raises KeyError."""
        for file in self.files:
            if file.path == path:
                return file.text
        raise KeyError(path)


def read_cat(text: str) -> EffectiveUnit:
    """Reads the output of `systemctl cat UNIT`. Never raises."""
    files: list[tuple[str, list[str]]] = []
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        header = (_DROP_IN_HEADER if files else _FRAGMENT_HEADER).fullmatch(line)
        if header:
            files.append((header[1], []))
        elif files:
            files[-1][1].append(line)
    if not files:
        return read_unit("", text)
    # systemctl puts one newline between two files
    texts = ["".join(lines) for _, lines in files]
    texts = [part.removesuffix("\n") for part in texts[:-1]] + texts[-1:]
    return _read([UnitFile(path, part) for (path, _), part in zip(files, texts, strict=True)])


def read_unit(path: str, text: str) -> EffectiveUnit:
    """Reads one unit file. Never raises."""
    return _read([UnitFile(path, text)])


def with_text(unit: EffectiveUnit, path: str, text: str) -> EffectiveUnit:
    """The unit as it would be with another text of one of its files. Never raises."""
    return _read([replace(file, text=text) if file.path == path else file for file in unit.files])


def rewrite_peers(text: str, values: Mapping[PeerFlag, str]) -> str:
    """The text of one unit file or drop-in with other peers; every other character stays as it is.

    A flag that the command lacks is appended to it. Raises ValueError with a sentence if the values cannot be
    changed in this file: no ExecStart, peers that come from a variable, a shell command.
    """
    settings = _Settings()
    if len(text) > _MAX_CHARS:
        raise ValueError("The unit file is too large to be one.")
    settings.apply(UnitFile("", text))
    if not settings.commands:
        raise ValueError("There is no ExecStart= in this file.")
    command = settings.commands[-1]
    edits = [edit(command, flag, value) for flag, value in values.items()]
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


@dataclass
class _Settings:
    """What is in force after the files read so far."""

    user: str = ""
    group: str = ""
    working_directory: str = ""
    environment: list[str] = field(default_factory=list)
    environment_files: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def apply(self, file: UnitFile) -> None:
        for setting in assignments(file.text):
            if setting.section == "Service":
                self._set(file, setting)

    def _set(self, file: UnitFile, setting: Assignment) -> None:
        value = setting.value
        match setting.key:
            case "User":
                self.user = value
            case "Group":
                self.group = value
            case "WorkingDirectory":
                self.working_directory = value.removeprefix("-")
            case "EnvironmentFile":
                _add(self.environment_files, value, [value.removeprefix("-")])
            case "Environment":
                _add(self.environment, value, [word.text for word in self._words(file, setting)])
            case "ExecStart":
                commands = split_commands(self._words(file, setting))
                new = [Command(file.path, file.text, setting.line, words) for words in commands]
                _add(self.commands, value, new)

    def _words(self, file: UnitFile, setting: Assignment) -> tuple[Word, ...]:
        try:
            return split_words(setting.chars)
        except ValueError as error:
            place = f"{clean_line(file.path)}:{setting.line}"
            self.problems.append(f"{place}: systemd ignores {setting.key}=: {error}.")
            return ()

    @property
    def variables(self) -> dict[str, str]:
        """What `Environment=` sets, as far as an environment file cannot override it."""
        if self.environment_files:
            return {}
        pairs = (word.partition("=") for word in self.environment)
        return {name: value for name, _, value in pairs}


def _add(settings: list[_T], value: str, new: list[_T]) -> None:
    """An empty value resets what was set before."""
    if value:
        settings += new
    else:
        settings.clear()


def _read(files: Sequence[UnitFile]) -> EffectiveUnit:
    settings = _Settings()
    for file in files:
        if len(file.text) > _MAX_CHARS:
            settings.problems.append(f"{clean_line(file.path)} is too large to be a unit file.")
        else:
            settings.apply(file)
    command = settings.commands[-1] if settings.commands else None
    values, problems = _peer_values(command, settings) if command else ((), [])
    return EffectiveUnit(
        files=tuple(files),
        user=settings.user or "root",
        group=settings.group,
        working_directory=settings.working_directory or "/",
        environment_files=tuple(settings.environment_files),
        exec_start=command.argv if command else (),
        exec_start_file=command.path if command else "",
        exec_start_line=command.line if command else 0,
        peer_values=values,
        problems=(*settings.problems, *_count_problems(settings.commands), *problems),
    )


def _count_problems(commands: Sequence[Command]) -> list[str]:
    if not commands:
        return ["There is no ExecStart= in force: the service cannot start."]
    if len(commands) > 1:
        return [f"ExecStart= names {len(commands)} commands: systemd refuses that for a simple service."]
    return []


def _peer_values(command: Command, settings: _Settings) -> tuple[tuple[PeerValue, ...], list[str]]:
    values: list[PeerValue] = []
    problems = [
        f"Loom ignores the argument {clean_line(text, limit=80)}: no flag stands in front of it."
        for text in command.stray_arguments()
    ]
    if command.in_shell:
        problems.append("The peers stand inside a shell command, where they cannot be told for certain.")
    for flag in command.flags().values():
        if flag.word is None:
            problems.append(f"{flag.flag} has no value: loom does not start.")
            continue
        try:
            value = literal(expand(flag.value, settings.variables))
        except KeyError as error:
            name = clean_line(str(error.args[0]), limit=80)
            problems.append(f"{flag.flag} comes from the variable {name}, whose value is not in the unit.")
            continue
        line = command.text.count("\n", 0, flag.word.start) + 1
        values.append(PeerValue(flag.flag, value, command.path, line))
    return tuple(values), problems
