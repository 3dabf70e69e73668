"""How the screens that tell of the past look in use: a run's record, the backups' axis, lines selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.sampling import rest_slow
from tests.screens import scenes
from tests.screens.fake import FakeEngine
from tests.screens.helping import LARGE, SMALL, make_app
from tests.screens.scenes import Scene
from tests.screens.test_backups import scene as week
from tests.screens.test_snapshots import pressing

SIZES = {"80x24": SMALL, "120x40": (120, 40), "200x60": LARGE}
USES: dict[str, tuple[Callable[[], Scene], Sequence[str]]] = {
    "record": (scenes.healthy, ("u", "enter")),
    "axis": (week, ("b", "left", "left", "left")),
    "selected": (scenes.healthy, ("o", "space", "k", "k")),
}


@pytest.mark.parametrize("size", rest_slow(SIZES))
@pytest.mark.parametrize("use", USES)
def test_in_use(snap_compare: Callable[..., bool], use: str, size: str) -> None:
    scene, pressed = USES[use]
    app = make_app(FakeEngine(scene()))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=pressing(*pressed))
