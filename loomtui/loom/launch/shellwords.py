"""What a script is made of: words, their parts, and the operators between them."""

from __future__ import annotations

from dataclasses import dataclass

from loomtui.loom.launch.letters import Gap, Letter


@dataclass(frozen=True, slots=True)
class Variable:
    """`$NAME` and the like. `default` is what stands for it where it is unset (or, with `colon`, empty)."""

    name: str  # also a digit, `@` or `*`
    quoted: bool
    array: str = ""  # `@` of `${NAME[@]}`, `*` of `${NAME[*]}`
    default: tuple[Part, ...] | None = None
    colon: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """`$(cat FILE)`: a file's text, without the ends of lines behind it."""

    path: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class ScriptFolder:
    """`$(dirname "$0")`, or the same with `cd … && pwd`: the folder that the script lies in."""

    quoted: bool


Part = Letter | Gap | Variable | Content | ScriptFolder


@dataclass(frozen=True)
class Word:
    parts: tuple[Part, ...]
    quoted: bool  # a part of it is: so it is a word even where it is empty
    plain: bool  # nothing in it is quoted or expanded: only such a word is a reserved one

    @property
    def bare(self) -> str | None:
        return "".join(part.value for part in self.parts if isinstance(part, Letter)) if self.plain else None


@dataclass(frozen=True)
class Operator:
    sign: str  # `;` for a line's end too
    number: str = ""  # the descriptor in front of a redirection, as the 2 of `2>`


Token = Word | Operator
