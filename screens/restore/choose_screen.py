"""The first part of a restore: which backup, and which nodes. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message
from textual.widgets import DataTable, Static

from loomtui.backups.model import Backup, BackupKind
from loomtui.restore.choices import Choices, look_limit
from loomtui.times import HOW, read_time
from loomtui.wording.quantities import NOTHING, ago, joined, size, time_of, typed_size
from screens.input import keys, restore_keys
from screens.modals.ask import InputDialog, NodesDialog
from screens.restore.next_panel import Choice, NextPanel
from screens.restore.plan_screen import PlanScreen
from screens.table_screen import TableScreen
from screens.text import content
from screens.text.words import Tone, cut
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
        "why. {choose.take} makes the plan: loomtui looks at every node and reads the archives. A large data "
        "archive is not read on this machine unless you want it ({choose.look}): the nodes look into it when "
        "they have unpacked it, before anything is stopped. Nothing is changed before you have reviewed the "
        "plan."
    )
    BINDINGS = keys.bindings(restore_keys.CHOOSE)
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
        table.put(LATEST, self._latest_cells(table))
        self._show_next()

    async def load(self) -> None:
        """Looks at the first part of each archive, because the keys do not tell the kinds."""
        with_data: list[Backup] = []
        for listed in await self.context.engine.backups():
            backup = listed
            if listed.kind is BackupKind.UNKNOWN:
                backup = await self.context.engine.guess(listed)
            if backup.kind in (BackupKind.DATA, BackupKind.FULL):
                with_data.append(backup)
                self.post_message(self.Listed(tuple(with_data)))
        self.post_message(self.Listed(tuple(with_data)))

    def on_choose_screen_listed(self, message: Listed) -> None:
        table = self.query_one(Table)
        for backup in message.backups:
            table.put(backup.key, self._backup_cells(table, backup))
        if message.backups:
            self.say("The first row is right in most cases.")
        else:
            refresh_hint = f"{keys.name('screen.refresh')} asks again"
            self.say(f"No data backup was found. Check bucket and prefix in the inventory; {refresh_hint}.")

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        self.action_take()

    def action_take(self) -> None:
        marked_key = self.query_one(Table).marked
        if marked_key is not None:
            data_key = None if marked_key == LATEST else marked_key
            self.app.push_screen(PlanScreen(replace(self.choices, data_key=data_key)))

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
            self._take_nodes,
        )

    def _take_nodes(self, nodes: tuple[str, ...] | None) -> None:
        if nodes is None:
            return
        if not nodes:
            content.tell(self, "At least one node is needed; nothing was changed.", severity="warning")
            return
        all_chosen = len(nodes) == len(self.context.engine.inventory.names)
        self._set_choices(replace(self.choices, nodes=None if all_chosen else nodes))

    def action_choose_time(self) -> None:
        current = self.choices.before
        self.app.push_screen(
            InputDialog(
                "Only backups taken before",
                f"{HOW}. Empty: no limit. It holds for 'latest' and for the config backups.",
                value=f"{current:%Y-%m-%d %H:%M}" if current else "",
                hint="2026-11-20 14:30",
            ),
            self._take_time,
        )

    def _take_time(self, typed: str | None) -> None:
        if typed is None:
            return
        try:
            before = read_time(typed, self.context.now()) if typed.strip() else None
        except ValueError as error:
            content.tell(self, f"{error} Nothing was changed.", severity="warning")
            return
        self._set_choices(replace(self.choices, before=before))

    def action_toggle_stage(self) -> None:
        self._set_choices(replace(self.choices, stage_first=not self.choices.stage_first))

    def action_toggle_look(self) -> None:
        self._set_choices(replace(self.choices, look=not self.choices.look))

    def action_toggle_delta(self) -> None:
        self._set_choices(replace(self.choices, delta=not self.choices.delta))

    def action_toggle_keys(self) -> None:
        self._set_choices(replace(self.choices, keep_keys=not self.choices.keep_keys))

    def _set_choices(self, choices: Choices) -> None:
        self.choices = choices
        table = self.query_one(Table)
        table.put(LATEST, self._latest_cells(table))
        self._show_next()

    def _show_next(self) -> None:
        choices, names = self.choices, self.context.engine.inventory.names
        nodes_text = f"all {len(names)} nodes" if choices.nodes is None else joined(choices.nodes)
        limit_text = f", taken before {time_of(choices.before)}" if choices.before else ""
        keys_text = "; nodes keep their own keys" if choices.keep_keys else ""
        read_here = typed_size(look_limit(choices, self.context.engine.inventory))
        self.query_one(NextPanel).say(
            f"Choose the data for {nodes_text}{limit_text}{keys_text}.",
            [
                Choice("choose.take", "take the marked backup and make the plan", "nothing is changed by it"),
                Choice("choose.nodes", "restore some nodes only", f"now: {nodes_text}"),
                Choice(
                    "choose.before",
                    "only backups before a time",
                    "now: no limit" if not choices.before else "now: " + time_of(choices.before),
                ),
                Choice(
                    "choose.stage",
                    "fetch data before the stop",
                    f"now: {'yes' if choices.stage_first else 'no: the outage grows with the data'}",
                ),
                Choice(
                    "choose.look",
                    "read all of it here first",
                    "now: yes" if choices.look else f"now: only data up to {read_here}",
                ),
                Choice(
                    "choose.delta",
                    "take over what the nodes hold",
                    "now: yes, where there is a twin" if choices.delta else "now: no, all of it is fetched",
                ),
                Choice(
                    "choose.keys",
                    "keep the nodes' own keys",
                    f"now: {'yes' if choices.keep_keys else 'no, as in the backups'}",
                ),
            ],
            urgent=True,
        )

    def _latest_cells(self, table: Table) -> dict[str, Text]:
        limit = f"before {self.choices.before:%Y-%m-%d %H:%M}" if self.choices.before else "recommended"
        return {
            "taken": table.cell("latest", Tone.STRONG),
            "age": table.cell(""),
            "source": table.cell(""),
            "size": table.cell(""),
            "key": table.cell(f"the newest that can be used ({limit})"),
        }

    def _backup_cells(self, table: Table, backup: Backup) -> dict[str, Text]:
        return {
            "taken": table.cell(f"{backup.taken_at:%Y-%m-%d %H:%M}"),
            "age": table.cell(ago(backup.taken_at, self.context.now()), right=True),
            "source": table.cell(cut(backup.source or NOTHING, 16)),
            "size": table.cell(size(backup.size_bytes), right=True),
            "key": table.cell(backup.key, Tone.DIM),
        }
