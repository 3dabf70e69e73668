"""What all screens have in common: the engine, the clock, what was seen, and the run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from loomtui.engine.api import Engine, WritableEngine
from loomtui.engine.findings import gather_findings
from loomtui.fleet.probes.findings import Findings
from loomtui.wording.states import PRACTICE_MARK, production_mark
from screens.health.watch import Watch
from screens.input import keys

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

    from loomtui.drill.desk import Desk
    from screens.restore.run_controller import RunController

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class AppContext:
    """`settle_seconds` is how long a new question ignores keys, so that a held key answers only once.

    `served` means that the screens are in a browser, and whoever is there is not the operator. `drill` is
    known to the screens alone: the engine cannot tell that it is one.
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
        self.engine = engine
        self.writable = isinstance(engine, WritableEngine)
        self.now = now
        self.settle_seconds = settle_seconds
        self.served = served
        self.drill = drill
        self.watch = Watch(engine.inventory, engine.judge)
        self.controller: RunController | None = None
        self.side_by_side: bool | None = (
            None  # differences: old beside new, or below; None: by the room there is
        )

    async def findings(self) -> Findings:
        """What more can be known of what is wrong. What cannot be had is left out."""
        return await gather_findings(self.engine, self.now())

    def offers(self, action: str) -> bool:
        """Whether the action exists here at all."""
        if action in keys.OF_DRILLS and self.drill is None:
            return False
        return (self.writable or action not in keys.DANGEROUS) and not (self.served and action in keys.LOCAL)

    @property
    def cluster(self) -> str:
        return self.engine.inventory.cluster

    @property
    def mark(self) -> str:
        """The production mark, in words; in a drill, that it is one."""
        if self.drill is not None:
            return PRACTICE_MARK
        return production_mark(self.engine.inventory.production)


class _HasContext(Protocol):
    context: AppContext


def context_of(node: DOMNode | App[Any]) -> AppContext:
    return cast("_HasContext", node.app).context
