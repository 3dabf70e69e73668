"""Previews: what nodes have in common is told once, nothing is lost by that, and paths are short."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loomtui.restore.running.operator import Preview
from screens.diff.diff_text import Difference, clipboard_text
from screens.restore.preview_text import Folders, has_paths, previews_page, shortened, told_once

HOME = "/home/ubuntu"
_LINES = st.sampled_from(["stop it", "hold it", "expected: 11", "expected: 22", f"into {HOME}/run", ""])


def _previews(values: list[tuple[list[str], str, bool]]) -> list[Preview]:
    return [
        Preview(f"n{number}", "\n".join(lines), diff, already)
        for number, (lines, diff, already) in enumerate(values)
    ]


@given(st.lists(st.tuples(st.lists(_LINES, max_size=4), st.sampled_from(["", "-a\n+b"]), st.booleans())))
def test_what_is_told_of_a_node_is_its_whole_preview(values: list[tuple[list[str], str, bool]]) -> None:
    previews = _previews(values)
    told = told_once(previews)
    for preview in previews:
        mine = [one for one in told if preview.node in one.nodes]
        lines = [line for one in mine for line in one.lines]
        assert set(lines) == set(preview.text.splitlines())
        assert [one.diff for one in mine if one.diff] == [preview.diff] * bool(preview.diff)
        assert {one.already for one in mine} == {preview.already}


@given(st.lists(_LINES, max_size=4), st.integers(1, 6))
def test_what_all_would_do_alike_is_told_once(lines: list[str], nodes: int) -> None:
    previews = _previews([(lines, "", False)] * nodes)
    (told,) = told_once(previews)
    assert (told.nodes, told.lines) == (
        tuple(one.node for one in previews),
        tuple("\n".join(lines).splitlines()),
    )


def test_first_what_all_have_then_what_differs() -> None:
    previews = {
        "db1": Preview("db1", "compare; changes nothing\nexpected: 11"),
        "db2": Preview("db2", "compare; changes nothing\nexpected: 22"),
    }
    assert clipboard_text(previews_page(previews)).plain.splitlines() == [
        "all 2 nodes  ▶ compare; changes nothing",
        "db1  ▶ expected: 11",
        "db2  ▶ expected: 22",
    ]


def test_nodes_with_the_same_difference_share_it() -> None:
    previews = {name: Preview(name, "change it", "-a\n+b") for name in ("db1", "db2")}
    previews["db3"] = Preview("db3", "the peers in its unit are right", already=True)
    page = previews_page(previews)
    assert sum(isinstance(part, Difference) for part in page) == 1
    assert clipboard_text(page).plain.splitlines()[0] == "db1 and db2  ▶ change it"
    assert clipboard_text(page).plain.splitlines()[-1] == "db3  ✓ already so: the peers in its unit are right"


def test_paths_begin_at_the_working_directory_or_are_whole() -> None:
    previews = {"db1": Preview("db1", f"move it to {HOME}/.loomtui/runs/r/replaced/data")}
    folders = Folders({"db1": HOME})
    text = clipboard_text(previews_page(previews, folders)).plain
    assert "▶ move it to .loomtui/runs/r/replaced/data" in text
    assert f"lie in {HOME}; p shows them whole." in text
    whole = clipboard_text(previews_page(previews, Folders({"db1": HOME}, whole=True))).plain
    assert whole == f"db1  ▶ {previews['db1'].text}"
    assert has_paths(previews, folders)
    assert not has_paths({"db1": Preview("db1", "stop it")}, folders)


def test_nodes_of_several_working_directories_are_told_so() -> None:
    previews = {name: Preview(name, f"into /srv/{name}/run") for name in ("db1", "db2")}
    text = clipboard_text(previews_page(previews, Folders({name: f"/srv/{name}" for name in previews}))).plain
    assert "all 2 nodes  ▶ into run" in text
    assert "lie in each node's working directory; p" in text


def test_only_what_lies_in_the_folder_is_told_shorter() -> None:
    text = f"{HOME}2/a {HOME}/b/{HOME}/c ({HOME}/d) '{HOME}/e' {HOME} {HOME}/ x{HOME}/f"
    short = f"{HOME}2/a b/{HOME}/c (d) 'e' {HOME} {HOME}/ x{HOME}/f"
    assert shortened(text, HOME) == shortened(text, f"{HOME}/") == short


@given(st.text(), st.sampled_from(["", "/", "relative", HOME, "/srv/lo[om"]))
def test_any_text_and_folder_can_be_shortened(text: str, folder: str) -> None:
    assert len(shortened(text, folder)) <= len(text)
    if f"{folder}/" not in text:
        assert shortened(text, folder) == text
