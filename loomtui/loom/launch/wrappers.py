"""Programs that only start another one: `env`, `nice`, `sudo -u`, and the shells.

Sources: the manual pages of coreutils, util-linux, sudo(8), numactl(8), bash(1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loomtui.loom.launch.letters import Gap, Text, plain

SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Wrapper:
    valued: frozenset[str] = _NONE  # options that take the next word as their value
    positional: int = 0  # words in front of the command


_WRAPPERS = {
    "env": _Wrapper(frozenset({"-u", "--unset", "-C", "--chdir"})),
    "nice": _Wrapper(frozenset({"-n", "--adjustment"})),
    "ionice": _Wrapper(frozenset({"-c", "--class", "-n", "--classdata"})),
    "chrt": _Wrapper(frozenset({"-T", "-P", "-D"}), 1),
    "numactl": _Wrapper(frozenset({"-N", "-m", "-C", "-i", "-p", "-w"})),
    "taskset": _Wrapper(_NONE, 1),
    "timeout": _Wrapper(frozenset({"-k", "-s", "--kill-after", "--signal"}), 1),
    "nohup": _Wrapper(),
    "setsid": _Wrapper(),
    "stdbuf": _Wrapper(frozenset({"-i", "-o", "-e", "--input", "--output", "--error"})),
    "sudo": _Wrapper(
        frozenset({"-u", "--user", "-g", "--group", "-h", "-p", "-C", "-D", "-r", "-t", "-T", "-U"})
    ),
    "doas": _Wrapper(frozenset({"-u", "-C"})),
    "runuser": _Wrapper(frozenset({"-u", "--user", "-g", "--group", "-G", "--supp-group"})),
    "setpriv": _Wrapper(frozenset({"--reuid", "--regid", "--groups", "--reset-env"})),
    "gosu": _Wrapper(_NONE, 1),
    "su-exec": _Wrapper(_NONE, 1),
    "setuidgid": _Wrapper(_NONE, 1),
    "chpst": _Wrapper(
        frozenset({"-u", "-U", "-b", "-e", "-/", "-C", "-n", "-l", "-L", "-m", "-d", "-o", "-p"})
    ),
    "cgexec": _Wrapper(frozenset({"-g"})),
    "prlimit": _Wrapper(),
    "flock": _Wrapper(frozenset({"-w", "-E"}), 1),
    "systemd-cat": _Wrapper(frozenset({"-t", "-p", "--identifier", "--priority"})),
    "systemd-inhibit": _Wrapper(),
    "unbuffer": _Wrapper(),
    "dumb-init": _Wrapper(),
    "tini": _Wrapper(frozenset({"-p"})),
    "busybox": _Wrapper(),
    "command": _Wrapper(),
    "builtin": _Wrapper(),
    "exec": _Wrapper(frozenset({"-a"})),
    "time": _Wrapper(),
}


@dataclass(frozen=True)
class Unwrapped:
    arguments: tuple[Text, ...]
    assigned: Mapping[str, Text]  # by env, for what it starts


@dataclass(frozen=True)
class ShellCall:
    """A call of a shell: of a command in one word, or of a script's file."""

    command: Text | None
    script: Text | None
    arguments: tuple[Text, ...]  # `$1` and so on


def base_name(word: Text) -> str:
    """What stands behind the last slash; empty if that is not known."""
    name = ""
    for part in reversed(word):
        if isinstance(part, Gap):
            return ""
        if part.value == "/":
            break
        name = part.value + name
    return name


def unwrap(arguments: Sequence[Text]) -> Unwrapped:
    """The command without the wrappers in front of it."""
    rest, assigned = list(arguments), dict[str, Text]()
    while rest and (name := base_name(rest[0])) in _WRAPPERS and not _runs_command(name, rest):
        wrapper, rest = _WRAPPERS[name], rest[1:]
        rest = _after_options(rest, wrapper.valued)
        rest = rest[wrapper.positional :]
        while rest and name in ("env", "sudo") and _ASSIGNMENT.fullmatch(_known(rest[0])):
            variable, _, _ = _known(rest[0]).partition("=")
            assigned[variable] = rest[0][len(variable) + 1 :]
            rest = rest[1:]
    return Unwrapped(tuple(rest), assigned)


def shell_call(arguments: Sequence[Text]) -> ShellCall | None:
    """What a shell is told to run. None: the program is no shell, nor one of those that call a shell."""
    if not arguments:
        return None
    name = base_name(arguments[0])
    if name in ("su", "runuser"):
        command = _option(arguments[1:])
        return ShellCall(command, None, ()) if command is not None else None
    if name not in SHELLS:
        return None
    rest = list(arguments[1:])
    takes_command = False
    while rest and (word := _known(rest[0]))[:1] in ("-", "+") and word not in ("-", "--"):
        takes_command = takes_command or (not word.startswith("--") and "c" in word)
        rest = rest[2 if word in ("-o", "+o", "-O", "+O", "--rcfile", "--init-file") else 1 :]
    rest = rest[1:] if rest and _known(rest[0]) in ("-", "--") else rest
    if not rest:
        return None
    if takes_command:
        return ShellCall(rest[0], None, tuple(rest[2:]))
    return ShellCall(None, rest[0], tuple(rest[1:]))


def _runs_command(name: str, arguments: Sequence[Text]) -> bool:
    """`runuser -l USER -c COMMAND` is a shell's call, `runuser -u USER -- COMMAND` is not."""
    return name == "runuser" and not any(_known(word).startswith(("-u", "--user")) for word in arguments)


def _option(words: Sequence[Text]) -> Text | None:
    """The value of `-c` or `--command`."""
    for at, word in enumerate(words):
        known = _known(word)
        if known in ("-c", "--command", "-lc") and at + 1 < len(words):
            return words[at + 1]
        if known.startswith("--command="):
            return word[len("--command=") :]
    return None


def _after_options(words: list[Text], valued: frozenset[str]) -> list[Text]:
    while words and (word := _known(words[0])).startswith("-") and word != "-":
        words = words[2 if word in valued else 1 :]
        if word == "--":
            break
    return words


def _known(word: Text) -> str:
    """The word; what is not known of it is left out."""
    return plain(word) or "".join(getattr(part, "value", "") for part in word)
