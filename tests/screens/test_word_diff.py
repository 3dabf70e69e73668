"""Differences with their words marked, and drawn: nothing is lost, and only what changed is marked."""

from __future__ import annotations

import time
from difflib import unified_diff

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from loomtui.restore.planning import config_choices
from loomtui.text import UNSHOWABLE
from screens.diff.diff_text import Difference, clipboard_text, page, page_content, wrap
from screens.diff.word_diff import Heading, Line, Row, mark_changed_words, rows_of
from tests.screens.basics import HOSTILE

LINES = st.text(
    st.one_of(
        st.sampled_from("-+@ \t,='\"ab1.:/[]$‹›"),
        st.characters(blacklist_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]),
    ),
    max_size=30,
).filter(lambda text: not UNSHOWABLE.search(text))
TEXTS = st.lists(LINES, max_size=12)


def joined(line: Line) -> str:
    return "".join(piece.text for piece in line)


def changed_texts(line: Line | None) -> list[str]:
    return [piece.text for piece in line or () if piece.changed]


def rows(diff: str) -> list[Row]:
    return [row for row in rows_of(diff) if isinstance(row, Row)]


def unified(old: list[str], new: list[str]) -> str:
    return "\n".join(unified_diff(old, new, "x (now)", "x (after)", lineterm="", n=99))


def peer(number: int, letter: str = "a") -> str:
    return f"tcp://{letter * 38}{number:02}@10.2.0.{number}:46656"


def command(*peers: str) -> str:
    return f"ExecStart=/usr/bin/loom run --persistent-peers {','.join(peers)}"


@given(TEXTS, TEXTS)
def test_the_pieces_make_up_both_texts_again(old: list[str], new: list[str]) -> None:
    if old == new:
        return
    rows_found = rows(unified(old, new))
    assert [joined(row.old) for row in rows_found if row.old is not None] == old
    assert [joined(row.new) for row in rows_found if row.new is not None] == new
    for row in rows_found:
        assert row.changed or row.old == row.new


@given(LINES, LINES)
def test_what_is_not_marked_is_in_both_lines(old: str, new: str) -> None:
    before, after = mark_changed_words(old, new)
    assert (joined(before), joined(after)) == (old, new)
    kept = ["".join(piece.text for piece in line if not piece.changed) for line in (before, after)]
    assert kept[0] == kept[1]


@given(st.text())
def test_what_is_no_difference_is_shown_all_the_same(text: str) -> None:
    drawing = page_content((Difference(text),), 80, side_by_side=False).plain
    signs = str.maketrans("", "", "-+ \t\n")
    for line in clipboard_text((Difference(text),)).plain.split("\n"):
        if not line.startswith(("@@", "---", "+++")):
            assert line.translate(signs) in drawing.replace("\n", "").translate(signs)


def test_of_many_peers_only_the_one_that_changed_is_marked() -> None:
    peers = [peer(number) for number in range(1, 40)]
    new = [*peers[:20], peer(21, "b"), *peers[21:]]
    (row,) = rows(config_choices.unified_diff(command(*peers), command(*new), "loom.service"))
    assert changed_texts(row.old) == ["a" * 38 + "21"]
    assert changed_texts(row.new) == ["b" * 38 + "21"]


def test_a_peer_that_was_taken_away_is_marked_and_its_neighbours_are_not() -> None:
    peers = [peer(number) for number in range(1, 8)]
    (row,) = rows(config_choices.unified_diff(command(*peers), command(*peers[:3], *peers[4:]), "u"))
    assert "".join(changed_texts(row.old)).count("a" * 38) == 1
    assert "a" * 38 + "04" in "".join(changed_texts(row.old))
    assert changed_texts(row.new) == []


def test_lines_that_are_alike_stand_beside_each_other() -> None:
    old = ["User=loom", "RestartSec=1", "Restart=always"]
    new = ["User=loom", "Nice=5", "CPUWeight=20", "RestartSec=10", "Restart=always"]
    rows_found = [row for row in rows(unified(old, new)) if row.changed]
    assert [(row.old and joined(row.old), row.new and joined(row.new)) for row in rows_found] == [
        (None, "Nice=5"),
        (None, "CPUWeight=20"),
        ("RestartSec=1", "RestartSec=10"),
    ]
    assert changed_texts(rows_found[-1].old) == ["1"]


def test_a_removed_line_that_looks_like_a_name_is_no_name() -> None:
    rows_found = rows_of("--- x (now)\n+++ x (after)\n@@ -1,2 +1 @@\n--- old\n same")
    assert rows_found[0] == Heading("x")
    assert [joined(row.old) for row in rows_found[1:] if isinstance(row, Row) and row.old] == [
        "-- old",
        "same",
    ]


def test_a_secret_stays_hidden_however_its_line_is_split() -> None:
    old = "Environment=REDIS_PASSWORD=first-secret A=1\nExecStart=/loom --token abc-def run"
    new = "Environment=REDIS_PASSWORD=other-secret A=1\nExecStart=/loom --token xyz-def run --peers x"
    diff = config_choices.unified_diff(old, new, "u")
    for side_by_side in (False, True):
        drawing = page_content((Difference(diff),), 160, side_by_side=side_by_side).plain
        assert "‹hidden›" in drawing
        for part in ("first", "other", "secret", "abc", "xyz", "def"):
            assert part not in drawing


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("side_by_side", [False, True])
def test_hostile_text_stays_text(text: str, side_by_side: bool) -> None:
    diff = config_choices.unified_diff("same\n", f"same\n{text}", "u")
    drawing = page_content((Difference(diff),), 400, side_by_side=side_by_side)
    assert "\x1b" not in drawing.plain
    if "\x1b" not in text:
        assert text.split("\n")[0].replace("\t", "    ").strip() in drawing.plain


@given(LINES, st.integers(2, 40))
def test_a_line_wraps_and_is_not_cut(text: str, width: int) -> None:
    parts = wrap(Content(text), width)
    assert "".join(part.plain for part in parts) == text
    assert all(part.cell_length <= width for part in parts)


@given(TEXTS, TEXTS, st.integers(24, 200), st.booleans())
def test_what_is_drawn_has_room(old: list[str], new: list[str], width: int, side_by_side: bool) -> None:
    drawing = page_content((Difference(unified(old, new)),), width, side_by_side=side_by_side)
    assert max(map(cell_len, drawing.plain.split("\n"))) <= width


def test_a_peer_is_not_broken_where_there_is_room_for_it() -> None:
    line = command(*(peer(number) for number in range(1, 6)))
    parts = [part.plain for part in wrap(Content(line), 70)]
    assert [part.count("@") for part in parts[1:]] == [1] * 5


def test_a_peer_that_fits_on_no_line_is_broken_behind_its_id() -> None:
    parts = [part.plain for part in wrap(Content(command(peer(1), peer(2))), 50)]
    assert parts[1:] == [peer(1)[:47], peer(1)[47:] + ",", peer(2)[:47], peer(2)[47:]]


def test_marks_are_more_than_colour() -> None:
    diff = config_choices.unified_diff(command(peer(1)), command(peer(1, "b")), "u")
    for side_by_side in (False, True):
        drawing = page_content((Difference(diff),), 160, side_by_side=side_by_side)
        marked = [
            drawing.plain[span.start : span.end] for span in drawing.spans if "reverse" in str(span.style)
        ]
        assert "".join(marked) == "a" * 38 + "01" + "b" * 38 + "01"
        assert {"-", "+"} <= {
            part.strip()[:1] for line in drawing.plain.split("\n") for part in line.split("│")
        }


def test_old_and_new_stand_beside_each_other() -> None:
    diff = config_choices.unified_diff("a\nUser=loom\nb", "a\nUser=root\nb", "u")
    lines = page_content((Difference(diff),), 43, side_by_side=True).plain.split("\n")
    assert lines[0] == "u"
    assert [[side.rstrip() for side in line.split(" │ ")] for line in lines[1:]] == [
        ["  a", "  a"],
        ["- User=loom", "+ User=root"],
        ["  b", "  b"],
    ]


def test_what_is_copied_is_the_difference_as_programs_read_it() -> None:
    diff = config_choices.unified_diff("a\n", "b\n", "u")
    assert clipboard_text(page(["head", Difference(diff)])).plain == f"head\n{diff}"


def test_a_hostile_line_does_not_hold_up_the_screen() -> None:
    old, new = "a," * 30_000, "b " + ",a" * 30_000
    began = time.perf_counter()
    mark_changed_words(old, new)
    assert time.perf_counter() - began < 5
