"""Unit files as systemd reads them (systemd.syntax(7), systemd.service(5)): fragment, drop-ins, effect."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "": 1}
_LISTS = frozenset({"Environment", "EnvironmentFile", "ExecStart", "ExecStartPre", "ExecStopPost"})
_CHECKS = ("AssertPathExists", "ConditionPathExists")

Assignment = tuple[str, str, str]  # section, key, value


def parse(text: str) -> list[Assignment]:
    """Every assignment in order; lines that are none are skipped, as systemd does after a warning."""
    assignments: list[Assignment] = []
    section = ""
    for line in _joined(text):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if stripped[0] == "[" and stripped[-1] == "]":
            section = stripped[1:-1]
        elif "=" in stripped:
            key, _, value = stripped.partition("=")
            assignments.append((section, key.strip(), value.strip()))
    return assignments


def _joined(text: str) -> list[str]:
    lines: list[str] = []
    pending = ""
    for line in text.split("\n"):
        if pending and line.lstrip()[:1] in ("#", ";"):
            continue
        if line.endswith("\\"):
            pending += line[:-1] + " "
        else:
            lines.append(pending + line)
            pending = ""
    return [*lines, pending] if pending else lines


def seconds(value: str, default: float) -> float:
    """A time span; `infinity` and what cannot be read give the default."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)", value)
    if not parts or any(unit not in _UNITS for _, unit in parts):
        return default
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


@dataclass(frozen=True)
class Definition:
    """A unit as the manager holds it since it was loaded."""

    name: str
    fragment: Path | None = None
    drop_ins: tuple[Path, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    checks: tuple[tuple[str, str], ...] = ()  # AssertPathExists or ConditionPathExists, path with its `!`
    stamp: tuple[tuple[str, int, int], ...] = ()  # files as they were when it was loaded
    transient: bool = False

    def get(self, key: str, default: str = "") -> str:
        return self.values.get(key, default)

    def seconds(self, key: str, default: float) -> float:
        return seconds(self.values[key], default) if key in self.values else default

    def commands(self, key: str) -> list[tuple[list[str], bool]]:
        """Argument lists, and whether a failure is ignored."""
        argument_lists = []
        for command in self.lists.get(key, ()):
            plain = command.lstrip("-@+!:")
            ignore = "-" in command[: len(command) - len(plain)]
            with suppress(ValueError):  # unbalanced quotes: systemd ignores the line
                argument_lists.append((shlex.split(plain), ignore))
        return argument_lists

    def failed_check(self, kind: str) -> str | None:
        """The first path that is not as it was asked for."""
        for name, path in self.checks:
            if name == kind and Path(path.lstrip("!|")).exists() == path.startswith("!"):
                return path
        return None


def define(name: str, texts: Sequence[str], **more: object) -> Definition:
    """The texts in the order in which they apply. An empty value resets a list."""
    values: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    checks: list[tuple[str, str]] = []
    for text in texts:
        for _, key, value in parse(text):
            if key in _CHECKS:
                checks = [*checks, (key, value)] if value else [item for item in checks if item[0] != key]
            elif key in _LISTS:
                lists[key] = [*lists.get(key, []), value] if value else []
            else:
                values[key] = value
    return Definition(name, values=values, lists=lists, checks=tuple(checks), **more)  # type: ignore[arg-type]


def stamp(paths: Sequence[Path]) -> tuple[tuple[str, int, int], ...]:
    stamps = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        stamps.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(stamps)


def find_files(root: Path, name: str) -> tuple[Path | None, tuple[Path, ...]]:
    """Fragment and drop-ins of a unit; /etc wins over /run, drop-ins apply in the order of their names."""
    folders = [root / "etc/systemd/system", root / "run/systemd/system", root / "usr/lib/systemd/system"]
    fragment = next((folder / name for folder in folders if (folder / name).is_file()), None)
    drop_ins: dict[str, Path] = {}
    for folder in reversed(folders):
        for path in (folder / f"{name}.d").glob("*.conf"):
            drop_ins[path.name] = path
    return fragment, tuple(drop_ins[key] for key in sorted(drop_ins))


def load(root: Path, name: str) -> Definition | None:
    """From the disk; None where there is no such unit."""
    fragment, drop_ins = find_files(root, name)
    if fragment is None:
        return None
    files = (fragment, *drop_ins)
    texts = [path.read_text("utf-8", "replace") for path in files]
    return define(name, texts, fragment=fragment, drop_ins=drop_ins, stamp=stamp(files))


def complaints(text: str, path: str) -> list[str]:
    """What `systemd-analyze verify` says about a service; empty: nothing."""
    name = Path(path).name
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        plain = line.strip()
        if (
            plain
            and plain[0] not in "#;["
            and "=" not in plain
            and not text.split("\n")[number - 2].endswith("\\")
        ):
            problems.append(f"{path}:{number}: Missing '=', ignoring line.")
    definition = define(name, [text])
    commands = definition.lists.get("ExecStart", ())
    if not commands:
        problems.append(f"{name}: Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing.")
    if len(commands) > 1 and definition.get("Type", "simple") != "oneshot":
        problems.append(
            f"{name}: Service has more than one ExecStart= setting, which is only allowed for Type=oneshot."
        )
    for command in commands:
        problems += _command_complaints(name, path, command)
    return problems


def _command_complaints(name: str, path: str, command: str) -> list[str]:
    try:
        words = shlex.split(command.lstrip("-@+!:"))
    except ValueError:
        return [f"{path}: Unbalanced quoting, ignoring: {command}"]
    if not words:
        return [f"{path}: Empty path in command line, ignoring."]
    program = Path(words[0])
    if not program.is_absolute():
        return [f"{path}: Neither a valid executable name nor an absolute path: {words[0]}"]
    if not program.exists():
        return [f"{name}: Command {program} is not executable: No such file or directory"]
    return []
