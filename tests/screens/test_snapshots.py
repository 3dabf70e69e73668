"""How screens look: small, usual, large; healthy, degraded, unreachable, empty, read-only; without colour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from loomtui.engine.api import Engine
from loomtui.restore.events import StepName
from loomtui.restore.report import Chronicle, ending_of
from screens.app import LoomApp
from screens.logs.log_view import LogView
from screens.modals.confirm import ConfirmDialog
from screens.restore.restore_screen import RestoreScreen
from screens.restore.run_view import RunView
from screens.restore.screen_operator import UnitQuestion
from screens.settings import THEME_NAMES, Settings
from screens.widgets.pane import Pane
from tests.sampling import rest_slow
from tests.screens import basics, records, scenes
from tests.screens.fake import FakeEngine, FakeRun, WritableFakeEngine
from tests.screens.helping import (
    LARGE,
    SMALL,
    USUAL,
    make_app,
    panel,
    press,
    screen_text,
    until,
    until_quiet,
    with_past_looks,
)
from tests.screens.walking import begin, carry_out, edit, pending_question, until_asked

Compare = Callable[..., bool]
SIZES = {"80x24": SMALL, "200x60": LARGE}
ALL_SIZES = {"80x24": SMALL, "120x40": USUAL, "200x60": LARGE}
STATES: dict[str, Callable[[], Engine]] = {
    "healthy": lambda: WritableFakeEngine(scenes.healthy()),
    "degraded": lambda: WritableFakeEngine(scenes.degraded()),
    "unreachable": lambda: WritableFakeEngine(scenes.lost()),
    "empty": lambda: WritableFakeEngine(scenes.empty()),
    "read-only": lambda: FakeEngine(scenes.healthy()),
}
NODES: dict[str, Sequence[str]] = {"health": (), "node": ("enter",), "keys": ("i",), "services": ("d",)}
ELSEWHERE: dict[str, Sequence[str]] = {"backups": ("b",), "logs": ("o",), "runs": ("u",)}


@pytest.fixture(params=rest_slow(SIZES))
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return SIZES[request.param]


def reading(pane: Pane) -> bool:
    """It is seen, and waits for something of a node."""
    return bool(pane.region.area) and "Reading …" in pane.text.plain


async def settle(pilot: Pilot[int]) -> None:
    """All first looks are taken, every stream has come, and what came is drawn."""
    app = pilot.app
    assert isinstance(app, LoomApp)
    await until(pilot, lambda: len(app.context.watch.latest) == len(basics.NAMES))
    scene = app.context.engine.scene if isinstance(app.context.engine, FakeEngine) else None
    logs = scene.logs if scene is not None else ()
    await until(pilot, lambda: all(view.buffer.kept == len(logs) for view in app.screen.query(LogView)))
    await until(pilot, lambda: not any(reading(pane) for pane in app.screen.query(Pane)))
    for view in app.screen.query(LogView):
        view.change()
    await until_quiet(pilot)


def pressing(*pressed: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    async def before(pilot: Pilot[int]) -> None:
        await settle(pilot)
        await press(pilot, *pressed)
        await settle(pilot)

    return before


@pytest.mark.parametrize("cells", rest_slow(ALL_SIZES))
@pytest.mark.parametrize("place", NODES)
@pytest.mark.parametrize("state", STATES)
def test_nodes(snap_compare: Compare, place: str, state: str, cells: str) -> None:
    app = with_past_looks(make_app(STATES[state]()))
    assert snap_compare(app, terminal_size=ALL_SIZES[cells], run_before=pressing(*NODES[place]))


HEADLINES: dict[str, Callable[[], Engine]] = {
    "crashing": lambda: WritableFakeEngine(scenes.crashing()),
    "crashing, read-only": lambda: FakeEngine(scenes.crashing()),
    "held": lambda: WritableFakeEngine(scenes.held()),
    "of a colleague": lambda: WritableFakeEngine(scenes.of_a_colleague()),
}


@pytest.mark.parametrize("cells", rest_slow(ALL_SIZES))
@pytest.mark.parametrize("case", HEADLINES)
def test_headlines(snap_compare: Compare, case: str, cells: str) -> None:
    app = with_past_looks(make_app(HEADLINES[case]()))
    assert snap_compare(app, terminal_size=ALL_SIZES[cells], run_before=pressing())


@pytest.mark.parametrize("place", ["keys", "services"])
def test_peers_that_are_not_known(snap_compare: Compare, place: str, size: tuple[int, int]) -> None:
    app = make_app(FakeEngine(scenes.scripted()))
    assert snap_compare(app, terminal_size=size, run_before=pressing(*NODES[place], "down"))


@pytest.mark.parametrize("place", ELSEWHERE)
@pytest.mark.parametrize("state", ["degraded", "empty", "read-only"])
def test_looking(snap_compare: Compare, place: str, state: str, size: tuple[int, int]) -> None:
    app = make_app(STATES[state]())
    assert snap_compare(app, terminal_size=size, run_before=pressing(*ELSEWHERE[place]))


@pytest.mark.parametrize("place", [*NODES, *ELSEWHERE])
def test_without_colour(snap_compare: Compare, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = with_past_looks(make_app(STATES["degraded"]()))
    assert snap_compare(app, terminal_size=USUAL, run_before=pressing(*{**NODES, **ELSEWHERE}[place]))


@pytest.mark.parametrize("theme", rest_slow([name for name in THEME_NAMES if name != "dark"]))
def test_themes(snap_compare: Compare, theme: str) -> None:
    app = with_past_looks(make_app(STATES["degraded"](), settings=Settings(theme)))
    assert snap_compare(app, terminal_size=USUAL, run_before=pressing("down", "space"))


CHANGED: dict[str, Sequence[str]] = {
    "filtered": ("slash", "d", "b", "full_stop", "enter", "space"),
    "sorted": ("s", "s", "A"),
    "act": ("a",),
    "jump": ("apostrophe",),
    "theme": ("T",),
}


@pytest.mark.parametrize("case", CHANGED)
def test_home_in_use(snap_compare: Compare, case: str) -> None:
    app = with_past_looks(make_app(STATES["degraded"]()))
    assert snap_compare(app, terminal_size=SMALL, run_before=pressing(*CHANGED[case]))


def test_home_that_can_restore(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = make_app(WritableFakeEngine(scenes.healthy(production=False)))
    assert snap_compare(app, terminal_size=size, run_before=pressing())


def test_contents(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = make_app(FakeEngine(scenes.healthy()))
    assert snap_compare(app, terminal_size=size, run_before=pressing("b", "enter"))


@pytest.mark.parametrize("keys", [("question_mark",), ("o", "question_mark")], ids=["health", "logs"])
def test_help(snap_compare: Compare, keys: Sequence[str], size: tuple[int, int]) -> None:
    app = make_app(FakeEngine(scenes.healthy()))
    assert snap_compare(app, terminal_size=size, run_before=pressing(*keys))


PLANNING: dict[str, tuple[Callable[[], scenes.Scene], Sequence[str]]] = {
    "choose": (scenes.healthy, ("r",)),
    "choose from nothing": (scenes.empty, ("r",)),
    "plan": (scenes.healthy, ("r", "enter")),
    "no plan": (scenes.empty, ("r", "enter")),
    "standstill": (scenes.degraded, ("r", "enter")),
    "declined": (scenes.degraded, ("r", "enter", "n")),
    "nodes": (scenes.healthy, ("r", "n")),
}


@pytest.mark.parametrize("case", PLANNING)
def test_planning(snap_compare: Compare, case: str, size: tuple[int, int]) -> None:
    scene, pressed = PLANNING[case]
    app = make_app(WritableFakeEngine(scene()))
    assert snap_compare(app, terminal_size=size, run_before=pressing(*pressed))


def test_unfinished_run(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = make_app(WritableFakeEngine(replace(scenes.healthy(), runs=basics.runs(None))))
    assert snap_compare(app, terminal_size=size, run_before=pressing())


def until_step(step: StepName, then: Sequence[str] = ()) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def before(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, LoomApp)
        await settle(pilot)
        await begin(app, pilot)
        for earlier in StepName:
            if earlier is step:
                break
            await carry_out(app, pilot, earlier)
        await until_asked(app, pilot, step)
        await press(pilot, *then)
        await settle(pilot)

    return before


@pytest.mark.parametrize(
    ("step", "then"),
    [
        (StepName.PREFLIGHT, ()),
        (StepName.STOP, ()),
        (StepName.STOP, ("x",)),
        (StepName.SERVICES, ()),
        (StepName.DATA, ("space",)),
    ],
    ids=["preflight", "stop", "stop asked", "services", "data nodes"],
)
def test_run(snap_compare: Compare, step: StepName, then: Sequence[str], size: tuple[int, int]) -> None:
    app = make_app(WritableFakeEngine(scenes.healthy()))
    assert snap_compare(app, terminal_size=size, run_before=until_step(step, then))


def at_the_end(chronicle: Chronicle) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """As if this app had carried the run out."""

    async def before(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, LoomApp)
        await settle(pilot)
        controller = app.context.controller
        assert controller is not None
        controller.handle = FakeRun(chronicle.plan, controller.operator, set())
        controller.view = RunView(chronicle.nodes)
        for event in chronicle.events:
            controller.view.take(event)
        controller.ending = ending_of(chronicle)
        app.push_screen(RestoreScreen(controller))
        await settle(pilot)

    return before


@pytest.mark.parametrize("cells", rest_slow(ALL_SIZES))
def test_end(snap_compare: Compare, cells: str) -> None:
    app = make_app(WritableFakeEngine(scenes.healthy()))
    before = at_the_end(records.with_loose_ends())
    assert snap_compare(app, terminal_size=ALL_SIZES[cells], run_before=before)


UNIT_ASKED: dict[str, tuple[str, str] | None] = {
    "as proposed": None,
    "edited": ("/usr/bin/loom", "/opt/loom"),
    "refused": ("ExecStart=", "Exec="),
}


@pytest.mark.parametrize("case", UNIT_ASKED)
def test_unit(snap_compare: Compare, case: str, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, LoomApp)
        await until_step(StepName.SERVICES, ("x",))(pilot)
        await until(pilot, lambda: "db1" in panel(app) and isinstance(pending_question(app), UnitQuestion))
        if (change := UNIT_ASKED[case]) is not None:
            await edit(app, pilot, *change)
        await settle(pilot)

    app = make_app(WritableFakeEngine(scenes.healthy()))
    assert snap_compare(app, terminal_size=size, run_before=before)


def test_failure(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, LoomApp)
        await settle(pilot)
        await begin(app, pilot)
        for step in (StepName.PREFLIGHT, StepName.STOP):
            await carry_out(app, pilot, step)
        await until(pilot, lambda: "failed: db2" in screen_text(app) and pending_question(app) is not None)
        assert not isinstance(app.screen, ConfirmDialog)
        await settle(pilot)

    engine = WritableFakeEngine(scenes.healthy(), {(StepName.STOP, "db2")})
    assert snap_compare(make_app(engine), terminal_size=size, run_before=before)
