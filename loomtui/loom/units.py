"""Reads systemd unit files: what is in force, and the one change that loomtui makes to them.

Sources: systemd.unit(5), systemd.service(5), systemd.exec(5); loomchain cmd/loom/loom.go for the flags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from loomtui.loom.commandline import Command, edit
from loomtui.loom.commandline import PeerFlag as PeerFlag
from loomtui.loom.launch.environment import Environment
from loomtui.loom.launch.letters import Gap, Letter, Span, Text, plain, span_of, spell
from loomtui.loom.launch.outputs import TO_JOURNAL, Outputs, outputs_of_unit
from loomtui.loom.launch.reading import Launch, read_launch
from loomtui.loom.launch.sources import Sources, Wanted
from loomtui.loom.launch.specifiers import fill_in, specifiers
from loomtui.loom.unitsettings import UnitSettings, letters_of
from loomtui.loom.unitsyntax import passed_over as passed_over
from loomtui.text import clean_line

_MAX_CHARS = 64 * 1024
_MAX_KEPT_CHARS = 8 * 1024  # of one unit and what lies around it; they stay in memory
_FRAGMENT_HEADER = re.compile(r"# (/\S*)\n")
_DROP_IN_HEADER = re.compile(r"# (/\S+/(?:[^/\s]+\.)?service\.d/[^/\s]+\.conf)\n")


@dataclass(frozen=True)
class UnitFile:
    path: str
    text: str


class Origin(StrEnum):
    """In what a list of peers stands."""

    UNIT = "unit"  # the unit file or a drop-in
    ENVIRONMENT_FILE = "environment-file"
    SCRIPT = "script"  # a start script, or a file that it reads


@dataclass(frozen=True)
class PeerValue:
    """The value of a flag that is in force: if a flag is repeated, the last one wins."""

    flag: PeerFlag
    value: str  # after all unquoting, with the variables filled in
    file: str
    line: int  # 1-based, where the value begins
    origin: Origin = Origin.UNIT
    span: Span | None = None  # where the whole value stands; None: it is put together from several places


@dataclass(frozen=True)
class EffectiveUnit:
    """A unit with all its drop-ins applied, and what its command comes to."""

    files: tuple[UnitFile, ...]  # the fragment first, then the drop-ins in their order
    user: str = "root"
    group: str = ""  # empty: the user's own
    working_directory: str = "/"
    environment_files: tuple[str, ...] = ()
    variables: frozenset[str] = frozenset()  # the names that Environment= sets
    exec_start: tuple[str, ...] = ()  # argv after systemd's quoting rules; $VAR is kept as written
    exec_start_file: str = ""  # which of `files` holds the command in force
    exec_start_line: int = 0  # 1-based
    command_file: str = ""  # where Loom itself is started: one of `files`, or a start script
    command_line: int = 0  # 1-based
    peer_values: tuple[PeerValue, ...] = ()
    peers_unknown: str = ""  # why the lists are not known for certain, a sentence; empty: they are known
    outputs: Outputs = TO_JOURNAL
    log_namespace: str = ""  # of journald; empty: the common one
    missing_files: tuple[str, ...] = ()  # without which systemd does not start it
    problems: tuple[str, ...] = ()  # sentences
    sources: Sources = field(default_factory=Sources, repr=False)
    wanted: Wanted = field(default_factory=Wanted, repr=False)  # what would have to be read for knowing more

    def text_of(self, path: str) -> str:
        """The text of one of its files. Raises KeyError."""
        for file in self.files:
            if file.path == path:
                return file.text
        raise KeyError(path)

    def source_text(self, path: str) -> str | None:
        """The text of one of its files, or of one that lies around it, as far as it was read."""
        return _texts(self.files, self.sources).get(path, (None, Origin.UNIT))[0]


def read_cat(text: str, sources: Sources | None = None) -> EffectiveUnit:
    """Reads the output of `systemctl cat UNIT`, with what was read around it. Never raises."""
    files: list[tuple[str, list[str]]] = []
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        header = (_DROP_IN_HEADER if files else _FRAGMENT_HEADER).fullmatch(line)
        if header:
            files.append((header[1], []))
        elif files:
            files[-1][1].append(line)
    if not files:
        return read_unit("", text, sources)
    # systemctl puts one newline between two files
    texts = ["".join(lines) for _, lines in files]
    texts = [part.removesuffix("\n") for part in texts[:-1]] + texts[-1:]
    pairs = zip(files, texts, strict=True)
    return _read([UnitFile(path, part) for (path, _), part in pairs], sources or Sources())


def read_unit(path: str, text: str, sources: Sources | None = None) -> EffectiveUnit:
    """Reads one unit file. Never raises."""
    return _read([UnitFile(path, text)], sources or Sources())


def with_text(unit: EffectiveUnit, path: str, text: str, sources: Sources | None = None) -> EffectiveUnit:
    """The unit as it would be with another text of one of its files. Never raises."""
    files = [replace(file, text=text) if file.path == path else file for file in unit.files]
    return _read(files, unit.sources if sources is None else sources)


def with_sources(unit: EffectiveUnit, sources: Sources) -> EffectiveUnit:
    """The same unit with more of what lies around it. Never raises."""
    return _read(unit.files, sources)


def rewrite_peers(text: str, values: Mapping[PeerFlag, str]) -> str:
    """The text of one unit file or drop-in with other peers; every other character stays as it is.

    A flag that the command lacks is appended to it. Raises ValueError with a sentence if the values cannot be
    changed in this file: no ExecStart, peers that come from a variable, a shell command.
    """
    settings = UnitSettings({})
    if len(text) > _MAX_CHARS:
        raise ValueError("The unit file is too large to be one.")
    settings.apply("", text)
    if not settings.commands:
        raise ValueError("There is no ExecStart= in this file.")
    command = settings.commands[-1]
    edits = [edit(command, flag, value) for flag, value in values.items()]
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def _read(files: Sequence[UnitFile], sources: Sources) -> EffectiveUnit:
    """A plan asks for the same unit many times, and a refresh brings the same text each time."""
    if sum(len(file.text) for file in files) + sources.chars > _MAX_KEPT_CHARS:
        return _read_anew(tuple(files), sources)
    return _read_once(tuple(files), sources)


def _read_anew(files: tuple[UnitFile, ...], sources: Sources) -> EffectiveUnit:
    settings = UnitSettings(specifiers(sources.unit, sources.host))
    for file in files:
        if len(file.text) > _MAX_CHARS:
            settings.problems.append(f"{clean_line(file.path)} is too large to be a unit file.")
        else:
            settings.apply(file.path, file.text)
    command = settings.commands[-1] if settings.commands else None
    environment = _environment(settings, sources)
    outputs = outputs_of_unit(settings.get("StandardOutput"), settings.get("StandardError"))
    launch = _launch(command, settings, environment, outputs) if command else Launch(outputs=outputs)
    unknown = (launch.unknown,) if launch.unknown else ()
    return EffectiveUnit(
        files=files,
        user=settings.get("User") or "root",
        group=settings.get("Group"),
        working_directory=settings.get("WorkingDirectory").removeprefix("-") or "/",
        environment_files=tuple(file.pattern for file in settings.environment_files),
        variables=frozenset(environment.assigned) - environment.removed,
        exec_start=command.argv if command else (),
        exec_start_file=command.path if command else "",
        exec_start_line=command.line if command else 0,
        command_file=launch.place.file if launch.place else "",
        command_line=_line_at(files, sources, launch.place) if launch.place else 0,
        peer_values=tuple(_peer_values(command, launch, files, sources)) if command else (),
        peers_unknown=launch.unknown,
        outputs=launch.outputs,
        log_namespace=settings.get("LogNamespace"),
        missing_files=tuple(environment.lacking()),
        problems=(*settings.problems, *_count_problems(settings.commands), *unknown, *launch.problems),
        sources=sources,
        wanted=launch.wanted,
    )


_read_once = lru_cache(maxsize=1024)(_read_anew)


def _environment(settings: UnitSettings, sources: Sources) -> Environment:
    user = settings.get("User")
    unread: Text = (Gap("the account that the service runs as"),)
    account: dict[str, Text] = {"HOME": unread, "SHELL": unread, "PATH": unread}
    if user:
        account |= {"USER": spell(user), "LOGNAME": spell(user)}
    return Environment(
        dict(settings.environment),
        tuple(settings.environment_files),
        frozenset(settings.removed),
        sources,
        account,
    )


def _launch(command: Command, settings: UnitSettings, environment: Environment, outputs: Outputs) -> Launch:
    prefixes, program, arguments = command.parts
    folder = environment.sources.folder or settings.get("WorkingDirectory").lstrip("-!") or "/"
    return read_launch(
        fill_in(letters_of(command.path, program), settings.known),
        [fill_in(letters_of(command.path, word.chars), settings.known) for word in arguments],
        environment,
        folder if folder.startswith("/") else "",
        outputs,
        expand=":" not in prefixes,
    )


def _count_problems(commands: Sequence[Command]) -> list[str]:
    if not commands:
        return ["There is no ExecStart= in force: the service cannot start."]
    if len(commands) > 1:
        return [f"ExecStart= names {len(commands)} commands: systemd refuses that for a simple service."]
    return []


def _peer_values(
    command: Command, launch: Launch, files: Sequence[UnitFile], sources: Sources
) -> Iterator[PeerValue]:
    texts = _texts(files, sources)
    for flag, value in launch.values.items():
        first = next((part for part in value if isinstance(part, Letter) and part.file in texts), None)
        path = first.file if first else command.path
        text, origin = texts[path]
        line = text.count("\n", 0, first.start) + 1 if first else _line_of(command, flag)
        yield PeerValue(flag, plain(value) or "", path, line, origin, span_of(value))


def _texts(files: Sequence[UnitFile], sources: Sources) -> Mapping[str, tuple[str, Origin]]:
    texts = {path: (file.text, Origin.SCRIPT) for path, file in sources.scripts.items()}
    for found in sources.patterns.values():
        texts |= {file.path: (file.text, Origin.ENVIRONMENT_FILE) for file in found}
    return texts | {file.path: (file.text, Origin.UNIT) for file in files}


def _line_at(files: Sequence[UnitFile], sources: Sources, letter: Letter) -> int:
    text, _ = _texts(files, sources).get(letter.file, ("", Origin.UNIT))
    return text.count("\n", 0, letter.start) + 1


def _line_of(command: Command, flag: PeerFlag) -> int:
    """Where the value of the flag begins in ExecStart=, or else where ExecStart= does."""
    found = command.flags().get(flag)
    if found is None or found.word is None:
        return command.line
    return command.text.count("\n", 0, found.word.start) + 1
