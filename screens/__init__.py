"""The screens of loomtui. They show what the engine does; they reach no node and no store themselves."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loomtui.inventory.model import Inventory

__all__ = ["run"]


def run(
    inventory: Inventory,
    inventory_path: Path | None = None,
    *,
    writable: bool,
    story: str = "",
    plan_path: Path | None = None,
    theme: str | None = None,
) -> int:
    """Shows the screens until the operator leaves; gives the exit status.

    Where `writable` is set, `inventory_path` names the file that a run keeps a copy of. Raises CallError: a
    theme, keymap or settings file that cannot be used.
    """
    from screens import keymap, settings

    settings_path = settings.default_path()
    chosen = settings.load_settings(settings_path, os.environ, theme)
    own_keys = keymap.load_keymap(keymap.default_path())
    from screens.app import LoomApp
    from screens.live import LiveEngine, WritableLiveEngine
    from screens.terminal import LastingDriver, watch_terminal

    engine = (
        WritableLiveEngine(inventory, inventory_path or Path("inventory.yml"))
        if writable
        else LiveEngine(inventory)
    )
    app = LoomApp(
        engine,
        story=story,
        plan_path=plan_path,
        settings=chosen,
        own_keys=own_keys,
        keep_theme=partial(settings.keep_theme, settings_path),
        driver_class=LastingDriver,
    )
    watch_terminal(app)
    app.run(mouse=chosen.mouse)
    farewell = app.farewell()
    if farewell:
        sys.stderr.write(farewell + "\n")
    return app.return_code or app.return_value or 0
