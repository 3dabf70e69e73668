"""What all screens have in common: the engine, the clock, what was seen, and the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from loomtui.engine.api import Engine, WritableEngine
from loomtui.engine.findings import gather_findings
from loomtui.fleet.probes.findings import Findings
from loomtui.wording.states import PRACTICE_MARK
from screens.frame import Clock, FrameContext, utc_now
from screens.health.watch import Watch
from screens.input import keys

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

    from loomtui.drill.desk import Desk
    from screens.restore.run_controller import RunController


class AppContext(FrameContext):
    """`settle_seconds` is how long a new question ignores keys, so that a held key answers only once.

    `drill` is known to the screens alone: the engine cannot tell that it is one.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        now: Clock = utc_now,
        settle_seconds: float = 0.7,
        served: bool = False,
        drill: Desk | None = None,
    ) -> None:
        inventory = engine.inventory
        super().__init__(
            inventory.cluster,
            production=inventory.production,
            mark=PRACTICE_MARK if drill is not None else None,
            practice=drill is not None,
            now=now,
            served=served,
        )
        self.engine = engine
        self.writable = isinstance(engine, WritableEngine)
        self.settle_seconds = settle_seconds
        self.drill = drill
        self.watch = Watch(inventory, engine.judge)
        self.controller: RunController | None = None

    async def findings(self) -> Findings:
        """What more can be known of what is wrong. What cannot be had is left out."""
        return await gather_findings(self.engine, self.now())

    def offers(self, action: str) -> bool:
        """What belongs to a drill exists in a drill alone."""
        return super().offers(action) and (self.drill is not None or action not in keys.OF_DRILLS)


class _HasContext(Protocol):
    context: AppContext


def context_of(node: DOMNode | App[Any]) -> AppContext:
    return cast("_HasContext", node.app).context
