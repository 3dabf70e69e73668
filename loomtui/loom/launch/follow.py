"""Follows a command to the `loom run` that it starts in the end.

Sources: systemd.service(5) "Command lines" for variables; loomchain cmd/loom/loom.go for the flags of `run`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from loomtui.loom.launch.context import Call, Context, Lookup, joined
from loomtui.loom.launch.environment import absence_words
from loomtui.loom.launch.letters import Gap, Letter, Text, plain, split_blanks
from loomtui.loom.launch.scripts import ScriptReader
from loomtui.loom.launch.sources import Absence
from loomtui.loom.launch.wrappers import ShellCall, base_name, shell_call, unwrap
from loomtui.loom.unitsyntax import Char, split_words
from loomtui.text import clean_line

_LOOM = re.compile(r"loom(chain|-[\w.-]+)?|basechain")
_CONTAINERS = frozenset({"docker", "podman"})
_LOOMS_WORDS = ("--peers", "--persistent-peers")
_MOST_CALLS = 50
_MOST_VARIABLES = 64  # in one word


def follow(context: Context, call: Call) -> None:
    """Fills the context with the calls of loom that the command comes to. Never raises."""
    start(context, call)
    if not context.started and _looks_like_loom(call.arguments):
        context.started.append(call)


def start(context: Context, call: Call) -> None:
    """Follows one call: a wrapper to what it wraps, a shell to its command, a script to its commands."""
    if len(context.started) >= _MOST_CALLS:
        context.gaps.append(Gap("a script with more commands than are read"))
        return
    unwrapped = unwrap(call.arguments)
    arguments = unwrapped.arguments
    if not arguments:
        return
    call = Call(arguments, _with(unwrapped.assigned, call.lookup), call.folder, call.outputs, call.certain)
    if _is_loom(arguments):
        context.started.append(replace(call, arguments=_looms_own(arguments)))
    elif (shell := shell_call(arguments)) is not None:
        _run_shell(context, call, shell)
    elif plain(arguments[0]) is None:
        context.gaps.append(next(part for part in arguments[0] if isinstance(part, Gap)))
    else:
        _run_program(context, call)


def _with(assigned: Mapping[str, Text], lookup: Lookup) -> Lookup:
    return lambda name: assigned[name] if name in assigned else lookup(name)


def _is_loom(arguments: Sequence[Text]) -> bool:
    """Whether it is Loom itself: by its name, or as the program that a container is told to run."""
    name = base_name(arguments[0])
    if name in _CONTAINERS:
        names = [plain(argument) for argument in arguments]
        return "run" in names[names.index("run") + 1 :] if "run" in names else False
    return bool(_LOOM.fullmatch(name)) and not name.endswith(".sh")


def _looms_own(arguments: tuple[Text, ...]) -> tuple[Text, ...]:
    """Without the words that are for the program that runs a container: its `-p` is not Loom's."""
    if base_name(arguments[0]) not in _CONTAINERS:
        return arguments
    names = [plain(argument) for argument in arguments]
    return (arguments[0], *arguments[names.index("run", names.index("run") + 1) :])


def _looks_like_loom(arguments: Sequence[Text]) -> bool:
    """A program of any name that is called as Loom is."""
    return any((plain(word) or "").startswith(_LOOMS_WORDS) for word in arguments[1:])


def _run_shell(context: Context, call: Call, shell: ShellCall) -> None:
    if shell.command is not None:
        name, *arguments = shell.arguments or ((),)
        inner = Call(tuple(arguments), call.lookup, call.folder, call.outputs, call.certain)
        _read(context, inner, plain(name) or "the command of a shell", shell.command)
    elif shell.script is not None:
        _run_file(context, call, shell.script, shell.arguments, any_text=True)


def _run_program(context: Context, call: Call) -> None:
    if "/" in (plain(call.arguments[0]) or ""):
        _run_file(context, call, call.arguments[0], call.arguments[1:], any_text=False)


def _run_file(
    context: Context, call: Call, program: Text, arguments: tuple[Text, ...], *, any_text: bool
) -> None:
    name = plain(program)
    if name is None:
        context.gaps.append(Gap("a script whose name is not known"))
        return
    path = joined(call.folder, name)
    file = context.script(path) if path else None
    shown = clean_line(path or name)
    no_script = file is not None and file.absence is Absence.BINARY and not any_text
    if no_script and _looks_like_loom(call.arguments):
        context.started.append(call)
    elif no_script:
        context.gaps.append(Gap(f"{shown}, which is a program and no script"))
    elif file is None or file.absence is not None:
        context.gaps.append(Gap(f"{shown}, which {absence_words(file.absence if file else None)}"))
    elif not context.enter():
        context.gaps.append(Gap("scripts that call each other"))
    else:
        letters = tuple(Letter(char, path, at, at + 1) for at, char in enumerate(file.text))
        _read(context, Call(arguments, call.lookup, call.folder, call.outputs, call.certain), path, letters)


def _read(context: Context, call: Call, name: str, text: Text) -> None:
    ScriptReader(context, call, name, start).read(text)


def by_systemd(word: Text, lookup: Lookup) -> list[Text]:
    """The arguments that a word of ExecStart= makes: `$NAME` alone is split at blanks, `${NAME}` is not."""
    written = plain(word)
    if written is None:
        return [word]
    whole = re.fullmatch(r"\$([A-Za-z_]\w*)", written)
    if whole:
        value = lookup(whole[1])
        return _unquoted(value) if value is not None else []
    parts: list[Letter | Gap] = []
    at = 0
    for number, found in enumerate(re.finditer(r"\$\$|\$\{([A-Za-z_]\w*)\}", written)):
        parts += word[at : found.start()]
        if number >= _MOST_VARIABLES:
            return [(Gap(f"the variable {found[1]}, which is named too often"),)]
        if found[1]:
            parts += lookup(found[1]) or ()
        else:
            parts.append(word[found.start()])
        at = found.end()
    return [(*parts, *word[at:])]


def _unquoted(value: Text) -> list[Text]:
    """The words of a variable, in which quotes count, as systemd does it."""
    chars = [Char(getattr(part, "value", "\0"), at, at + 1) for at, part in enumerate(value)]
    try:
        words = split_words(chars)
    except ValueError:
        return split_blanks(value)
    return [tuple(_placed(value, char) for char in word.chars) for word in words]


def _placed(value: Text, char: Char) -> Letter | Gap:
    first, last = value[char.start], value[char.end - 1]
    if isinstance(first, Gap) or isinstance(last, Gap):
        return first
    return Letter(char.value, first.file, first.start, last.end)
