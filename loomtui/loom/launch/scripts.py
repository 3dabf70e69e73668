"""Follows a start script to the commands that it starts, without running anything.

What only running it would tell (a branch, a loop, what a command prints) becomes a gap in the value, with its
reason; nothing is guessed. Source: POSIX.1-2017, Shell Command Language.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from loomtui.loom.launch.context import Call, Context, Lookup
from loomtui.loom.launch.letters import Gap, Letter, Text, gap_in, plain, spell, split_blanks
from loomtui.loom.launch.outputs import Output, Outputs, Sink
from loomtui.loom.launch.shellsyntax import Content, Operator, Token, Variable, Word, tokens
from loomtui.loom.launch.sources import Absence
from loomtui.text import clean_line

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=")
_NAME = re.compile(r"[A-Za-z_]\w*")
_DECLARING = frozenset({"export", "readonly", "declare", "typeset", "local"})
_TRUE = frozenset(
    {"true", ":", "cd", "export", "readonly", "declare", "typeset", "set", "umask", "ulimit", "trap"}
)
_REDIRECTIONS = frozenset({">", ">>", ">|", "&>", "&>>", ">&", "<", "<<<", "<&", "<>"})
_OPENING = {
    "if": "if",
    "while": "loop",
    "until": "loop",
    "for": "loop",
    "select": "loop",
    "case": "case",
    "{": "group",
}
_CLOSING = frozenset({"fi", "done", "esac", "}"})
_FILTERS = frozenset({"logger", "systemd-cat"})
_PIPE = Output(Sink.ELSEWHERE, words="a pipe")


class Taken(Enum):
    """Whether a command is run."""

    YES = 2
    MAYBE = 1
    NO = 0


@dataclass
class _Block:
    """A compound command that is open."""

    kind: str  # if, loop, case, group, function, subshell
    taken: Taken
    outer: Taken
    earlier: bool | None = False  # of an if: whether a branch before this one was taken; None: perhaps
    first_call: int = 0


@dataclass(frozen=True)
class _Redirection:
    sign: str
    number: str
    target: Text


@dataclass
class _Command:
    words: list[Word] = field(default_factory=list)
    redirections: list[tuple[Operator, Word]] = field(default_factory=list)


Starter = Callable[[Context, Call], None]


class ScriptReader:
    """Reads one script. What it starts is handed to `start`, which follows it further."""

    def __init__(self, context: Context, call: Call, name: str, start: Starter) -> None:
        self._context = context
        self._base: Lookup = call.lookup
        self._certain = call.certain
        self._arguments = list(call.arguments)
        self._name = name
        self._folder = call.folder
        self._outputs = call.outputs
        self._start = start
        self._values: dict[str, Text | None] = {}
        self._arrays: dict[str, list[Text]] = {}
        self._hidden = ""  # why nothing is known of variables that the script does not set from here on
        self._blocks: list[_Block] = []
        self._truth: bool | None = True
        self._joint = ""  # && or || in front of the command
        self._piped: int | None = None  # the first call whose output goes to the next command
        self._closed: int | None = None  # the first call of a block that has just ended
        self._function_next = False
        self._ended = False

    def read(self, text: Text) -> None:
        """Follows the script's text."""
        self._read(list(tokens(text)))

    def _read(self, stream: Sequence[Token]) -> None:
        command = _Command()
        at = 0
        while at < len(stream) and not self._ended:
            token = stream[at]
            at += 1
            if isinstance(token, Word):
                command.words.append(token)
            elif token.sign in _REDIRECTIONS:
                if at < len(stream) and isinstance(target := stream[at], Word):
                    command.redirections.append((token, target))
                    at += 1
            elif token.sign == "(":
                at = self._open_parenthesis(command, stream, at)
            elif token.sign == ")" and self._in_pattern():
                command = _Command()
            else:
                self._finish(command, token.sign)
                command = _Command()
        if not self._ended:
            self._finish(command, ";")

    def _in_pattern(self) -> bool:
        return bool(self._blocks) and self._blocks[-1].kind == "case"

    def _open_parenthesis(self, command: _Command, stream: Sequence[Token], at: int) -> int:
        """An array, a function, or commands of their own."""
        bare = command.words[-1].bare if command.words else None
        if bare and re.fullmatch(r"[A-Za-z_]\w*\+?=", bare):
            elements: list[Word] = []
            while at < len(stream) and not (isinstance(token := stream[at], Operator) and token.sign == ")"):
                elements += [token] if isinstance(token, Word) else []
                at += 1
            self._assign_array(command.words.pop(), elements)
            return at + 1
        if len(command.words) == 1 and at < len(stream) and stream[at] == Operator(")"):
            command.words.clear()
            self._function_next = True
            return at + 1
        if not command.words:
            self._push("subshell", self._now)
        return at

    # Whether a command is run

    @property
    def _now(self) -> Taken:
        return self._blocks[-1].taken if self._blocks else Taken.YES

    def _push(self, kind: str, taken: Taken) -> None:
        self._blocks.append(_Block(kind, taken, self._now, first_call=len(self._context.started)))

    def _within(self, truth: bool | None) -> Taken:
        """What is run of a part that depends on this."""
        outer = self._blocks[-1].outer if self._blocks else Taken.YES
        if outer is Taken.NO or truth is False:
            return Taken.NO
        return outer if truth else Taken.MAYBE

    @property
    def _in_function(self) -> bool:
        return any(block.kind == "function" for block in self._blocks)

    def _taken(self) -> Taken:
        now = self._now
        if not self._joint or now is Taken.NO:
            return now
        if self._truth is None:
            return Taken.MAYBE
        return now if self._truth == (self._joint == "&&") else Taken.NO

    # One command

    def _finish(self, command: _Command, sign: str) -> None:
        self._reserved(command)
        first_call = len(self._context.started) if self._closed is None else self._closed
        taken = self._taken()
        if command.words and taken is not Taken.NO:
            truth = self._run(command, taken)
            self._truth = truth if taken is Taken.YES else None
        elif self._closed is not None and not command.words:
            self._redirect_calls(command, self._closed)
        self._pipe(command, first_call, sign)
        self._joint = sign if sign in ("&&", "||") else ""
        self._closed = None
        if sign == ")" and self._blocks and self._blocks[-1].kind == "subshell":
            self._closed = self._blocks.pop().first_call

    def _reserved(self, command: _Command) -> None:
        """Takes the reserved words from the front."""
        while command.words and (word := command.words[0].bare) is not None:
            if word in _OPENING:
                self._open(word, command)
            elif word in ("then", "elif", "else"):
                command.words.pop(0)
                self._branch(word)
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
                self._truth, self._joint = None, "&&"
            else:
                return

    def _open(self, word: str, command: _Command) -> None:
        kind = _OPENING[word]
        taken = Taken.MAYBE if kind in ("loop", "case") and self._now is not Taken.NO else self._now
        if kind == "group" and self._function_next:
            kind, self._function_next = "function", False
            taken = Taken.MAYBE if self._now is not Taken.NO else Taken.NO
        self._push(kind, taken)
        command.words.pop(0)
        self._joint = ""
        if word in ("for", "select") and command.words:
            name = command.words[0].bare or ""
            if _NAME.fullmatch(name):
                self._values[name] = (Gap("a loop"),)
            command.words.clear()
        elif word == "case":
            names = [one.bare for one in command.words]
            del command.words[: names.index("in") + 1 if "in" in names else len(names)]

    def _branch(self, word: str) -> None:
        if not self._blocks or self._blocks[-1].kind != "if":
            return
        block, truth = self._blocks[-1], self._truth
        self._joint = ""
        if word != "then":
            block.taken = self._within(None if block.earlier is None else not block.earlier)
        elif block.earlier is not False:
            block.taken = Taken.NO if block.earlier or truth is False else self._within(None)
        else:
            block.taken, block.earlier = self._within(truth), truth

    def _close(self, command: _Command) -> None:
        if self._blocks:
            self._closed = self._blocks.pop().first_call
            self._redirect_calls(command, self._closed)
            self._truth, self._joint = None, ""

    def _run(self, command: _Command, taken: Taken) -> bool | None:
        """Runs it, as it were. Gives whether it succeeds, as far as that is known."""
        assigned = self._leading(command.words)
        rest = command.words[len(assigned) :]
        if not rest:
            for word in assigned:
                self._assign(word, taken)
            return True
        fields = [text for word in rest for text in self._expand(word)]
        if not fields:
            return None
        outputs = self._redirected(command, self._outputs)
        environment = dict(self._assignment(word) for word in assigned)
        return self._simple(fields, rest, environment, outputs, taken)

    def _simple(
        self,
        fields: list[Text],
        words: Sequence[Word],
        environment: Mapping[str, Text | None],
        outputs: Outputs,
        taken: Taken,
    ) -> bool | None:
        name = plain(fields[0]) or ""
        match name:
            case "." | "source":
                return self._source(fields[1:], taken)
            case "[" | "test" | "[[":
                return self._test([plain(one) for one in fields[1:] if plain(one) not in ("]", "]]")])
            case "false":
                return False
            case "cd":
                self._change_folder(fields[1:], taken)
            case "eval":
                self._hide("what `eval` runs")
                self._context.gaps.append(Gap("what `eval` runs"))
            case "read" | "mapfile" | "readarray" | "getopts":
                for field_ in fields[1:]:
                    self._set(plain(field_) or "", (Gap(f"what `{name}` reads"),), taken)
            case "unset":
                for field_ in fields[1:]:
                    self._set(plain(field_) or "", None, taken)
            case "shift":
                self._arguments = self._arguments[1:]
            case "exit" | "return":
                self._ended = taken is Taken.YES and not self._in_function
            case "exec" if len(fields) == 1:
                self._outputs = outputs if taken is Taken.YES else self._outputs
            case _ if name in _DECLARING:
                for word in words[1:]:
                    if _ASSIGNMENT.match(_raw(word)):
                        self._assign(word, taken)
            case "set":
                if "--" in (known := [plain(one) for one in fields]):
                    self._arguments = fields[known.index("--") + 1 :]
            case _ if name not in _TRUE:
                self._call(fields, environment, outputs, taken)
                self._ended = name == "exec" and taken is Taken.YES and not self._blocks
                return None
        return True if name in _TRUE else None

    def _call(
        self, fields: list[Text], environment: Mapping[str, Text | None], outputs: Outputs, taken: Taken
    ) -> None:
        own, values = self._value, dict(environment)

        def lookup(name: str) -> Text | None:
            return values[name] if name in values else own(name)

        certain = self._certain and taken is Taken.YES
        self._start(self._context, Call(tuple(fields), lookup, self._folder, outputs, certain))

    def _change_folder(self, fields: Sequence[Text], taken: Taken) -> None:
        folder = plain(fields[0]) if fields else None
        if folder is not None and taken is Taken.YES:
            self._folder = posixpath.normpath(posixpath.join(self._folder, folder))

    def _source(self, fields: Sequence[Text], taken: Taken) -> bool | None:
        path = plain(fields[0]) if fields else None
        if path is None:
            self._hide("a file that the script reads, whose name is not known")
            return None
        path = posixpath.normpath(posixpath.join(self._folder, path))
        file = self._context.script(path)
        if file is None or file.absence not in (None, Absence.MISSING):
            self._hide(f"{clean_line(path)}, which could not be read")
            return None
        if file.absence is Absence.MISSING:
            return False
        if not self._context.enter():
            self._hide("scripts that call each other")
            return None
        self._blocks.append(_Block("source", taken, self._now))
        depth = len(self._blocks)
        self._read(list(tokens(spell(file.text, path))))
        del self._blocks[depth - 1 :]
        self._ended = False
        return True

    def _test(self, words: list[str | None]) -> bool | None:
        match words:
            case ["!", *rest]:
                truth = self._test(rest)
                return None if truth is None else not truth
            case [str(one)] if one not in ("-n", "-z"):
                return bool(one)
            case ["-n", str(one)]:
                return bool(one)
            case ["-z", str(one)]:
                return not one
            case ["-f" | "-e" | "-r" | "-s" | "-a", str(path)]:
                file = self._context.sources.scripts.get(
                    posixpath.normpath(posixpath.join(self._folder, path))
                )
                return (
                    None
                    if file is None or file.absence is Absence.CLOSED
                    else file.absence is not Absence.MISSING
                )
            case [str(one), "=" | "==", str(other)]:
                return one == other if "*" not in other else None
            case [str(one), "!=", str(other)]:
                return one != other if "*" not in other else None
        return None

    # Variables

    def _leading(self, words: Sequence[Word]) -> list[Word]:
        assigned = []
        for word in words:
            if not _ASSIGNMENT.match(_raw(word)):
                break
            assigned.append(word)
        return assigned

    def _assignment(self, word: Word) -> tuple[str, Text | None]:
        found = _ASSIGNMENT.match(_raw(word))
        name, more = (found[1], found[2]) if found else ("", "")
        parts = word.parts[found.end() :] if found else ()
        value = self._joined(parts)
        return name, (*(self._value(name) or ()), *value) if more else value

    def _assign(self, word: Word, taken: Taken) -> None:
        name, value = self._assignment(word)
        self._set(name, value, taken)

    def _set(self, name: str, value: Text | None, taken: Taken) -> None:
        if not _NAME.fullmatch(name):
            return
        if taken is Taken.MAYBE or self._in_function:
            before = self._value(name)
            same = before is not None and value is not None and plain(before) == plain(value) is not None
            value = value if same else (Gap(f"a branch of {clean_line(self._name)}, which may set {name}"),)
        if value is not None and not self._context.spend(value):
            value = (Gap("a value that grows without end"),)
        self._values[name] = value
        self._arrays.pop(name, None)

    def _assign_array(self, word: Word, elements: Sequence[Word]) -> None:
        name, more, _ = (word.bare or "").partition("+")
        name = name.rstrip("=")
        new = [text for element in elements for text in self._expand(element)]
        known = self._arrays.get(name, []) if more else []
        certain = self._now is Taken.YES and not self._joint
        self._arrays[name] = [*known, *new] if certain else [(Gap(f"a branch of {clean_line(self._name)}"),)]
        self._values.pop(name, None)

    def _hide(self, why: str) -> None:
        self._hidden = why
        self._values.clear()
        self._arrays.clear()

    def _value(self, name: str) -> Text | None:
        if name in self._values:
            return self._values[name]
        if name in self._arrays:
            return self._arrays[name][0] if self._arrays[name] else ()
        return (Gap(self._hidden),) if self._hidden else self._base(name)

    def _positional(self, name: str) -> list[Text]:
        if self._in_function:
            return [(Gap("the arguments of a function"),)]
        if name in "@*":
            return self._arguments
        number = int(name)
        if number == 0:
            return [spell(self._name)]
        return self._arguments[number - 1 : number]

    def _looked_up(self, variable: Variable) -> list[Text]:
        """The fields that it stands for, before blanks split them."""
        if variable.array:
            elements = self._arrays.get(variable.name)
            if elements is None:
                value = self._value(variable.name)
                elements = [value] if value is not None else []
            return elements
        if variable.name.isdigit() or variable.name in ("@", "*"):
            found = self._positional(variable.name)
        else:
            value = self._value(variable.name)
            found = [value] if value is not None else []
        empty = variable.colon and all(not text for text in found)
        if variable.default is not None and (not found or empty):
            return [self._joined(variable.default)]
        return found

    def _joined(self, parts: Sequence[object]) -> Text:
        """One text, as in an assignment, where nothing is split."""
        text: list[Letter | Gap] = []
        for part in parts:
            if isinstance(part, Variable):
                for number, value in enumerate(self._looked_up(part)):
                    text += [Letter(" "), *value] if number else value
            elif isinstance(part, Content):
                text += self._content(part)
            elif isinstance(part, (Letter, Gap)):
                text.append(part)
            if not self._context.spend(text if len(parts) > 1 else ()):
                return (Gap("a value that grows without end"),)
        return tuple(text)

    def _content(self, part: Content) -> Text:
        file = self._context.script(part.path)
        if file is None or file.absence is not None:
            return (Gap(f"{clean_line(part.path)}, which could not be read"),)
        return spell(file.text, part.path)[: len(file.text.rstrip("\n"))]

    def _expand(self, word: Word) -> list[Text]:
        """The fields that a word makes: what a bare variable holds is split at its blanks."""
        fields: list[list[Letter | Gap]] = [[]]
        lists = [
            part for part in word.parts if isinstance(part, Variable) and (part.array or part.name == "@")
        ]
        open_field = (word.quoted and len(lists) < len(word.parts)) or not word.parts
        open_field = open_field or any(isinstance(part, (Letter, Gap)) for part in word.parts)
        for part in word.parts:
            if isinstance(part, (Letter, Gap)):
                fields[-1].append(part)
                continue
            values = [self._content(part)] if isinstance(part, Content) else self._looked_up(part)
            if not self._context.spend([letter for value in values for letter in value]):
                return [(Gap("a value that grows without end"),)]
            whole = part.quoted and not (isinstance(part, Variable) and (part.array or part.name == "@"))
            pieces = [self._with_blanks(values)] if whole else values if part.quoted else _split(values)
            for number, piece in enumerate(pieces):
                if number:
                    fields.append([])
                fields[-1] += piece
        return [tuple(one) for one in fields if one or open_field or len(fields) > 1]

    @staticmethod
    def _with_blanks(values: Sequence[Text]) -> Text:
        joined: list[Letter | Gap] = []
        for number, value in enumerate(values):
            joined += [Letter(" "), *value] if number else value
        return tuple(joined)

    # Where the output goes

    def _redirected(self, command: _Command, outputs: Outputs) -> Outputs:
        for operator, word in command.redirections:
            outputs = self._redirect(
                outputs, _Redirection(operator.sign, operator.number, self._joined(word.parts))
            )
        return outputs

    def _redirect(self, outputs: Outputs, redirection: _Redirection) -> Outputs:
        sign, target = redirection.sign, plain(redirection.target)
        if sign.startswith("<"):
            return outputs
        if sign == ">&" and target in ("1", "2", "-"):
            onto = outputs.standard if target == "1" else outputs.error
            onto = Output(Sink.NOWHERE, said_in=self._name) if target == "-" else onto
            return (
                replace(outputs, error=onto) if redirection.number == "2" else replace(outputs, standard=onto)
            )
        output = self._file(redirection.target)
        if sign in ("&>", "&>>") or (sign == ">&" and not redirection.number):
            return Outputs(output, output)
        if redirection.number == "2":
            return replace(outputs, error=output)
        return replace(outputs, standard=output) if redirection.number in ("", "1") else outputs

    def _file(self, target: Text) -> Output:
        path = plain(target)
        if path is None:
            gap = gap_in(target)
            return Output(
                Sink.ELSEWHERE,
                said_in=self._name,
                words=f"a file whose name comes from {gap.why if gap else ''}",
            )
        path = posixpath.normpath(posixpath.join(self._folder, path))
        if path == "/dev/null":
            return Output(Sink.NOWHERE, said_in=self._name)
        return Output(Sink.FILE, path, said_in=self._name)

    def _redirect_calls(self, command: _Command, first: int) -> None:
        """What a whole block's redirections say of the calls in it."""
        started = self._context.started
        for at in range(first, len(started)):
            started[at] = replace(started[at], outputs=self._redirected(command, started[at].outputs))

    def _pipe(self, command: _Command, first_call: int, sign: str) -> None:
        """`COMMAND | tee FILE`: what the last part of a pipe does with what it gets."""
        if self._piped is not None and command.words:
            onto = self._filter(command)
            started = self._context.started
            for at in range(self._piped, first_call):
                started[at] = replace(started[at], outputs=_through(started[at].outputs, onto))
            self._piped = None
        if sign in ("|", "|&"):
            started = self._context.started
            for at in range(first_call, len(started)):
                piped = self._repiped(command, started[at].outputs, both=sign == "|&")
                started[at] = replace(started[at], outputs=piped)
            self._piped = first_call

    def _repiped(self, command: _Command, outputs: Outputs, *, both: bool) -> Outputs:
        """The pipe is standard output before the redirections count, so `2>&1` leads into it."""
        piped = self._redirected(command, replace(self._outputs, standard=_PIPE))
        return Outputs(_PIPE, _PIPE) if both else piped

    def _filter(self, command: _Command) -> Output:
        fields = [plain(text) for word in command.words for text in self._expand(word)]
        name = (fields[0] or "").rpartition("/")[2] if fields else ""
        if name == "tee":
            files = [one for one in fields[1:] if one and not one.startswith("-")]
            return self._file(spell(files[0])) if files else self._outputs.standard
        if name in _FILTERS:
            return Output(Sink.JOURNAL)
        if name == "cat":
            return self._redirected(command, self._outputs).standard
        return Output(Sink.ELSEWHERE, said_in=self._name, words=f"`{clean_line(name, limit=40)}`")


def _through(outputs: Outputs, onto: Output) -> Outputs:
    """The pipe stands for what its other end does."""
    return Outputs(*(onto if one is _PIPE else one for one in (outputs.standard, outputs.error)))


def _split(values: Sequence[Text]) -> list[Text]:
    return [piece for value in values for piece in split_blanks(value)]


def _raw(word: Word) -> str:
    """The letters in front of the first expansion; what is quoted counts too."""
    letters = []
    for part in word.parts:
        if not isinstance(part, Letter):
            break
        letters.append(part.value)
    return "".join(letters)
