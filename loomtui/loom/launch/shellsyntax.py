"""The grammar of the shell, as far as start scripts use it: words, their parts, and what stands between.

Every character keeps its place. Source: POSIX.1-2017, Shell Command Language, 2.2 to 2.7; bash(1) for `&>`,
`+=`, `$'…'` and `<<<`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from loomtui.loom.launch.letters import Gap, Letter, Text, plain
from loomtui.loom.launch.shellwords import Content, Operator, Part, ScriptFolder, Token, Variable, Word

_OPERATORS = ("&>>", "<<<", "<<-", "&>", ">>", ">|", ">&", "<<", "<&", "<>", "&&", "||", ";;", "|&")
_SINGLE = "<>&|;()\n"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL = "@*#?$!-"
_BRACED = re.compile(
    r"(?P<name>[A-Za-z_]\w*|[0-9]+|[@*])(?:(?P<array>\[[@*]\])|(?P<colon>:?)(?P<form>[-=])(?P<rest>.*))?",
    re.DOTALL,
)
_TEE = re.compile(r"\s*(?:/usr/bin/|/bin/)?tee\s+(?:-a\s+|--append\s+)*(?P<path>[\w./@+-]+)\s*")
_CAT = re.compile(r"\s*(?:cat\s+|<\s*)(?P<path>/[\w./@+-]+)\s*")
_DIRNAME = r'dirname\s+(?:--\s+)?"?\$(?:0|\{0\}|BASH_SOURCE|\{BASH_SOURCE(?:\[0\])?\})"?'
_FOLDER = re.compile(rf'\s*(?:{_DIRNAME}|cd\s+(?:-P\s+)?"?\$\({_DIRNAME}\)"?\s*&&\s*pwd(?:\s+-P)?)\s*')
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"'}
_MOST_NESTED = 20
_HOME = Gap("a home folder")


def tokens(text: Text) -> Iterator[Token]:
    """The tokens of a script. Never raises: what is never closed ends with the text."""
    return _Lexer(text).tokens()


class _Lexer:
    def __init__(self, text: Sequence[Letter | Gap], depth: int = 0) -> None:
        self._text = text
        self._at = 0
        self._depth = depth
        self._heredocs: list[str] = []

    def _peek(self, ahead: int = 0) -> str:
        """The character there; empty for a gap and behind the end."""
        at = self._at + ahead
        part = self._text[at] if at < len(self._text) else None
        return part.value if isinstance(part, Letter) else ""

    def _ahead(self, count: int) -> str:
        return "".join(self._peek(ahead) for ahead in range(count))

    def _step(self) -> Letter | Gap:
        self._at += 1
        return self._text[self._at - 1]

    @property
    def _more(self) -> bool:
        return self._at < len(self._text)

    def tokens(self) -> Iterator[Token]:
        expect_heredoc = False
        while self._more:
            char = self._peek()
            if char in (" ", "\t", "\r"):
                self._step()
            elif char == "\\" and self._peek(1) == "\n":
                self._step()
                self._step()
            elif char == "#":
                self._pass_line()
            elif (operator := self._operator()) is not None:
                expect_heredoc = operator.sign in ("<<", "<<-")
                yield operator
            else:
                word = self._word()
                if expect_heredoc:
                    self._heredocs.append("".join(p.value for p in word.parts if isinstance(p, Letter)))
                    expect_heredoc = False
                    continue
                bare = word.bare or ""
                number = bare if bare.isdigit() and self._peek() in ("<", ">") else ""
                if number and (operator := self._operator()) is not None:
                    expect_heredoc = operator.sign in ("<<", "<<-")
                    yield Operator(operator.sign, number)
                else:
                    yield word

    def _pass_line(self) -> None:
        while self._more and self._peek() != "\n":
            self._step()

    def _operator(self) -> Operator | None:
        for sign in _OPERATORS:
            if self._ahead(len(sign)) == sign:
                self._at += len(sign)
                return Operator(sign)
        char = self._peek()
        if not char or char not in _SINGLE or (char in "<>" and self._peek(1) == "("):
            return None
        self._step()
        if char == "\n":
            self._pass_heredocs()
            return Operator(";")
        return Operator(char)

    def _pass_heredocs(self) -> None:
        for end in self._heredocs:
            while self._more:
                begin = self._at
                self._pass_line()
                line = plain(self._text[begin : self._at])
                if self._more:
                    self._step()
                if line is not None and line.strip("\t") == end:
                    break
        self._heredocs = []

    def _word(self) -> Word:
        parts: list[Part] = []
        quoted = expanded = False
        while self._more:
            part, char = self._text[self._at], self._peek()
            if isinstance(part, Gap):
                parts.append(self._step())
                expanded = True
            elif char in "<>" and self._peek(1) == "(":
                parts += self._process(self._until_closed("(", ")"))
                expanded = True
            elif char in " \t\r" or char in _SINGLE:
                break
            elif char in "'\"\\":
                quoted = True
                parts += self._quoted(char)
            elif char in "$`":
                parts += self._expansion(quoted=False)
                expanded = True
            elif char == "~" and _begins(parts):
                parts.append(_HOME)
                self._step()
                expanded = True
            else:
                parts.append(self._step())
        return Word(tuple(parts), quoted, plain=not quoted and not expanded)

    def _quoted(self, sign: str) -> Iterator[Part]:
        if sign == "'":
            yield from self._single_quoted()
        elif sign == '"':
            yield from self._double_quoted()
        else:
            self._step()
            if self._more and self._peek() == "\n":
                self._step()
            elif self._more:
                yield self._step()

    def _process(self, inner: Text) -> Text:
        """`>(tee FILE)` stands for the file; what another command does with what it gets is not known."""
        command = plain(inner)
        found = _TEE.fullmatch(command) if command is not None else None
        return inner[found.start("path") : found.end("path")] if found else (Gap("a command in it"),)

    def _single_quoted(self) -> Iterator[Part]:
        self._step()
        while self._more and self._peek() != "'":
            yield self._step()
        if self._more:
            self._step()

    def _double_quoted(self) -> Iterator[Part]:
        self._step()
        while self._more and self._peek() != '"':
            if self._peek() == "\\" and self._peek(1) in ("$", "`", '"', "\\", "\n"):
                self._step()
                escaped = self._step()
                if not (isinstance(escaped, Letter) and escaped.value == "\n"):
                    yield escaped
            elif self._peek() in ("$", "`"):
                yield from self._expansion(quoted=True)
            else:
                yield self._step()
        if self._more:
            self._step()

    def _expansion(self, *, quoted: bool) -> list[Part]:
        if self._peek() == "`":
            return [self._command_in(self._until_backtick(), quoted=quoted)]
        following = self._peek(1)
        if following == "'" and not quoted:
            return self._ansi_quoted()
        if following == "(":
            return [self._command_in(self._until_closed("(", ")"), quoted=quoted)]
        if following == "{":
            return [self._braced(self._until_closed("{", "}"), quoted=quoted)]
        dollar = self._step()
        if following and (following.isdigit() or following in _SPECIAL):
            self._step()
            return [_special(following, quoted=quoted)]
        name = ""
        while _NAME.fullmatch(name + (self._peek() or " ")):
            name += self._peek()
            self._step()
        return [Variable(name, quoted)] if name else [dollar]

    def _until_backtick(self) -> Text:
        self._step()
        begin = self._at
        while self._more and self._peek() != "`":
            if self._peek() == "\\":
                self._step()
            if self._more:
                self._step()
        inner = self._text[begin : self._at]
        if self._more:
            self._step()
        return tuple(inner)

    def _until_closed(self, opening: str, closing: str) -> Text:
        """What stands between `$(` or `${` and its end. Quotes are kept; what is in them ends nothing."""
        self._step()
        self._step()
        begin, depth = self._at, 1
        while self._more:
            char = self._peek()
            if char == "\\":
                self._step()
            elif char in ("'", '"'):
                self._pass_quoted(char)
                continue
            elif char == opening:
                depth += 1
            elif char == closing:
                depth -= 1
                if not depth:
                    break
            if self._more:
                self._step()
        inner = self._text[begin : self._at]
        if self._more:
            self._step()
        return tuple(inner)

    def _pass_quoted(self, quote: str) -> None:
        self._step()
        while self._more and self._peek() != quote:
            if quote == '"' and self._peek() == "\\":
                self._step()
            if self._more:
                self._step()
        if self._more:
            self._step()

    def _ansi_quoted(self) -> list[Part]:
        self._step()
        self._step()
        parts: list[Part] = []
        while self._more and self._peek() != "'":
            part = self._step()
            if isinstance(part, Letter) and part.value == "\\" and self._more:
                escaped = self._step()
                value = _ESCAPES.get(escaped.value) if isinstance(escaped, Letter) else None
                if value is None or not isinstance(escaped, Letter):
                    parts.append(Gap("a word with an escape that is not read"))
                else:
                    parts.append(Letter(value, part.file, part.start, escaped.end))
            else:
                parts.append(part)
        if self._more:
            self._step()
        return parts

    def _command_in(self, inner: Text, *, quoted: bool) -> Part:
        command = plain(inner)
        if command is not None and _FOLDER.fullmatch(command):
            return ScriptFolder(quoted)
        found = _CAT.fullmatch(command) if command is not None else None
        if found:
            return Content(found["path"], quoted)
        return Gap("what a command in it prints")

    def _braced(self, inner: Text, *, quoted: bool) -> Part:
        written = "".join(part.value if isinstance(part, Letter) else "\0" for part in inner)
        found = _BRACED.fullmatch(written)
        if found is None or self._depth >= _MOST_NESTED:
            return Gap("an expansion that is not read: ${…}")
        if found["form"] is None and found["array"]:
            return Variable(found["name"], quoted, found["array"][1])
        if found["form"] is None:
            return Variable(found["name"], quoted)
        lexer = _Lexer(inner[found.start("rest") :], self._depth + 1)
        return Variable(found["name"], quoted, "", tuple(lexer.default()), bool(found["colon"]))

    def default(self) -> Iterator[Part]:
        """The parts of a default, in which blanks are like any other character."""
        while self._more:
            char = self._peek()
            if char == "'":
                yield from self._single_quoted()
            elif char == '"':
                yield from self._double_quoted()
            elif char in ("$", "`"):
                yield from self._expansion(quoted=True)
            else:
                if char == "\\":
                    self._step()
                if self._more:
                    yield self._step()


def _begins(parts: Sequence[Part]) -> bool:
    """Whether a tilde here stands for a home folder: at the beginning of a word or of what is assigned."""
    last = parts[-1] if parts else None
    return last is None or (isinstance(last, Letter) and last.value == "=")


def _special(sign: str, *, quoted: bool) -> Part:
    if sign.isdigit() or sign in "@*":
        return Variable(sign, quoted)
    return Gap(f"${sign}")
