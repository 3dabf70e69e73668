"""What all commands that work on a run have in common: the run, its nodes, and its events as they happen."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import click

from loomtui.cli.asking import prompter
from loomtui.cli.output import note, print_json_line, say
from loomtui.cli.settings import Settings
from loomtui.errors import CallError
from loomtui.restore.events import EventKind
from loomtui.restore.running.operator import Go, Unattended
from loomtui.text import clean_line
from loomtui.wording.events import event_words
from loomtui.wording.quantities import size

if TYPE_CHECKING:
    from loomtui.engine.api import RunHandle
    from loomtui.inventory import Inventory
    from loomtui.restore.events import Event
    from loomtui.restore.record.run_store import Run

T = TypeVar("T")

#: What is typed as well for a production cluster.
PRODUCTION = "production"

_PROGRESS_EVERY = 5.0  # seconds between two lines about one task


def open_run(settings: Settings, run_id: str) -> tuple[Run, Inventory]:
    """The run, and its inventory as it was when the run began. Raises CallError."""
    from loomtui.inventory import load
    from loomtui.restore.record.run_store import RunStore

    run = RunStore().open(run_id)
    settings.run = run.id
    return run, load(settings.given or run.inventory_path)


def confirm(question: str, inventory: Inventory, *, assumed: bool) -> None:
    """Has a person type the cluster's name, and one more word if it is a production cluster.

    Raises CallError: something else was typed.
    """
    if assumed or not sys.stdin.isatty():
        return
    note(question)
    if _ask_text(f"Type {clean_line(inventory.cluster)} to go on") != inventory.cluster:
        raise CallError("that is not the cluster's name, so nothing was done.")
    if not inventory.production:
        return
    if _ask_text(f"It is a production cluster. Type {PRODUCTION} as well") != PRODUCTION:
        raise CallError(f"that is not the word {PRODUCTION}, so nothing was done.")


def is_confirmed(option: str, typed_for: str | None, inventory: Inventory) -> bool:
    """Whether the cluster's name was typed as a consent. Raises CallError: another one was."""
    if typed_for is not None and typed_for != inventory.cluster:
        typed = clean_line(typed_for, limit=80)
        raise CallError(
            f"{option} names '{typed}', but the inventory describes '{inventory.cluster}'.",
            advice="Make sure that it is the right cluster, then type its name.",
        )
    return typed_for is not None


def _ask_text(question: str) -> str:
    answer: str = click.prompt(question, default="", show_default=False, err=True)
    return answer.strip()


async def work(
    run: Run,
    inventory: Inventory,
    show: Callable[[Event], None] | None,
    act: Callable[[RunHandle], Awaitable[T]],
    *,
    batch: bool,
    kill: bool = False,
    break_glass: bool = False,
) -> T:
    """Does one thing with a run without a screen, and shows its events until it ends."""
    from loomtui.engine.live import WritableLiveEngine, opened

    async with opened(WritableLiveEngine(inventory, run.inventory_path), prompter(batch=batch)) as engine:
        operator = Unattended(operator_name(), kill=kill)
        handle = engine.reopen(run.id, operator, break_glass=break_glass)
        if show is None:
            return await act(handle)
        shown = asyncio.create_task(_follow(handle, show, after=len(run.events())))
        try:
            return await act(handle)
        finally:
            await _finish(shown)


async def _follow(handle: RunHandle, show: Callable[[Event], None], *, after: int) -> None:
    """Shows only what happens now. If a run was resumed, the report tells the rest."""
    async for event in handle.events():
        if event.seq > after or event.kind is EventKind.TASK_PROGRESS:
            show(event)


async def _finish(shown: asyncio.Task[None]) -> None:
    """Waits for the last events to be shown, but never lets this hold up the end."""
    done, _ = await asyncio.wait([shown], timeout=2)
    if not done:
        shown.cancel()
        await asyncio.wait([shown])


def operator_name() -> str:
    """The name under which the journal records who decided."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


class EventPrinter:
    """Prints one event a line. If the reader goes away, the run goes on, and nothing more is printed."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._gone = False
        self._last_progress: dict[tuple[str | None, str | None], float] = {}

    def __call__(self, event: Event) -> None:
        self._guarded(lambda: self._print(event))

    def end(
        self, document: Mapping[str, object], sentence: str, *, good: bool, more: Sequence[str] = ()
    ) -> None:
        """Prints the last line; for people, what more there is to say behind it."""
        if self._as_json:
            self._guarded(lambda: print_json_line(document))
        elif sentence:
            self._guarded(lambda: say(sentence, colour="green" if good else "yellow", bold=True))
            for line in more:
                self._guarded(partial(say, line))

    def _guarded(self, write: Callable[[], None]) -> None:
        if self._gone:
            return
        try:
            write()
        except BrokenPipeError:
            self._gone = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _print(self, event: Event) -> None:
        if event.kind is EventKind.TASK_PROGRESS and not self._is_due(event):
            return
        if self._as_json:
            from loomtui.cli.views import event_document

            print_json_line(event_document(event))
            return
        if event.kind is EventKind.DECISION and event.data.get("answer") == Go.CONTINUE.value:
            return
        step = event.step.value if event.step else ""
        say(
            f"{event.at:%H:%M:%S}  {step:<9}  {event.node or '':<10}  {_event_text(event)}",
            colour=_colour(event),
        )

    def _is_due(self, event: Event) -> bool:
        key = (event.step, event.node)
        now = time.monotonic()
        if now - self._last_progress.get(key, -_PROGRESS_EVERY) < _PROGRESS_EVERY:
            return False
        self._last_progress[key] = now
        return True


def _event_text(event: Event) -> str:
    done, total = event.data.get("done"), event.data.get("total")
    if isinstance(done, int) and isinstance(total, int) and total:
        files = event.data.get("files")
        counted = f", {files:,} of {event.data.get('files_total'):,} files" if isinstance(files, int) else ""
        return f"{size(done)} of {size(total)}, {100 * done // total} %{counted}"
    return event_words(event)


def _colour(event: Event) -> str:
    if event.kind in {EventKind.TASK_FAILED, EventKind.GATE_REFUSED}:
        return "red"
    good = {EventKind.STEP_DONE, EventKind.PLAN_COMPLETED, EventKind.RUN_FINISHED}
    return "green" if event.kind in good else ""
