"""The backups on their time axis: what a restore to a moment would take, gaps, looking into one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from textual.widgets import Input

from loomtui.backups.damage import DamagedArchive
from loomtui.backups.model import Backup, BackupKind, Damaged, Member, MemberType
from loomtui.errors import ArchiveRejected
from screens.app import LoomApp
from screens.backups.axis import BackupAxis
from screens.backups.backups_screen import BackupsScreen
from screens.backups.contents_screen import ContentsScreen
from screens.restore.choose_screen import ChooseScreen
from screens.widgets.pane import Pane
from screens.widgets.table import Table
from tests.sampling import rest_slow
from tests.screens import basics, scenes
from tests.screens.basics import NOW
from tests.screens.fake import FakeEngine, WritableFakeEngine
from tests.screens.helping import LARGE, SMALL, footer_keys, press, running, screen_text, until
from tests.screens.scenes import Scene

SIZES = [SMALL, (120, 40), LARGE]


def week() -> tuple[Backup, ...]:
    """A week of them: data every six hours but for a day, one node's configs ended three days ago."""
    week_backups = [
        basics.backup(f"prod/d{hours}", hours, BackupKind.DATA, 9_000_000_000)
        for hours in range(2, 170, 6)
        if not 60 < hours < 84
    ]
    for name in basics.VALIDATORS:
        first_hour = 74 if name == "db3" else 3
        week_backups += [
            basics.backup(f"prod/c{hours}-{name}", hours, BackupKind.CONFIG, 12_345, name)
            for hours in range(first_hour, 170, 24)
        ]
    return tuple(sorted(week_backups, key=lambda backup: backup.taken_at, reverse=True))


def scene() -> Scene:
    return replace(scenes.healthy(), backups=week())


def axis(app: LoomApp) -> BackupAxis:
    return app.screen.query_one(BackupAxis)


def taking(app: LoomApp) -> str:
    return app.screen.query_one(Pane).text.plain


@pytest.mark.parametrize("size", rest_slow(SIZES))
async def test_the_pair_for_the_cursors_moment_is_told_for_every_node(size: tuple[int, int]) -> None:
    async with running(FakeEngine(scene()), size) as (app, pilot):
        await press(pilot, "b")
        await until(pilot, lambda: "as new as there is" in taking(app))
        assert "prod/d2" in taking(app)
        assert "prod/c3-db1" in taking(app)
        assert "prod/c74-db3" in taking(app)
        (own_line,) = [line for line in taking(app).splitlines() if line.startswith("backup1 ")]
        assert "prod/d2" in own_line  # its data archive holds its own config
        assert "backup1 data" in screen_text(app)
        await press(pilot, "left", "left", "left")
        await until(
            pilot,
            lambda: f"A restore to {NOW - timedelta(hours=8):%Y-%m-%d %H:%M:%S} UTC takes" in taking(app),
        )
        assert "prod/d8" in taking(app)
        assert "1d03h old, 19h00m before it" in taking(app)
        await press(pilot, "right")
        await until(pilot, lambda: "prod/c3-db1" in taking(app))
        await press(pilot, "g")
        await until(pilot, lambda: "prod/d164" in taking(app) or "no data backup" in taking(app))
        assert "▲ no config backup" in taking(app)
        await press(pilot, "left", "G")
        await until(pilot, lambda: "as new as there is" in taking(app))


async def test_gaps_are_named_and_drawn() -> None:
    async with running(FakeEngine(scene()), LARGE) as (app, pilot):
        await press(pilot, "b")
        await until(pilot, lambda: "usually one every" in taking(app))
        first, second = [line for line in taking(app).splitlines() if "usually one every" in line]
        assert first.startswith(
            "✗ db3 config: none since 2026-11-19 01:14:15 UTC, for 3d02h; usually one every 1d00h"
        )
        assert second.startswith("▲ backup1 data: none from 2026-11-18 13:14 to 2026-11-19 19:14, 1d06h")
        rows = {
            line[2:16].strip(): line
            for line in screen_text(app).splitlines()
            if "config" in line or "data" in line
        }
        drawn = next(line for name, line in rows.items() if "db3" in line)
        assert "░" in drawn
        assert "◆" in drawn


async def test_the_axis_is_gone_closer_to_and_a_time_is_typed() -> None:
    async with running(FakeEngine(scene())) as (app, pilot):
        await press(pilot, "b")
        await until(pilot, lambda: "time: all of it" in screen_text(app))
        await press(pilot, "plus", "plus", "plus", "plus")
        await until(pilot, lambda: "time: 2d00h" in screen_text(app))
        await press(pilot, "at")
        app.screen.query_one("#line", Input).value = "2026-11-20 14:30"
        await press(pilot, "enter")
        await until(pilot, lambda: "A restore to 2026-11-20 14:30:00 UTC" in taking(app))
        assert "11-20" in screen_text(app)
        await press(pilot, "minus", "at")
        app.screen.query_one("#line", Input).value = "whenever"
        await press(pilot, "enter")
        assert "is not a time" in screen_text(app)
        await press(pilot, "at")
        app.screen.query_one("#line", Input).value = ""
        await press(pilot, "enter")
        await until(pilot, lambda: "as new as there is" in taking(app))
        await pilot.click(BackupAxis, offset=(40, 2))
        await until(pilot, lambda: axis(app).cursor_time is not None)
        assert axis(app).row == 1


async def test_enter_looks_into_what_is_marked_and_v_reads_it_anew() -> None:
    engine = FakeEngine(scene())
    async with running(engine) as (app, pilot):
        await press(pilot, "b")
        await until(pilot, lambda: "prod/d2" in taking(app))
        await press(pilot, "left", "left", "left", "enter")
        await until(pilot, lambda: "read to its end" in screen_text(app))
        assert isinstance(app.screen, ContentsScreen)
        assert app.screen.backup.key == "prod/d8"
        assert engine.read_anew == 0
        await press(pilot, "escape", "V")
        await until(pilot, lambda: engine.read_anew == 1)
        await press(pilot, "escape", "j", "enter")
        await until(pilot, lambda: "gives it up" in screen_text(app))
        await press(pilot, "escape")
        assert isinstance(app.screen, BackupsScreen)


async def test_before_the_first_backup_of_a_row_there_is_nothing_to_open() -> None:
    listed = (*week(), basics.backup("prod/old", 900, BackupKind.DATA, 1))
    async with running(FakeEngine(replace(scenes.healthy(), backups=listed))) as (app, pilot):
        await press(pilot, "b")
        await until(pilot, lambda: "prod/d2" in taking(app))
        await press(pilot, "j", "g", "enter")
        await until(pilot, lambda: "no backup of this row" in screen_text(app))


async def test_the_list_is_a_key_away_and_both_are_there_where_there_is_room() -> None:
    async with running(FakeEngine(scene())) as (app, pilot):
        await press(pilot, "b")
        await until(pilot, lambda: "prod/d2" in taking(app))
        assert not app.screen.query_one(Table).display
        await press(pilot, "l")
        assert app.screen.query_one(Table).has_focus
        assert not axis(app).display
        await press(pilot, "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, ContentsScreen))
    async with running(FakeEngine(scene()), LARGE) as (app, pilot):
        await press(pilot, "b")
        await until(pilot, lambda: "prod/d2" in taking(app))
        assert app.screen.query_one(Table).display
        assert axis(app).display


async def test_restore_from_here_chooses_with_that_moment() -> None:
    async with running(WritableFakeEngine(scene())) as (app, pilot):
        await press(pilot, "b")
        await until(pilot, lambda: "R restores from here" in taking(app))
        await press(pilot, "left", "left", "left", "R")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        assert isinstance(app.screen, ChooseScreen)
        assert app.screen.choices.before == NOW - timedelta(hours=8)


async def test_read_only_has_no_way_to_restore_from_here() -> None:
    async with running(FakeEngine(scene())) as (app, pilot):
        await press(pilot, "b")
        await until(pilot, lambda: "prod/d2" in taking(app))
        assert "backups.restore" not in footer_keys(app)
        assert "R restores" not in taking(app)
        await press(pilot, "R")
        assert isinstance(app.screen, BackupsScreen)


@pytest.mark.parametrize("size", rest_slow(SIZES))
async def test_a_damaged_archive_is_told_with_what_can_still_be_read(size: tuple[int, int]) -> None:
    newest = basics.backups()[0]
    members = (
        Member("app.db/CURRENT", MemberType.FILE, 16),
        Member("app.db/\x1b[31m000123.ldb", MemberType.FILE, 2_097_152),
    )
    error = DamagedArchive(
        ArchiveRejected("the archive ends too soon", advice="Choose an older backup."),
        Damaged(newest, members),
    )
    async with running(FakeEngine(replace(scenes.healthy(), contents=error)), size) as (app, pilot):
        await press(pilot, "b", "enter")
        await until(pilot, lambda: "not to be restored" in screen_text(app))
        text = taking(app)
        assert "the archive ends too soon" in text
        assert "Choose an older backup." in text
        assert "data, as far as it can be read" in text
        assert "000123.ldb" in text
        assert "\x1b" not in text
