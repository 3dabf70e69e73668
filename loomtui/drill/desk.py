"""What whoever plays a drill may ask of it, besides restoring: the engine knows nothing of it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from loomtui.drill.debriefing import Debriefing
from loomtui.drill.scenarios import Scenario
from loomtui.drill.scenarios.model import Hint
from loomtui.restore.choices import Objectives
from loomtui.restore.plan import Plan


class Desk(Protocol):
    """A drill in the hands of people. What blocks says so; the rest answers at once."""

    @property
    def scenario(self) -> Scenario: ...

    @property
    def briefing(self) -> tuple[str, ...]:
        """What the operator is told at the beginning and no more: the pager first, a paragraph each."""
        ...

    @property
    def began(self) -> datetime:
        """UTC."""
        ...

    @property
    def objectives(self) -> Objectives: ...

    @property
    def hints(self) -> tuple[Hint, ...]:
        """Those that were told."""
        ...

    @property
    def next_hint(self) -> Hint | None:
        """What the next one costs; whoever asks for its text calls `tell_hint`. None: all were told."""
        ...

    @property
    def debriefing(self) -> Debriefing | None:
        """None: the drill goes on."""
        ...

    def tell_hint(self) -> Hint | None:
        """From now on it counts."""
        ...

    def saw_plan(self, plan: Plan) -> None:
        """The operator has seen this plan; a plan that comes to no run is in no journal."""
        ...

    def is_solved(self) -> bool:
        """Whether all that counts holds, looked at on the nodes. Blocks for some seconds."""
        ...

    def debrief(self, *, gave_up: bool = False) -> Debriefing:
        """The drill is over, and judged; asked again, it is as it was judged first. Blocks for seconds."""
        ...
