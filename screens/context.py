"""What all screens have in common: the engine, the clock, what was seen, and the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from loomtui.engine.api import Engine, WritableEngine
from loomtui.engine.findings import gather_findings
from loomtui.fleet.probes.findings import Findings
from screens.frame import Clock, FrameContext, utc_now
from screens.health.watch import Watch

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

    from screens.restore.run_controller import RunController


class AppContext(FrameContext):
    """`settle_seconds` is how long a new question ignores keys, so that a held key answers only once."""

    def __init__(
        self, engine: Engine, *, now: Clock = utc_now, settle_seconds: float = 0.7, served: bool = False
    ) -> None:
        inventory = engine.inventory
        super().__init__(inventory.cluster, production=inventory.production, now=now, served=served)
        self.engine = engine
        self.writable = isinstance(engine, WritableEngine)
        self.settle_seconds = settle_seconds
        self.watch = Watch(inventory, engine.judge)
        self.controller: RunController | None = None

    async def findings(self) -> Findings:
        """What more can be known of what is wrong. What cannot be had is left out."""
        return await gather_findings(self.engine, self.now())


class _HasContext(Protocol):
    context: AppContext


def context_of(node: DOMNode | App[Any]) -> AppContext:
    return cast("_HasContext", node.app).context
