"""What the log view draws: all of it, and no more than looks different."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from textual.strip import Strip

from loomtui.fleet.probes.log_tail import LogLine
from screens.app import LoomApp
from screens.logs.log_buffer import entry_of
from screens.logs.log_view import LogView
from tests.sampling import rest_slow
from tests.screens import scenes
from tests.screens.basics import NOW
from tests.screens.fake import FakeEngine
from tests.screens.helping import press, running, screen_text, until

pytestmark = pytest.mark.usefixtures("painted")


async def test_wrapped_lines_fill_the_view_to_its_end() -> None:
    long = tuple(
        LogLine("db1", NOW + timedelta(seconds=n), f"line {n}. " + "word " * 40 + f"end{n}", str(n))
        for n in range(50)
    )
    async with running(FakeEngine(replace(scenes.healthy(), logs=long))) as (app, pilot):
        await press(pilot, "o", "w")
        await until(pilot, lambda: "line 49." in screen_text(app))
        view = app.screen.query_one(LogView)
        assert rows_of(app)[-1].endswith("end49")
        await press(pilot, "g")
        assert "line 0. word" in rows_of(app)[0]
        assert len(rows_of(app)) == view.size.height
        assert all(rows_of(app))
        assert "line 9. word" not in screen_text(app)
        await press(pilot, *"jjjjjjjjj")
        assert "line 9. word" in screen_text(app)
        assert "end9" in screen_text(app)


def numbered(count: int) -> tuple[LogLine, ...]:
    return tuple(
        LogLine(f"db{1 + n % 3}", NOW + timedelta(seconds=n), f"line {n}. " + "word " * (n % 30), str(n))
        for n in range(count)
    )


def rows_of(app: LoomApp) -> list[str]:
    """What stands in the log view, without its edge."""
    view = app.screen.query_one(LogView)
    lines = screen_text(app).splitlines()[view.content_region.y : view.content_region.bottom]
    return [line[view.content_region.x :].rstrip(" │┃") for line in lines]


WAYS = (
    *("k", "k,k,j", "g", "G", "pageup", "space", "k,space,k,k", "space,space", "home,end"),
    *("p", "p,p", "1", "1,1", "w", "w,k", "t", "s", "s,s", "pageup,pagedown", "w,t,g,space,j,j"),
)


@pytest.mark.parametrize("pressed", rest_slow(WAYS, 6))
async def test_what_is_drawn_anew_is_all_that_looks_different(pressed: str) -> None:
    """With a line that comes after each key; the whole drawn anew must look the same."""
    async with running(FakeEngine(replace(scenes.healthy(), logs=numbered(120)))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 119" in screen_text(app))
        view = app.screen.query_one(LogView)
        for number, key in enumerate(pressed.split(",")):
            await press(pilot, key)
            view.add([entry_of("db2", NOW + timedelta(seconds=200 + number), f"later {number}")])
            view._repaint()
            await pilot.pause()
            drawing = [list(strip) for strip in app.screen._compositor.render_strips()]
            view.refresh()
            await pilot.pause()
            assert drawing == [list(strip) for strip in app.screen._compositor.render_strips()]


@pytest.mark.parametrize("step", ["j", "k"])
async def test_all_selected_lines_and_no_others_are_marked_as_such(step: str) -> None:
    async with running(FakeEngine(replace(scenes.healthy(), logs=numbered(120)))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 119" in screen_text(app))
        view = app.screen.query_one(LogView)
        await press(pilot, *"kkkkkkk", "space", step, step)
        chosen = view.get_component_rich_style("log--selected").bgcolor
        marked = view.get_component_rich_style("log--cursor").bgcolor
        assert chosen != marked
        grounds = {}
        for y, row in enumerate(rows_of(app)):
            first = next(iter(view.render_line(y)))
            grounds[row.split(".")[0].rsplit("line ")[-1]] = first.style.bgcolor if first.style else None
        assert len(view.position.selection) == 3
        assert grounds.pop("114" if step == "j" else "110") == marked
        assert {line for line, ground in grounds.items() if ground == chosen} == (
            {"112", "113"} if step == "j" else {"111", "112"}
        )


async def test_moving_the_mark_draws_two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(FakeEngine(replace(scenes.healthy(), logs=numbered(120)))) as (app, pilot):
        await press(pilot, "o")
        await until(pilot, lambda: "line 119" in screen_text(app))
        view = app.screen.query_one(LogView)
        await press(pilot, "k")
        drawing: list[int] = []
        render = view.render_line

        def counting(y: int) -> Strip:
            drawing.append(y)
            return render(y)

        monkeypatch.setattr(view, "render_line", counting)
        await press(pilot, "k")
        await until(pilot, lambda: bool(drawing))
        assert len(drawing) == 2
