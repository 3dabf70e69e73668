"""What loomtui writes is for its owner alone, also where nothing asked for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from loomtui.cli.failures import call
from loomtui.private import make_private
from loomtui.restore.events import EventKind
from loomtui.restore.record.run_journal import Journal
from tests.security.values import harmless

PASSWORD = "marked-p4ssw0rd"


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_every_folder_on_the_way_is_private(tmp_path: Path) -> None:
    make_private(tmp_path / "a/b/c")
    assert {mode(tmp_path / way) for way in ("a", "a/b", "a/b/c")} == {0o700}
    make_private(tmp_path / "a/b/c")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        make_private(tmp_path / "file")


def test_a_crash_log_is_private_and_holds_no_secret(home: Path) -> None:
    @click.command()
    def crash() -> None:
        raise ZeroDivisionError(f"redis://:{PASSWORD}@10.0.0.9 password: {PASSWORD} \x1b]52;c;eA==\x07")

    assert call(crash, []) == 1
    made = [path for path in home.rglob("*") if "loomtui" in path.parts]
    (log,) = [path for path in made if path.is_file()]
    assert {mode(path) for path in made if path.is_dir()} == {0o700}
    assert mode(log) == 0o600
    text = log.read_text(encoding="utf-8")
    assert "ZeroDivisionError" in text
    assert PASSWORD not in text
    harmless(text)


def test_what_is_kept_of_a_damaged_journal_is_private(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"rubbish\nmore\n")
    journal = Journal(path, "20260101-120000-abcd")
    journal.write(EventKind.NOTE, "it goes on")
    journal.close()
    assert mode(tmp_path / "journal.damaged") == 0o600
