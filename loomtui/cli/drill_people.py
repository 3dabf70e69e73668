"""`loomtui drill` with people: choosing, playing on the screens, and what is told afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from loomtui.cli.output import note, print_json, say, table
from loomtui.cli.screen import choose_drill, need_terminal, start_screens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loomtui.cli.settings import Settings
    from loomtui.drill.logbook import Entry
    from loomtui.restore.choices import Objectives

Form = Literal["md", "html", "json", "junit"]
_NOBODY_YET = "No drill was held on this machine yet. Hold one: loomtui drill"


def agreed(settings: Settings) -> Objectives:
    """What an incident may cost: by the inventory of the operator's own cluster, if there is one.

    Raises CallError or InventoryError where an inventory was named and cannot be used.
    """
    from loomtui.drill.people import USUAL
    from loomtui.errors import CallError
    from loomtui.restore.choices import Objectives, objectives_of

    try:
        own = objectives_of(settings.inventory())
    except CallError:
        if settings.given is not None:
            raise
        return USUAL
    return USUAL if own == Objectives() else own


def practise(scenario: str | None, validators: int | None, objectives: Objectives) -> int:
    """The screens first, then what was achieved: looked at on the nodes while they are still there."""
    from loomtui.cli.drill_views import result_text
    from loomtui.drill.logbook import Logbook
    from loomtui.drill.people import held, size_of
    from loomtui.drill.practice import practice
    from loomtui.inventory import load

    need_terminal()
    book = Logbook()
    if scenario is None:
        chosen = choose_drill(book.entries(), validators)
        if chosen is None:
            return 0
        scenario, validators = chosen
    number = size_of(scenario, validators)
    note("Starting the practice cluster…")
    with practice(scenario, number, objectives=objectives) as cluster, held(cluster, book) as drill:
        path = cluster.inventory_path
        status = start_screens(path, load(path), writable=True, drill=drill)
        if drill.debriefing is None:
            if status or not drill.is_played:
                return status
            note("Looking at what there is now…")
            drill.debrief()
    if drill.result is not None:
        say(result_text(drill.result))
        note("What can be learned from it: loomtui drill --debriefing")
    if drill.problem is not None:
        note_unwritten(drill.problem)
    return status


def note_unwritten(error: OSError) -> None:
    """A history that cannot be written is no reason to lose the result."""
    note(f"The history of drills cannot be written: {error.strerror or error}.")


def print_history(form: Form | None) -> int:
    """None: for people. Raises UsageError for a form that a history does not have."""
    from loomtui.cli.drill_views import HISTORY_HEADER, MONTHS_HEADER, entry_document, entry_row, month_row
    from loomtui.drill.logbook import Logbook
    from loomtui.drill.months import months

    if form in ("md", "junit"):
        raise click.UsageError(f"--history has no --format {form}.")
    entries = Logbook().entries()
    if form == "json":
        print_json({"drills": [entry_document(entry) for entry in entries]})
    elif form == "html":
        from loomtui.drill.drill_page import history_page

        click.echo(history_page(entries), nl=False)  # clean already, and of any length
    elif entries:
        table(HISTORY_HEADER, [entry_row(entry) for entry in entries])
        say()
        table(MONTHS_HEADER, [month_row(month) for month in months(entries)])
    else:
        say(_NOBODY_YET)
    return 0


def print_debriefing(scenario: str | None, form: Form) -> int:
    """Of the last drill of that scenario, or of any. Status 1: there is none."""
    from loomtui.drill.debriefing import last_played
    from loomtui.drill.logbook import Logbook

    entries = Logbook().entries()
    entry = last_played(entries, scenario)
    if entry is None:
        note("People have played no such drill on this machine yet. Hold one: loomtui drill")
        return 1
    if form == "json":
        _print_document(entry, entries)
    else:
        click.echo(_rendered(entry, entries, form), nl=False)
    return 0


def _print_document(entry: Entry, entries: Sequence[Entry]) -> None:
    from loomtui.cli.drill_views import debriefing_document
    from loomtui.drill.debriefing import debriefing_of

    print_json(debriefing_document(debriefing_of(entry, entries)))


def _rendered(entry: Entry, entries: Sequence[Entry], form: Form) -> str:
    from loomtui.drill.debriefing import debriefing_of
    from loomtui.drill.debriefing_markdown import debriefing_markdown
    from loomtui.drill.drill_page import debriefing_page
    from loomtui.drill.junit import junit
    from loomtui.drill.summary import Played

    told = debriefing_of(entry, entries)
    text = debriefing_markdown(told)
    if form == "html":
        return debriefing_page(told)
    if form == "junit":
        played = Played(entry.scenario, entry.passed, entry.seconds or 0.0, entry.wrong, text)
        return junit([played]).decode() + "\n"
    return text
