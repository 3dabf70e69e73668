"""What all screens share: the engine, the clock, what was seen, and the run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from screens.engine import Engine, WritableEngine
from screens.watch import Watch

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

    from screens.app import LoomApp
    from screens.keeper import RunKeeper

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Desk:
    """`settle_seconds`: how long a new question ignores keys, so that a held key answers once."""

    def __init__(self, engine: Engine, *, now: Clock = utc_now, settle_seconds: float = 0.4) -> None:
        self.engine = engine
        self.now = now
        self.settle_seconds = settle_seconds
        self.watch = Watch(engine.inventory, engine.judge)
        self.keeper: RunKeeper | None = None

    @property
    def writable(self) -> bool:
        return isinstance(self.engine, WritableEngine)

    @property
    def cluster(self) -> str:
        return self.engine.inventory.cluster

    @property
    def mark(self) -> str:
        """The production mark, in words."""
        return "▲ PRODUCTION" if self.engine.inventory.production else "○ not production"


def app_of(node: DOMNode | App[Any]) -> LoomApp:
    return cast("LoomApp", node.app)


def desk_of(node: DOMNode | App[Any]) -> Desk:
    return app_of(node).desk
