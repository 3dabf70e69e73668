"""The command line in ExecStart=: which peers it gives to Loom, and where they are in the unit's text.

Sources: systemd.service(5) "Command lines"; loomchain cmd/loom/loom.go (flags of `run`); pflag's syntax.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from loomtui.loom.unitsyntax import Char, Word
from loomtui.text import clean_line

_PREFIXES = "-@:+!|"
_BRACED_VARIABLE = re.compile(r"\$\{(\w+)\}")
_WHOLE_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")
_WRITABLE = re.compile(r"[A-Za-z0-9@:/.,_\[\]-]*")
_EMPTY = '""'
_MAX_VARIABLES = 64  # in one value


class PeerFlag(StrEnum):
    PEERS = "--peers"  # Tendermint's seeds; also `-p`
    PERSISTENT = "--persistent-peers"


@dataclass(frozen=True)
class FoundFlag:
    """A flag on the command line, with its value."""

    flag: PeerFlag
    word: Word | None  # that holds the value; None: the flag is the last word and has none
    skip: int = 0  # characters of the word in front of the value, as `--peers=`

    @property
    def value(self) -> str:
        return self.word.text[self.skip :] if self.word else ""


@dataclass(frozen=True)
class Command:
    """One command of an ExecStart=."""

    path: str  # of the unit file
    text: str  # of the unit file
    line: int  # of the assignment, 1-based
    words: tuple[Word, ...]  # at least one; the first is the program, prefixes included

    @property
    def parts(self) -> tuple[str, tuple[Char, ...], tuple[Word, ...]]:
        """The prefixes, the program without them, and the arguments that the program gets."""
        first = self.words[0]
        program = first.text.lstrip(_PREFIXES)
        prefixes = first.text.removesuffix(program)
        renamed = "@" in prefixes  # the word behind the program is what it is called, and no argument
        return prefixes, first.chars[len(prefixes) :], self.words[2 if renamed else 1 :]

    @property
    def argv(self) -> tuple[str, ...]:
        _, program, arguments = self.parts
        return ("".join(char.value for char in program), *(literal(word.text) for word in arguments))

    def flags(self) -> Mapping[PeerFlag, FoundFlag]:
        """The flags in force: the last one of each name."""
        return {
            flag: FoundFlag(flag, None if at is None else self.words[at], skip)
            for flag, (at, skip) in find_flags([word.text for word in self.words]).items()
        }

    @property
    def in_shell(self) -> bool:
        """Whether the whole command is inside one argument, as in `sh -c '…'`."""
        words = (word.text.strip() for word in self.words)
        return any(re.search(r"\s", word) and any(flag in word for flag in PeerFlag) for word in words)


def find_flags(names: Sequence[str]) -> Mapping[PeerFlag, tuple[int | None, int]]:
    """The flags in force, the last one of each name, by the words of a command.

    Gives which word holds the value (None: it has none) and how many characters of it are in front.
    """
    at = names.index("run") + 1 if "run" in names else 1
    flags: dict[PeerFlag, tuple[int | None, int]] = {}
    while at < len(names) and names[at] != "--":
        flag, skip = _flag(names[at])
        if flag and skip:
            flags[flag] = (at, skip)
        elif flag:
            at += 1
            flags[flag] = (at if at < len(names) else None, 0)
        at += 1
    return flags


def stray_arguments(names: Sequence[str]) -> tuple[str, ...]:
    """Arguments that look like peers but that no flag takes, so that Loom ignores them."""
    used = {at for at, _ in find_flags(names).values()}
    return tuple(
        name
        for at, name in enumerate(names)
        if at
        and at not in used
        and "@" in name
        and ":" in name
        and not name.startswith("-")
        and (at - 1 in used or not names[at - 1].startswith("-"))
    )


def split_commands(words: Sequence[Word]) -> list[tuple[Word, ...]]:
    """Splits at each `;` that is a word of its own."""
    commands: list[list[Word]] = [[]]
    for word in words:
        if word.text == ";" and word.end - word.start == 1:
            commands.append([])
        else:
            commands[-1].append(word)
    return [tuple(command) for command in commands if command]


def literal(text: str) -> str:
    """What the program gets for a word without variables and specifiers.

    Doubled `%` and `$` become single.
    """
    return text.replace("%%", "%").replace("$$", "$")


def expand(value: str, variables: Mapping[str, str]) -> str:
    """The value with its variables filled in. Raises KeyError with the name of one that is not known."""
    plain = value.replace("$$", "")
    whole = _WHOLE_VARIABLE.fullmatch(plain)
    if whole:
        return variables[whole[1]]
    names = _BRACED_VARIABLE.findall(plain)
    if len(names) > _MAX_VARIABLES:
        raise KeyError(names[0])
    for name in names:
        value = value.replace(f"${{{name}}}", variables[name])
    return value


def is_writable(value: str) -> bool:
    """Whether it means itself wherever it is written: in a unit, in an environment file, in a script."""
    return bool(_WRITABLE.fullmatch(value))


def edit(command: Command, flag: PeerFlag, value: str) -> tuple[int, int, str]:
    """Which part of the unit's text to replace by what. Raises ValueError with a sentence."""
    if not is_writable(value):
        raise ValueError(f"The new value of {flag} holds characters that have no place in a unit file.")
    if command.in_shell:
        raise ValueError(
            "The peers stand inside a shell command; put the loom command into ExecStart= itself."
        )
    in_force = command.flags().get(flag)
    if in_force is None:
        return _append(command, flag, value)
    if in_force.word is None:
        raise ValueError(f"{flag} has no value in ExecStart=; give it one, or remove it.")
    if _has_variable(in_force.value):
        raise ValueError(
            f"{flag} comes from the variable {clean_line(in_force.value, limit=80)}; "
            "write the list itself into ExecStart=, or change it where the variable is set."
        )
    return _place(command.text, in_force.word, in_force.skip, value)


def _flag(word: str) -> tuple[PeerFlag | None, int]:
    """The flag that a word is, and how much comes before its value; 0: the next word is the value."""
    for flag in PeerFlag:
        if word == flag:
            return flag, 0
        if word.startswith(f"{flag}="):
            return flag, len(flag) + 1
    if word == "-p":
        return PeerFlag.PEERS, 0
    if word.startswith("-p"):
        return PeerFlag.PEERS, 3 if word.startswith("-p=") else 2
    return None, 0


def _has_variable(value: str) -> bool:
    try:
        expand(value, {})
    except KeyError:
        return True
    return False


def _append(command: Command, flag: PeerFlag, value: str) -> tuple[int, int, str]:
    words = [word.text for word in command.words]
    unknown = next(filter(_has_variable, words[1:]), "")
    if unknown:
        shown = clean_line(unknown, limit=80)
        raise ValueError(f"{flag} may come from the variable {shown}; write the list itself into ExecStart=.")
    if "run" not in words or "--" in words:
        raise ValueError(f"ExecStart= does not call `loom run` in a form to which {flag} can be added.")
    end = command.words[-1].end
    return end, end, f" {flag} {value or _EMPTY}"


def _place(text: str, word: Word, skip: int, value: str) -> tuple[int, int, str]:
    """Where the value is in the text. Quotes around it stay."""
    short = word.text.startswith("-p") and skip
    if short and not value:
        raise ValueError("An empty list cannot be written as the value of -p; write --peers instead.")
    inside = word.chars[skip:]
    if inside and len({char.quote for char in inside}) == 1:
        bare = inside[0].quote < 0 and not skip
        return inside[0].start, inside[-1].end, value or (_EMPTY if bare else "")
    if not skip:
        return word.start, word.end, value or _EMPTY
    before = word.chars[skip - 1]
    closing = text[before.quote] if before.quote >= 0 else ""
    return before.end, word.end, value + closing
