"""The variables of a script, and what the words that name them come to.

Source: POSIX.1-2017, Shell Command Language, 2.5 and 2.6; bash(1) for arrays and `+=`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence

from loomtui.loom.launch.context import Context, Lookup
from loomtui.loom.launch.letters import Gap, Letter, Text, plain, spell, split_blanks
from loomtui.loom.launch.shellwords import Content, Part, ScriptFolder, Variable, Word
from loomtui.text import clean_line

_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=")
_ENDLESS = Gap("a value that grows without end")
_BLANK = Letter(" ")
_BY_IFS = Gap("a value that IFS splits")


def is_assignment(word: Word) -> bool:
    return _ASSIGNMENT.match(_written(word)) is not None


def _written(word: Word) -> str:
    """The letters in front of the first expansion; what is quoted counts too."""
    letters = []
    for part in word.parts:
        if not isinstance(part, Letter):
            break
        letters.append(part.value)
    return "".join(letters)


class ShellValues:
    """All that a script's words depend on."""

    def __init__(self, context: Context, base: Lookup, arguments: Sequence[Text], name: str) -> None:
        self._context = context
        self._base = base
        self._name = name
        self._values: dict[str, Text | None] = {}
        self._arrays: dict[str, list[Text]] = {}
        self._hidden = ""  # why nothing is known of variables that the script does not set from here on
        self.arguments = list(arguments)
        self.in_function = False  # whose arguments are its own, and not known

    def get(self, name: str) -> Text | None:
        """The value; None: the variable is not set."""
        if name in self._values:
            return self._values[name]
        if name in self._arrays:
            return self._arrays[name][0] if self._arrays[name] else ()
        return (Gap(self._hidden),) if self._hidden else self._base(name)

    def set(self, name: str, value: Text | None, *, certain: bool = True) -> None:
        """None: it is no longer set. What is not certain is known only if it changes nothing."""
        if not _NAME.fullmatch(name):
            return
        if not certain:
            before = self.get(name)
            same = before is not None and value is not None and plain(before) == plain(value) is not None
            value = value if same else (self._of_branch(name),)
        if value is not None and not self._context.spend(value):
            value = (_ENDLESS,)
        self._values[name] = value
        self._arrays.pop(name, None)

    def snapshot(self) -> Callable[[], None]:
        """What a subshell sets is forgotten at its end: the call that is given does so."""
        values, arrays, hidden, arguments = (
            dict(self._values),
            dict(self._arrays),
            self._hidden,
            self.arguments,
        )

        def forget() -> None:
            self._values, self._arrays, self._hidden, self.arguments = values, arrays, hidden, arguments

        return forget

    def set_arguments(self, arguments: Sequence[Text], *, certain: bool) -> None:
        self.arguments = list(arguments) if certain else [(self._of_branch("its arguments"),)]

    def assign(self, word: Word, *, certain: bool) -> None:
        self.set(*self.assignment(word), certain=certain)

    def assignment(self, word: Word) -> tuple[str, Text | None]:
        """The name and the value of `NAME=VALUE` or `NAME+=VALUE`."""
        found = _ASSIGNMENT.match(_written(word))
        if found is None:
            return "", ()
        value = self.joined(word.parts[found.end() :])
        return found[1], (*(self.get(found[1]) or ()), *value) if found[2] else value

    def assign_array(self, word: Word, elements: Sequence[Word], *, certain: bool) -> None:
        """`NAME=(…)` or `NAME+=(…)`; `word` is what stands in front of the parenthesis."""
        name, more, _ = (word.bare or "").partition("+")
        name = name.rstrip("=")
        new = [text for element in elements for text in self.expand(element)]
        known = self._arrays.get(name, []) if more else []
        self._arrays[name] = [*known, *new] if certain else [(self._of_branch(name),)]
        self._values.pop(name, None)

    def hide(self, why: str) -> None:
        """Something that is not read may have set any variable."""
        self._hidden = why
        self._values.clear()
        self._arrays.clear()

    def _of_branch(self, name: str) -> Gap:
        return Gap(f"a branch of {clean_line(self._name)}, which may set {name}")

    def joined(self, parts: Sequence[Part]) -> Text:
        """One text, as in an assignment, where nothing is split."""
        text: list[Letter | Gap] = []
        for part in parts:
            if isinstance(part, (Letter, Gap)):
                text.append(part)
                continue
            text += self._in_one(part, self._values_of(part))
            if not self._context.spend(text):
                return (_ENDLESS,)
        return tuple(text)

    def expand(self, word: Word) -> list[Text]:
        """The fields that a word makes: what a bare variable holds is split at its blanks."""
        fields: list[list[Letter | Gap]] = [[]]
        for part in word.parts:
            if isinstance(part, (Letter, Gap)):
                fields[-1].append(part)
                continue
            values = self._values_of(part)
            if not self._context.spend([letter for value in values for letter in value]):
                return [(_ENDLESS,)]
            for number, piece in enumerate(self._pieces(part, values)):
                if number:
                    fields.append([])
                fields[-1] += piece
        return [tuple(field) for field in fields if field or len(fields) > 1 or _may_be_empty(word)]

    def _pieces(self, part: Variable | Content | ScriptFolder, values: Sequence[Text]) -> list[Text]:
        """The words that it makes: what is not quoted is split."""
        if part.quoted:
            several = isinstance(part, Variable) and "@" in (part.array, part.name)
            return list(values) if several else [self._in_one(part, values)]
        if "IFS" not in self._values:
            return [piece for value in values for piece in split_blanks(value)]
        signs = plain(self._values["IFS"] or ()) or ""
        words = [plain(value) for value in values]
        if any(word is None or any(sign in word for sign in signs) for word in words) or not signs:
            return [(_BY_IFS,)] if values else []
        return list(values)

    def _in_one(self, part: Variable | Content | ScriptFolder, values: Sequence[Text]) -> Text:
        """All of it in one word, as between quotes. What `*` lists is joined by the first sign of IFS."""
        joint: Text = (_BLANK,)
        if isinstance(part, Variable) and "*" in (part.array, part.name) and "IFS" in self._values:
            joint = (self._values["IFS"] or ())[:1]
        text: list[Letter | Gap] = []
        for number, value in enumerate(values):
            text += [*joint, *value] if number else value
        return tuple(text)

    def _values_of(self, part: Variable | Content | ScriptFolder) -> list[Text]:
        """What it stands for, before blanks split it."""
        if isinstance(part, ScriptFolder):
            return [spell(posixpath.dirname(self._name))]
        if isinstance(part, Content):
            return [self._content(part)]
        if part.array and part.name in self._arrays:
            return self._arrays[part.name]
        if part.name.isdigit() or part.name in ("@", "*"):
            found = self._positional(part.name)
        else:
            value = self.get(part.name)
            found = [value] if value is not None else []
        empty = part.colon and all(not text for text in found)
        if part.default is not None and (not found or empty):
            return [self.joined(part.default)]
        return found

    def _positional(self, name: str) -> list[Text]:
        if self.in_function:
            return [(Gap("the arguments of a function"),)]
        if name in "@*":
            return self.arguments
        number = int(name)
        return self.arguments[number - 1 : number] if number else [spell(self._name)]

    def _content(self, part: Content) -> Text:
        file = self._context.script(part.path)
        if file is None or file.absence is not None:
            return (Gap(f"{clean_line(part.path)}, which could not be read"),)
        return spell(file.text, part.path)[: len(file.text.rstrip("\n"))]


def _may_be_empty(word: Word) -> bool:
    """Whether it is a word even if nothing is in it: it has quotes, and more in them than `$@`."""
    lists = [part for part in word.parts if isinstance(part, Variable) and "@" in (part.array, part.name)]
    return word.quoted and (not word.parts or len(lists) < len(word.parts))
