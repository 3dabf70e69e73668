"""A run's report on the screen: laid out for the width, and never raw Markdown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from screens.restore.restore_screen import RestoreScreen
from screens.runs.record_screen import RunRecordScreen
from screens.runs.record_text import chronicle_text
from screens.text import content
from tests.screens import basics, records, scenes
from tests.screens.fake import RUN_ID, WritableFakeEngine
from tests.screens.helping import press, running, screen_text, until, until_shown
from tests.screens.walking import consent

_WORDS = st.lists(st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=12), max_size=40)


@given(_WORDS, st.integers(0, 30), st.integers(40, 120))
def test_a_text_beside_its_label_fits_and_is_whole(words: list[str], label: int, width: int) -> None:
    shown = content.beside(content.line("x" * label), " ".join(words), width).plain
    assert "".join(shown.split()) == "x" * label + "".join("".join(words).split())
    first, *others = shown.split("\n")
    assert all(cell_len(line) <= width for line in (first, *others))
    indent = label if width - label >= 24 else min(label, 4)
    assert all(line[:indent].isspace() or not indent for line in others)


@pytest.mark.parametrize("width", [48, 76, 116, 196])
def test_every_line_of_a_report_fits_its_width(width: int) -> None:
    chronicle = records.with_loose_ends()
    text = chronicle_text(chronicle, width).plain
    assert not [line for line in text.split("\n") if cell_len(line.rstrip()) > width]
    for part in ("Still to do", "551 blocks", "(objective", "Decisions", "Findings"):
        assert part in text
    assert "**" not in text


async def test_the_key_for_the_report_shows_it_laid_out() -> None:
    over = replace(basics.runs()[0], id=RUN_ID)
    scene = replace(scenes.healthy(), runs=(over,), chronicle=records.with_loose_ends())
    async with running(WritableFakeEngine(scene)) as (app, pilot):
        app.runs.roll_back_run(RUN_ID)
        await consent(app, pilot)
        await until_shown(pilot, "read the report")
        await press(pilot, "f")
        await until(pilot, lambda: isinstance(app.screen, RunRecordScreen), "the report")
        await until_shown(pilot, "Still to do")
        assert "- Downtime" not in screen_text(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, RestoreScreen)
