"""Starts the main process of a service: user, environment, working directory, command (systemd.exec(5))."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from loomtui.drill.systemd.unitfile import Definition

_EXIT_CHDIR, _EXIT_EXEC, _EXIT_STDOUT, _EXIT_USER = 200, 203, 209, 217


class CannotRunError(Exception):
    """`status`: the exit status that systemd gives such a failure."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def spawn(definition: Definition, base: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Raises CannotRunError."""
    _check_user(definition)
    commands = definition.commands("ExecStart")
    if not commands or not commands[0][0]:
        raise CannotRunError("Service has no ExecStart=.", _EXIT_EXEC)
    environment = _environment(definition, base)
    arguments = [argument for word in commands[0][0] for argument in _expand(word, environment)]
    folder = definition.get("WorkingDirectory", "/").lstrip("-")
    if not Path(folder).is_dir():
        raise CannotRunError(f"Changing to the requested working directory failed: {folder}", _EXIT_CHDIR)
    try:
        with _output(definition) as output:
            return subprocess.Popen(
                arguments,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output or subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        text = f"Failed to locate executable {arguments[0]}: {error.strerror}"
        raise CannotRunError(text, _EXIT_EXEC) from None


def _check_user(definition: Definition) -> None:
    """A practice node has one user: whoever runs it."""
    user, group = definition.get("User"), definition.get("Group")
    try:
        strange = (user and _uid(user) != os.getuid()) or (
            group and _gid(group) not in (*os.getgroups(), os.getgid())
        )
    except KeyError:
        strange = True
    if strange:
        raise CannotRunError(
            f"Failed to determine user credentials: {user or group}: No such process", _EXIT_USER
        )


@contextmanager
def _output(definition: Definition) -> Iterator[IO[bytes] | None]:
    """The file that StandardOutput= names; None is the journal."""
    kind, _, path = definition.get("StandardOutput").partition(":")
    modes = {"append": os.O_APPEND, "truncate": os.O_TRUNC, "file": 0}
    if kind not in modes:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | modes[kind], 0o644)
    except OSError as error:
        text = f"Failed to set up standard output: {error.strerror}"
        raise CannotRunError(text, _EXIT_STDOUT) from None
    with os.fdopen(descriptor, "wb") as file:
        yield file


def _environment(definition: Definition, base: Mapping[str, str]) -> dict[str, str]:
    environment = dict(base)
    for entry in definition.lists.get("Environment", ()):
        environment.update(_assignments(entry))
    for entry in definition.lists.get("EnvironmentFile", ()):
        try:
            text = Path(entry.removeprefix("-")).read_text("utf-8", "replace")
        except OSError as error:
            if entry.startswith("-"):
                continue
            raise CannotRunError(f"Failed to load environment files: {error.strerror}", 1) from None
        for line in text.splitlines():
            if line.strip() and line.strip()[0] not in "#;":
                environment.update(_assignments(line))
    return environment


def _uid(user: str) -> int:
    return int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid


def _gid(group: str) -> int:
    return int(group) if group.isdigit() else grp.getgrnam(group).gr_gid


def _assignments(text: str) -> dict[str, str]:
    assignments = {}
    for word in shlex.split(text):
        key, equals, value = word.partition("=")
        if equals:
            assignments[key] = value
    return assignments


def _expand(word: str, environment: Mapping[str, str]) -> list[str]:
    """A variable that is a word of its own is split at blanks."""
    alone = re.fullmatch(r"\$(\w+)", word)
    if alone:
        return environment.get(alone[1], "").split()

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else environment.get(match[1] or match[2], "")

    return [re.sub(r"\$\$|\$\{(\w+)\}|\$(\w+)", value, word)]
