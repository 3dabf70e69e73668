"""Plain aligned text for people, JSON for programs. Text from elsewhere becomes showable here, once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from loomtui.text import clean, clean_line
from loomtui.wording.quantities import size

if TYPE_CHECKING:
    from loomtui.wording.states import StateWord

_CELL_LIMIT = 200
_COLOURS = {"good": "green", "warn": "yellow", "bad": "red", "busy": "cyan", "open": "yellow"}
_TEXT_LIMIT = 10_000_000  # of characters: a report is one text


@dataclass(frozen=True)
class Cell:
    """A value and its colour. The text must say all that the colour says."""

    text: str
    colour: str = ""


def state_cell(state: StateWord) -> Cell:
    return Cell(str(state), _COLOURS[state.grade.value])


def say(text: str = "", *, colour: str = "", bold: bool = False, err: bool = False) -> None:
    """Prints text: it is cleaned, then coloured if the terminal and NO_COLOR allow it."""
    text = clean(text, limit=_TEXT_LIMIT)
    if colour or bold:
        text = click.style(text, fg=colour or None, bold=bold)
    click.echo(text, err=err)


def note(text: str) -> None:
    """Prints a line for people on standard error, beside the result."""
    say(text, err=True)


def progress(text: str) -> None:
    """Says what is being done just now, if a person watches."""
    if sys.stderr.isatty():
        note(clean_line(text))


def read_progress() -> Callable[[int, int], None] | None:
    """Shows on one line how far a read is, if a person watches."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        share = 100 * done // total if total else 100
        end = "\n" if done >= total else ""
        click.echo(f"\rread {share:3d} % of {size(total)}{end}", nl=False, err=True)

    return show


def table(header: Sequence[str], rows: Iterable[Sequence[Cell | str]]) -> None:
    """Prints columns that are as wide as their widest value; the last one is not padded."""
    lines = [[Cell(name) for name in header]]
    lines += [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    lines = [[Cell(clean_line(cell.text, limit=_CELL_LIMIT), cell.colour) for cell in line] for line in lines]
    widths = [max(len(line[column].text) for line in lines) for column in range(len(header))]
    for number, line in enumerate(lines):
        padded = [
            _padded_cell(cell, width, bold=number == 0) for cell, width in zip(line, widths, strict=True)
        ]
        click.echo("  ".join(padded).rstrip())


def _padded_cell(cell: Cell, width: int, *, bold: bool) -> str:
    blanks = " " * (width - len(cell.text))
    if bold or cell.colour:
        return click.style(cell.text, fg=cell.colour or None, bold=bold) + blanks
    return cell.text + blanks


def diff(text: str) -> None:
    """Prints a unified diff, with added and removed lines in colour."""
    for line in clean(text).splitlines():
        colour = "green" if line.startswith("+") else "red" if line.startswith("-") else ""
        say("    " + line, colour=colour)


def print_json(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Prints one document, escaped to ASCII, so that no control character of a value reaches a terminal."""
    import json

    click.echo(json.dumps(document, indent=2))


def print_json_line(document: Mapping[str, Any]) -> None:
    """Prints one document on one line, at once."""
    import json

    click.echo(json.dumps(document, separators=(",", ":")))
    sys.stdout.flush()
