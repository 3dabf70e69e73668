"""The same terminal for every screen test, whatever the machine's own is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
import textual

from tests.restore.conftest import hasty as hasty
from tests.restore.conftest import make_cluster as make_cluster
from tests.screens.idle import wait_for_idle
from tests.screens.painting import paint, paint_dialogs_only
from tests.screens.parsed_styles import parse_rules_once

os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", TEXTUAL_ANIMATIONS="none", TZ="UTC")

#: Snapshots are made on these only, so that a difference is always one of ours.
_SNAPSHOT_PYTHON = (3, 11)
_SNAPSHOT_TEXTUAL = "8.2.8"


@pytest.fixture(scope="session", autouse=True)
def _one_snapshot_maker(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("update_snapshots", default=False):
        return
    if sys.version_info[:2] != _SNAPSHOT_PYTHON or textual.__version__ != _SNAPSHOT_TEXTUAL:
        pytest.exit(f"make snapshots on Python 3.11 and Textual {_SNAPSHOT_TEXTUAL} only", returncode=2)


@pytest.fixture(scope="session", autouse=True)
def _apps_are_quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("app", "pilot"):
            patch.setattr(f"textual.{module}.wait_for_idle", wait_for_idle)
        patch.setattr("textual.css.stylesheet.Stylesheet._parse_rules", parse_rules_once)
        yield


@pytest.fixture(autouse=True)
def _only_dialogs_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.screen.Screen._compositor_refresh", paint_dialogs_only)


@pytest.fixture
def painted(_only_dialogs_are_painted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every screen is painted at every change, as in a terminal: for what a picture does not show."""
    monkeypatch.setattr("textual.screen.Screen._compositor_refresh", paint)
