"""What goes to the operator's clipboard: clean, bounded, and told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screens.clipboard import MOST, beginning
from screens.modals.text import TextDialog
from tests.screens import scenes
from tests.screens.fake import FakeEngine
from tests.screens.helping import press, running, screen_text

_SCREENS = Path(__file__).parents[2] / "screens"


@pytest.mark.slow
async def test_a_dialog_longer_than_a_clipboard_is_copied_as_far_as_it_fits_and_that_is_told() -> None:
    text = "\n".join(f"{number:>5} of many ü" for number in range(10_000))
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        app.push_screen(TextDialog("Long", text))
        await pilot.pause()
        await press(pilot, "c")
        assert len(app.clipboard.encode()) <= MOST
        assert text.startswith(app.clipboard)
        assert app.clipboard.endswith("ü\n")
        assert f"Copied the first {len(app.clipboard.splitlines()):,} lines only" in screen_text(app)


async def test_what_is_copied_is_told() -> None:
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        app.push_screen(TextDialog("Short", "one\ntwo"))
        await pilot.pause()
        await press(pilot, "c")
        assert app.clipboard == "one\ntwo"
        assert "(2 lines)" in screen_text(app)


@given(st.text(max_size=20), st.integers(1, 8_000))
def test_the_beginning_fits_and_ends_with_a_line(line: str, times: int) -> None:
    text = f"{line}\n" * times
    first_part = beginning(text)
    assert text.startswith(first_part)
    assert len(first_part.encode()) <= MOST
    assert first_part == text or first_part.endswith("\n")


def test_one_line_that_is_too_long_is_cut_between_characters() -> None:
    first_part = beginning("ü" * MOST)
    assert first_part == "ü" * (MOST // 2)


def test_nothing_else_writes_to_the_clipboard() -> None:
    writers = {path.name for path in _SCREENS.rglob("*.py") if "copy_to_clipboard" in path.read_text("utf-8")}
    assert writers == {"clipboard.py"}
