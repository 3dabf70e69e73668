"""The screens of loomtui. They show what the engine does; they reach no node and no store themselves."""

from __future__ import annotations

import sys
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
) -> int:
    """Shows the screens until the operator leaves; gives the exit status.

    Where `writable` is set, `inventory_path` names the file that a run keeps a copy of.
    """
    from screens.app import LoomApp
    from screens.live import LiveEngine, WritableLiveEngine
    from screens.terminal import end_with_terminal

    engine = (
        WritableLiveEngine(inventory, inventory_path or Path("inventory.yml"))
        if writable
        else LiveEngine(inventory)
    )
    app = LoomApp(engine, story=story, plan_path=plan_path)
    end_with_terminal()
    app.run()
    farewell = app.farewell()
    if farewell:
        sys.stderr.write(farewell + "\n")
    return app.return_code or app.return_value or 0
