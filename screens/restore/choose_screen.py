"""The first part of a restore: which backup, and which nodes. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message
from textual.widgets import DataTable, Static

from loomtui.backups.model import Backup, BackupKind
from loomtui.restore.choices import Choices
from loomtui.times import HOW, read_time
from screens.input import keys
from screens.modals.ask import InputDialog, NodesDialog
from screens.restore.next_panel import Choice, NextPanel
from screens.restore.plan_screen import PlanScreen
from screens.table_screen import TableScreen
from screens.text import content
from screens.text.words import NOTHING, Tone, ago, cut, joined, size, time_of
from screens.widgets.table import Table

if TYPE_CHECKING:
    from rich.text import Text
    from textual.content import Content
    from textual.widget import Widget

LATEST = "latest"


class ChooseScreen(TableScreen):
    NAME_SHOWN: ClassVar[str] = "Restore: choose the data"
    HELP: ClassVar[str] = (
        "All nodes of a restore get the same data; each node gets the newest config backup of its own. "
        "'latest' takes the newest data backup that can be used, and says which ones it passed over, and "
        "why. {choose.take} makes the plan: loomtui looks at every node and reads the archives whole. "
        "Nothing is changed before you have reviewed the plan."
    )
    BINDINGS = keys.bindings(keys.CHOOSE)
    LOADING: ClassVar[Content | str] = "Asking S3 for data backups …"
    COLUMNS: ClassVar[Sequence[tuple[str, str]]] = (
        ("taken", "Data taken (UTC)"),
        ("age", "Age"),
        ("source", "From"),
        ("size", "Size"),
        ("key", "Key"),
    )

    class Listed(Message):
        def __init__(self, backups: tuple[Backup, ...]) -> None:
            super().__init__()
            self.backups = backups

    def __init__(self) -> None:
        super().__init__()
        self.choices = Choices()

    def body(self) -> Iterable[Widget]:
        yield Static(id="note")
        yield Table(id="data")

    def below(self) -> Iterable[Widget]:
        yield NextPanel()

    def prepare(self) -> None:
        super().prepare()
        table = self.query_one(Table)
        table.put(LATEST, self._latest(table))
        self._say_next()

    async def load(self) -> None:
        """Looks at the first part of each archive, because the keys do not tell the kinds."""
        with_data: list[Backup] = []
        for backup in await self.context.engine.backups():
            known = backup
            if backup.kind is BackupKind.UNKNOWN:
                known = await self.context.engine.guess(backup)
            if known.kind in (BackupKind.DATA, BackupKind.FULL):
                with_data.append(known)
                self.post_message(self.Listed(tuple(with_data)))
        self.post_message(self.Listed(tuple(with_data)))

    def on_choose_screen_listed(self, message: Listed) -> None:
        table = self.query_one(Table)
        for backup in message.backups:
            table.put(backup.key, self._cells(table, backup))
        if message.backups:
            self.say("The first row is right in most cases.")
        else:
            again = f"{keys.name('screen.refresh')} asks again"
            self.say(f"No data backup was found. Check bucket and prefix in the inventory; {again}.")

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        self.action_take()

    def action_take(self) -> None:
        marked = self.query_one(Table).marked
        if marked is not None:
            key = None if marked == LATEST else marked
            self.app.push_screen(PlanScreen(replace(self.choices, data_key=key)))

    def action_choose_nodes(self) -> None:
        names = self.context.engine.inventory.names
        self.app.push_screen(
            NodesDialog(
                "Which nodes?",
                "All of them together is the usual case. With some of them only, the others' chain must be "
                "alive and win: the restored nodes catch up with it.",
                names,
                self.choices.nodes or names,
            ),
            self._nodes_chosen,
        )

    def _nodes_chosen(self, nodes: tuple[str, ...] | None) -> None:
        if nodes is None:
            return
        if not nodes:
            content.tell(self, "At least one node is needed; nothing was changed.", severity="warning")
            return
        whole = len(nodes) == len(self.context.engine.inventory.names)
        self._choose(replace(self.choices, nodes=None if whole else nodes))

    def action_choose_time(self) -> None:
        current = self.choices.before
        self.app.push_screen(
            InputDialog(
                "Only backups taken before",
                f"{HOW}. Empty: no limit. It holds for 'latest' and for the config backups.",
                value=f"{current:%Y-%m-%d %H:%M}" if current else "",
                hint="2026-11-20 14:30",
            ),
            self._time_chosen,
        )

    def _time_chosen(self, typed: str | None) -> None:
        if typed is None:
            return
        try:
            before = read_time(typed, self.context.now()) if typed.strip() else None
        except ValueError as error:
            content.tell(self, f"{error} Nothing was changed.", severity="warning")
            return
        self._choose(replace(self.choices, before=before))

    def action_toggle_stage(self) -> None:
        self._choose(replace(self.choices, stage_first=not self.choices.stage_first))

    def action_toggle_keys(self) -> None:
        self._choose(replace(self.choices, keep_keys=not self.choices.keep_keys))

    def _choose(self, choices: Choices) -> None:
        self.choices = choices
        table = self.query_one(Table)
        table.put(LATEST, self._latest(table))
        self._say_next()

    def _say_next(self) -> None:
        chosen, names = self.choices, self.context.engine.inventory.names
        nodes = f"all {len(names)} nodes" if chosen.nodes is None else joined(chosen.nodes)
        before = f", taken before {time_of(chosen.before)}" if chosen.before else ""
        keys_kept = "; nodes keep their own keys" if chosen.keep_keys else ""
        self.query_one(NextPanel).say(
            f"Choose the data for {nodes}{before}{keys_kept}.",
            [
                Choice("choose.take", "take the marked backup and make the plan", "nothing is changed by it"),
                Choice("choose.nodes", "restore some nodes only", f"now: {nodes}"),
                Choice(
                    "choose.before",
                    "only backups before a time",
                    "now: no limit" if not chosen.before else "now: " + time_of(chosen.before),
                ),
                Choice(
                    "choose.stage",
                    "fetch data before the stop",
                    f"now: {'yes' if chosen.stage_first else 'no'}; shortens the outage, needs more disk",
                ),
                Choice(
                    "choose.keys",
                    "keep the nodes' own keys",
                    f"now: {'yes' if chosen.keep_keys else 'no, as in the backups'}",
                ),
            ],
            urgent=True,
        )

    def _latest(self, table: Table) -> dict[str, Text]:
        limit = f"before {self.choices.before:%Y-%m-%d %H:%M}" if self.choices.before else "recommended"
        return {
            "taken": table.cell("latest", Tone.STRONG),
            "age": table.cell(""),
            "source": table.cell(""),
            "size": table.cell(""),
            "key": table.cell(f"the newest that can be used ({limit})"),
        }

    def _cells(self, table: Table, backup: Backup) -> dict[str, Text]:
        return {
            "taken": table.cell(f"{backup.taken_at:%Y-%m-%d %H:%M}"),
            "age": table.cell(ago(backup.taken_at, self.context.now()), right=True),
            "source": table.cell(cut(backup.source or NOTHING, 16)),
            "size": table.cell(size(backup.size_bytes), right=True),
            "key": table.cell(backup.key, Tone.DIM),
        }
