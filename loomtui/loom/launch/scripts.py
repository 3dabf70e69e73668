"""Follows a start script to the commands that it starts, without running anything.

What only running it would tell (a branch, a loop, what a command prints) becomes a gap in the value, with its
reason; nothing is guessed. Source: POSIX.1-2017, Shell Command Language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from loomtui.loom.launch.branches import Branches, Taken
from loomtui.loom.launch.context import Call, Context, joined
from loomtui.loom.launch.letters import Gap, Text, plain, spell
from loomtui.loom.launch.outputs import Outputs
from loomtui.loom.launch.redirections import PIPE, SIGNS, Here, Redirection, through
from loomtui.loom.launch.shellsyntax import tokens
from loomtui.loom.launch.shelltests import truth_of
from loomtui.loom.launch.shellvalues import ShellValues, is_assignment
from loomtui.loom.launch.shellwords import Operator, Token, Word
from loomtui.loom.launch.sources import Absence
from loomtui.text import clean_line

_NAME = re.compile(r"[A-Za-z_]\w*")
_ARRAY = re.compile(r"[A-Za-z_]\w*\+?=")
_DECLARING = frozenset({"export", "readonly", "declare", "typeset", "local"})
_READING = frozenset({"read", "mapfile", "readarray", "getopts"})
_TRUE = frozenset({"true", ":", "cd", "set", "umask", "ulimit", "trap", *_DECLARING})
_OPENING = {
    **dict.fromkeys(("while", "until", "for", "select"), "loop"),
    "if": "if",
    "case": "case",
    "{": "group",
}
_CLOSING = frozenset({"fi", "done", "esac", "}"})


@dataclass
class _Command:
    words: list[Word] = field(default_factory=list)
    redirections: list[tuple[Operator, Word]] = field(default_factory=list)


Starter = Callable[[Context, Call], None]


class ScriptReader:
    """Reads one script. What it starts is handed to `start`, which follows it further."""

    def __init__(self, context: Context, call: Call, name: str, start: Starter) -> None:
        self._context = context
        self._certain = call.certain
        self._name = name
        self._folder = call.folder
        self._outputs = call.outputs
        self._start = start
        self._values = ShellValues(context, call.lookup, call.arguments, name)
        self._branches = Branches()
        self._piped: int | None = None  # the first call whose output goes to the next command
        self._closed: int | None = None  # the first call of a block that has just ended
        self._function_next = False
        self._forget: list[Callable[[], None]] = []  # what each open subshell has set
        self._ended = False

    def read(self, text: Text) -> None:
        """Follows the script's text. Never raises."""
        stream = list(tokens(text))
        command = _Command()
        at = 0
        while at < len(stream) and not self._ended:
            token = stream[at]
            at += 1
            if isinstance(token, Word):
                command.words.append(token)
            elif token.sign in SIGNS:
                if at < len(stream) and isinstance(target := stream[at], Word):
                    command.redirections.append((token, target))
                    at += 1
            elif token.sign == "(":
                at = self._open_parenthesis(command, stream, at)
            elif token.sign == ")" and self._branches.kind == "case":
                command = _Command()  # it was a pattern
            else:
                self._finish(command, token.sign)
                command = _Command()
        if not self._ended:
            self._finish(command, ";")

    def _open_parenthesis(self, command: _Command, stream: Sequence[Token], at: int) -> int:
        """An array, a function, or commands of their own."""
        self._reserved(command)
        if command.words and _ARRAY.fullmatch(command.words[-1].bare or ""):
            elements: list[Word] = []
            while at < len(stream) and not (isinstance(token := stream[at], Operator) and token.sign == ")"):
                elements += [token] if isinstance(token, Word) else []
                at += 1
            certain = self._branches.taken is Taken.YES
            self._values.assign_array(command.words.pop(), elements, certain=certain)
            return at + 1
        if len(command.words) == 1 and at < len(stream) and stream[at] == Operator(")"):
            command.words.clear()
            self._function_next = True
            return at + 1
        if not command.words:
            self._branches.open("subshell", self._calls)
            self._forget.append(self._values.snapshot())
        return at

    @property
    def _calls(self) -> int:
        return len(self._context.started)

    # One command

    def _finish(self, command: _Command, sign: str) -> None:
        self._reserved(command)
        first_call = self._calls if self._closed is None else self._closed
        taken = self._branches.taken
        if command.words and taken is not Taken.NO:
            truth = self._run(command, taken)
            self._branches.truth = truth if taken is Taken.YES else None
        elif self._closed is not None and not command.words:
            self._redirect_calls(command, self._closed)
        self._pipe(command, first_call, sign)
        self._branches.joint = sign if sign in ("&&", "||") else ""
        self._closed = None
        if sign == ")" and self._branches.kind == "subshell":
            self._closed = self._branches.close().first_call
            self._forget.pop()()

    def _reserved(self, command: _Command) -> None:
        """Takes the reserved words from the front."""
        while command.words and (word := command.words[0].bare) is not None:
            if word in _OPENING:
                self._open(word, command)
            elif word in ("then", "elif", "else"):
                command.words.pop(0)
                self._branches.branch(word)
            elif word in _CLOSING:
                command.words.pop(0)
                self._close(command)
            elif word == "function":
                del command.words[:2]
                self._function_next = True
            elif word in ("do", "in"):
                command.words.pop(0)
            elif word == "!":
                command.words.pop(0)
                self._branches.truth, self._branches.joint = None, "&&"
            else:
                return

    def _open(self, word: str, command: _Command) -> None:
        kind = _OPENING[word]
        if kind == "group" and self._function_next:
            kind, self._function_next = "function", False
        self._branches.open(kind, self._calls, certain=kind in ("if", "group"))
        command.words.pop(0)
        if word in ("for", "select") and command.words:
            name = command.words[0].bare or ""
            self._values.set(name, (Gap("a loop"),))
            command.words.clear()
        elif word == "case":
            names = [one.bare for one in command.words]
            del command.words[: names.index("in") + 1 if "in" in names else len(names)]

    def _close(self, command: _Command) -> None:
        if self._branches.blocks:
            self._closed = self._branches.close().first_call
            self._redirect_calls(command, self._closed)

    def _run(self, command: _Command, taken: Taken) -> bool | None:
        """Runs it, as it were. Gives whether it succeeds, as far as that is known."""
        count = next(
            (at for at, word in enumerate(command.words) if not is_assignment(word)), len(command.words)
        )
        assigned, rest = command.words[:count], command.words[count:]
        certain = taken is Taken.YES and not self._branches.in_function
        if not rest:
            for word in assigned:
                self._values.assign(word, certain=certain)
            return True
        self._values.in_function = self._branches.in_function
        fields = [text for word in rest for text in self._values.expand(word)]
        if not fields:
            return None
        outputs = self._redirected(command, self._outputs)
        environment = dict(self._values.assignment(word) for word in assigned)
        name = plain(fields[0]) or ""
        if self._set_variables(name, fields[1:], rest[1:], certain=certain):
            return True
        return self._simple(name, fields, environment, outputs, taken)

    def _set_variables(
        self, name: str, fields: Sequence[Text], words: Sequence[Word], *, certain: bool
    ) -> bool:
        """Builtins that only set variables. False: it is none of them."""
        known = [plain(one) for one in fields]
        if name in _DECLARING:
            for word in filter(is_assignment, words):
                self._values.assign(word, certain=certain)
        elif name in _READING:
            for one in known:
                self._values.set(one or "", (Gap(f"what `{name}` reads"),))
        elif name == "printf" and known[:1] == ["-v"]:
            self._values.set("".join(filter(None, known[1:2])), (Gap("what `printf` makes"),))
        elif name == "unset":
            for one in known:
                self._values.set(one or "", None, certain=certain)
        elif name == "set" and "--" in known:
            self._values.set_arguments(fields[known.index("--") + 1 :], certain=certain)
        elif name == "shift":
            self._values.set_arguments(self._values.arguments[1:], certain=certain)
        else:
            return False
        return True

    def _simple(
        self,
        name: str,
        fields: Sequence[Text],
        environment: Mapping[str, Text | None],
        outputs: Outputs,
        taken: Taken,
    ) -> bool | None:
        match name:
            case "." | "source":
                return self._source(fields[1:], taken)
            case "[" | "test" | "[[":
                words = [plain(one) for one in fields[1:] if plain(one) not in ("]", "]]")]
                return truth_of(words, self._context.sources.scripts, self._folder)
            case "false":
                return False
            case "cd":
                folder = plain(fields[1]) if len(fields) > 1 else None
                certain = taken is Taken.YES and folder is not None
                self._folder = joined(self._folder, folder or "") if certain else ""
            case "eval":
                self._values.hide("what `eval` runs")
                self._context.gaps.append(Gap("what `eval` runs"))
            case "exit" | "return":
                self._ended = taken is Taken.YES and not self._branches.in_function
            case "exec" if len(fields) == 1:
                self._outputs = outputs if taken is Taken.YES else self._outputs
            case _ if name not in _TRUE:
                self._call(fields, environment, outputs, taken)
                self._ended = name == "exec" and taken is Taken.YES and not self._branches.blocks
        return True if name in _TRUE else None

    def _call(
        self, fields: Sequence[Text], environment: Mapping[str, Text | None], outputs: Outputs, taken: Taken
    ) -> None:
        own = self._values.get

        def lookup(name: str) -> Text | None:
            return environment[name] if name in environment else own(name)

        certain = self._certain and taken is Taken.YES
        self._start(self._context, Call(tuple(fields), lookup, self._folder, outputs, certain))

    def _source(self, fields: Sequence[Text], taken: Taken) -> bool | None:
        """A file that the script reads runs as a part of it."""
        path = plain(fields[0]) if fields else None
        if path is None:
            self._values.hide("a file that the script reads, whose name is not known")
            return None
        path = joined(self._folder, path)
        file = self._context.script(path) if path else None
        if file is not None and file.absence is Absence.MISSING:
            return False
        if file is None or file.absence is not None:
            self._values.hide(f"{clean_line(path)}, which could not be read")
            return None
        if not self._context.enter():
            self._values.hide("scripts that call each other")
            return None
        depth = len(self._branches.blocks)
        self._branches.joint = ""
        self._branches.open("source", self._calls, certain=taken is Taken.YES)
        self.read(spell(file.text, path))
        del self._branches.blocks[depth:]
        self._ended = False
        return True

    # Where the output goes

    @property
    def _here(self) -> Here:
        return Here(self._folder, self._name)

    def _redirected(self, command: _Command, outputs: Outputs) -> Outputs:
        redirections = [
            Redirection(operator.sign, operator.number, self._values.joined(word.parts))
            for operator, word in command.redirections
        ]
        return self._here.redirected(outputs, redirections)

    def _redirect_calls(self, command: _Command, first: int) -> None:
        """What a whole block's redirections say of the calls in it."""
        started = self._context.started
        for at in range(first, len(started)):
            started[at] = replace(started[at], outputs=self._redirected(command, started[at].outputs))

    def _pipe(self, command: _Command, first_call: int, sign: str) -> None:
        """`COMMAND | tee FILE`: what the end of a pipe does with what it gets."""
        started = self._context.started
        if self._piped is not None and command.words:
            words = [text for word in command.words for text in self._values.expand(word)]
            end = self._here.pipe_end(words, self._redirected(command, self._outputs))
            for at in range(self._piped, first_call):
                started[at] = replace(started[at], outputs=through(started[at].outputs, end))
            self._piped = None
        if sign in ("|", "|&"):
            # The pipe is standard output before the redirections count, so that `2>&1` leads into it.
            piped = self._redirected(command, replace(self._outputs, standard=PIPE))
            for at in range(first_call, len(started)):
                started[at] = replace(started[at], outputs=Outputs(PIPE, PIPE) if sign == "|&" else piped)
            self._piped = first_call
