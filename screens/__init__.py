"""The screens of loomtui. They show what the engine does; they reach no node and no store themselves."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loomtui.drill.desk import Desk
    from loomtui.drill.logbook import Entry
    from loomtui.inventory.model import Inventory
    from loomtui.restore.replay.recording import Recording
    from screens.settings import Settings

#: Threads read the nodes' connections: in a flood a key would wait a multiple of Python's 5 ms for each.
_SWITCH_SECONDS = 0.001

#: Objects, and rounds, between two searches for garbage among the new, the younger, and all objects. The last
#: takes 40 ms among the lines of a flood, so it comes a fifth as often as Python would have it.
_GARBAGE_THRESHOLDS = (700, 10, 50)

__all__ = ["choose_drill", "preferences", "run", "run_replay", "run_served"]


def preferences(theme: str | None, attention: str | None = None) -> tuple[Settings, Mapping[str, str]]:
    """How the operator wants the screens, and the operator's own keys by action id.

    Raises CallError if a theme, keymap or settings file cannot be used.
    """
    from screens import settings
    from screens.input import keymap

    screen_settings = settings.load_settings(settings.default_path(), os.environ, theme, attention)
    return screen_settings, keymap.load_keymap(keymap.default_path())


def run(
    inventory: Inventory,
    inventory_path: Path | None = None,
    *,
    writable: bool,
    drill: Desk | None = None,
    plan_path: Path | None = None,
    at_choice: bool = False,
    theme: str | None = None,
    attention: str | None = None,
) -> int:
    """Shows the screens until the operator leaves, and gives the exit status.

    `drill`: the screens are those of a drill. `at_choice`: they open where a restore begins, unless a
    restore is unfinished. If `writable` is set, `inventory_path` names the file that a run keeps a copy of.
    Raises CallError if a theme, keymap or settings file cannot be used.
    """
    settings, own_keys = preferences(theme, attention)
    gc.disable()  # nothing of what is loaded now is garbage, and looking for it is a tenth of the start
    from loomtui.engine.live import LiveEngine, WritableLiveEngine
    from screens.app import LoomApp
    from screens.settings import default_path, keep_theme
    from screens.terminal import LastingDriver, watch_terminal

    engine = (
        WritableLiveEngine(inventory, inventory_path or Path("inventory.yml"))
        if writable
        else LiveEngine(inventory)
    )
    app = LoomApp(
        engine,
        drill=drill,
        plan_path=plan_path,
        at_choice=at_choice,
        settings=settings,
        own_keys=own_keys,
        keep_theme=partial(keep_theme, default_path()),
        driver_class=LastingDriver,
    )
    watch_terminal(app)
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    gc.freeze()
    gc.enable()
    app.run(mouse=settings.mouse)
    farewell = app.leaving.farewell
    if farewell:
        sys.stderr.write(farewell + "\n")
    return app.return_code or app.return_value or 0


def run_replay(recording: Recording, *, speed: float, theme: str | None = None) -> int:
    """Plays the recording until whoever watches leaves. Raises CallError as `run` does."""
    settings, own_keys = preferences(theme)
    from loomtui.restore.replay.player import Player
    from screens.replay_app import ReplayApp
    from screens.settings import default_path, keep_theme
    from screens.terminal import LastingDriver, watch_terminal

    app = ReplayApp(
        Player(recording, speed),
        settings=settings,
        own_keys=own_keys,
        keep_theme=partial(keep_theme, default_path()),
        driver_class=LastingDriver,
    )
    watch_terminal(app)
    app.run(mouse=settings.mouse)
    return app.return_code or app.return_value or 0


def run_served(inventory: Inventory, *, theme: str | None = None) -> int:
    """Shows the screens through the process that started this one, until either of them ends.

    They are read-only; nobody is asked anything, and nothing is kept. Raises CallError as `run` does.
    """
    settings, own_keys = preferences(theme)
    from loomtui.engine.live import LiveEngine
    from screens.app import LoomApp
    from screens.terminal import BrowserDriver, watch_terminal

    engine = LiveEngine(inventory)
    app = LoomApp(engine, settings=settings, own_keys=own_keys, driver_class=BrowserDriver, served=True)
    watch_terminal(app)
    app.run(mouse=settings.mouse)
    return app.return_code or app.return_value or 0


def choose_drill(
    entries: Sequence[Entry], validators: int | None, *, theme: str | None = None
) -> tuple[str, int] | None:
    """The scenario's file, and with how many validators; None: nobody wants to play.

    `entries`: of the history of drills. Raises CallError as `run` does, and SystemExit when the terminal is
    gone.
    """
    settings, own_keys = preferences(theme)
    from loomtui.drill.scenarios import scenarios
    from screens.drill.chooser_app import ChooserApp
    from screens.terminal import LastingDriver, watch_terminal

    app = ChooserApp(
        scenarios(),
        entries,
        validators,
        settings=settings,
        own_keys=own_keys,
        driver_class=LastingDriver,
    )
    watch_terminal(app)
    chosen = app.run(mouse=settings.mouse)
    if app.return_code:
        raise SystemExit(app.return_code)
    return chosen
