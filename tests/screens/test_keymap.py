"""The operator's own keys: read, refused with every reason, and obeyed by keys, footer, help and palette."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from loomtui.errors import CallError
from screens.app import LoomApp
from screens.base import LoomScreen
from screens.input import keymap, keys
from screens.logs.logs_screen import LogsScreen
from screens.modals.text import TextDialog
from screens.restore.choose_screen import ChooseScreen
from tests.screens import scenes
from tests.screens.fake import FakeEngine, WritableFakeEngine
from tests.screens.helping import LARGE, make_app, press, running, screen_text, until


def written(path: Path, text: str) -> Path:
    file = path / "keymap.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_no_file_changes_nothing(tmp_path: Path) -> None:
    assert keymap.load_keymap(tmp_path / "none.yml") == {}
    assert keymap.load_keymap(written(tmp_path, "# only this\n")) == {}


def test_keys_are_called_as_they_are_printed_or_by_name(tmp_path: Path) -> None:
    text = "app.logs: F2\nhealth.filter: [',', ctrl+F]\nhealth.mark: m, insert\napp.help: '?'\n"
    assert keymap.load_keymap(written(tmp_path, text)) == {
        "app.logs": "f2",
        "health.filter": "comma,ctrl+f",
        "health.mark": "m,insert",
        "app.help": "question_mark",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("app.lgs: l", "line 1: there is no action 'app.lgs'; did you mean app.logs?"),
        ("app.logs: bogus", "line 1: 'bogus' is no key"),
        ("app.logs: ctrl+m", "line 1: ctrl+m cannot be told from enter in a terminal"),
        ("app.logs: ''", "line 1: '' is no key"),
        ("app.logs: b", "line 1: b would be both app.logs and app.backups (Backups)"),
        ("\nhealth.mark: b", "line 2: b would be both health.mark and app.backups (Backups)"),
        ("app.logs: l\napp.runs: l", "l would be both app.logs and app.runs (Runs)"),
        (
            "app.logs: l\napp.logs: m",
            "line 1: app.logs: found the key a second time in line 2, first in line 1",
        ),
        ("- app.logs", "expected lines of the form 'action: key'"),
        ("app.logs: {a: b}", "line 1: expected 'action: key', or a list of keys"),
        ("app.logs: [", "line 1: (the file): found expected the node content"),
        ("app.logs: '\x00'", "expected printable text"),
        ("app.logs: \xe9\t\nx\n\ty: z", "expected valid YAML"),
        ("app.logs: &a l\napp.runs: *a", "line 2: app.runs: found a YAML alias"),
        ("app.x: 1\napp.y: 2", "line 2: there is no action 'app.y'"),
    ],
)
def test_every_mistake_is_told_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(CallError) as caught:
        keymap.load_keymap(written(tmp_path, text))
    assert problem in caught.value.what
    assert str(tmp_path) in caught.value.what


def test_what_yaml_takes_for_more_than_text_is_a_key(tmp_path: Path) -> None:
    loaded = keymap.load_keymap(written(tmp_path, "health.mark: =\nhealth.filter: ~\n"))
    assert loaded == {"health.mark": "equals_sign", "health.filter": "tilde"}


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "keymap.yml").write_bytes(b"app.logs: l\napp.runs: \xff\n")
    with pytest.raises(CallError, match=r"keymap\.yml:2: the keymap is not UTF-8 text"):
        keymap.load_keymap(tmp_path / "keymap.yml")


def test_two_keys_may_be_exchanged(tmp_path: Path) -> None:
    loaded = keymap.load_keymap(written(tmp_path, "app.logs: b\napp.backups: o\n"))
    assert loaded == {"app.logs": "b", "app.backups": "o"}


def test_a_file_that_is_too_large_or_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="larger than"):
        keymap.load_keymap(written(tmp_path, "#" * 70_000))
    with pytest.raises(CallError, match="cannot be read"):
        keymap.load_keymap(tmp_path)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    entries, problems = keymap.read_entries(text)
    for _, what in problems + keymap.check(entries):
        assert what.isprintable()


def test_the_keys_that_come_with_loomtui_meet_only_where_the_state_tells_them_apart() -> None:
    all_keys = [key for group in keys.GROUPS for key in group]
    met = {
        frozenset((one.id, other.id))
        for one, other in itertools.combinations(all_keys, 2)
        if keymap.meet(one, other) and set(one.keys.split(",")) & set(other.keys.split(","))
    }
    assert met == {frozenset(("run.refuse_unit", "run.leave_out")), frozenset(("run.consent", "run.kill"))}


def with_keys(**own: str) -> AbstractAsyncContextManager[tuple[LoomApp, Pilot[int]]]:
    changed = {name.replace("__", "."): key for name, key in own.items()}
    return running(WritableFakeEngine(scenes.healthy()), LARGE, own_keys=changed)


async def test_a_changed_key_works_and_the_old_one_does_not() -> None:
    async with with_keys(app__logs="l") as (app, pilot):
        home = app.screen
        await press(pilot, "o")
        assert app.screen is home
        await press(pilot, "l")
        assert isinstance(app.screen, LogsScreen)


async def test_footer_help_and_palette_call_it_by_its_new_name() -> None:
    async with with_keys(app__backups="ctrl+t", health__mark="slash", health__filter="m") as (app, pilot):
        await until(pilot, lambda: "ctrl+t Backups" in screen_text(app))
        await press(pilot, "question_mark")
        await until(pilot, lambda: isinstance(app.screen, TextDialog))
        assert isinstance(app.screen, TextDialog)
        said = [" ".join(line.split()) for line in app.screen.text.plain.splitlines()]
        assert any(line.startswith("ctrl+t The backups in S3") for line in said)
        assert any(line.startswith("/ Mark the node") for line in said)


async def test_the_words_of_a_help_call_it_by_its_new_name() -> None:
    async with with_keys(logs__find="L", logs__next="ctrl+t") as (app, pilot):
        await press(pilot, "o", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, TextDialog))
        assert isinstance(app.screen, TextDialog)
        said = " ".join(app.screen.text.plain.split())
        assert "L finds a regular expression. ctrl+t and N go from one hit to the next" in said


def screens_with_help(kind: type[LoomScreen] = LoomScreen) -> Iterator[type[LoomScreen]]:
    if kind.HELP:
        yield kind
    for further in kind.__subclasses__():
        yield from screens_with_help(further)


@pytest.mark.parametrize("screen", screens_with_help(), ids=lambda screen: screen.__name__)
def test_each_key_in_the_words_of_a_help_is_a_key_of_a_screen(screen: type[LoomScreen]) -> None:
    assert "{" not in keys.fill_key_names(screen.HELP)


async def test_what_to_do_next_and_dialogs_call_it_by_its_new_name() -> None:
    async with with_keys(choose__nodes="L", screen__back="ctrl+t", dialog__cancel="ctrl+x") as (app, pilot):
        await press(pilot, "r")
        await until(pilot, lambda: " L  restore some nodes only" in screen_text(app))
        await press(pilot, "L")
        await until(pilot, lambda: "ctrl+x  cancel" in screen_text(app))
        await press(pilot, "ctrl+x")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))


async def test_the_logs_call_it_by_its_new_name() -> None:
    async with with_keys(logs__follow="L", logs__pause="ctrl+t", logs__open="M", logs__node1="B") as (
        app,
        pilot,
    ):
        await press(pilot, "o")
        await until(pilot, lambda: "B db1  2 db2" in screen_text(app))
        await press(pilot, "L")
        await until(pilot, lambda: "not following: L follows" in screen_text(app))
        await press(pilot, "g")
        await until(pilot, lambda: "M shows the whole line" in screen_text(app))
        await press(pilot, "ctrl+t")
        await until(pilot, lambda: ": ctrl+t goes on" in screen_text(app))


def test_an_unchanged_key_that_shared_its_key_with_a_changed_one_stays() -> None:
    assert keymap.for_textual({"run.leave_out": "k"}) == {"run.refuse_unit": "m", "run.leave_out": "k"}


async def test_the_next_app_has_its_own_keys() -> None:
    async with with_keys(app__logs="l"):
        assert keys.name("app.logs") == "l"
    make_app(FakeEngine(scenes.healthy()))
    assert keys.name("app.logs") == "o"
