"""What a scenario says of its end: what the engine alone decides, and what on the nodes counts as solved."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from loomtui.backups.model import FaultKind
from loomtui.drill.scenarios.words import Height, NodeName, Nodes, OfNodes, OneOf, Part, Text
from loomtui.restore.findings import FindingCode


class Ending(StrEnum):
    RESTORED = "restored"  # the chain moves
    REFUSED = "refused"  # the plan must not be run, and nothing is touched
    HEALTHY = "healthy"  # nothing has to be done


class Decision(StrEnum):
    """What has to be decided beyond going on, and what the engine alone comes to."""

    RESET = "reset-signing"  # consent to what the plan offers: signing states start anew
    RAISE = "raise-signing"  # likewise: a lost signing state is set to the chain's height
    GIVE_UP = "give-up-old-data"  # likewise: old databases go, to make room
    LEAVE_OUT = "leave-out"  # the run goes on without a node that failed
    RETRY = "try-again"  # a step that failed is tried once more when the trouble is over


class RedisChoice(StrEnum):
    NEW = "new"  # the one that is there today
    KEEP = "keep"  # as it is in the backup, knowingly


class Known(Part):
    """What only people know and tell loomtui: the choices of a plan that no look at a node gives."""

    restore: tuple[NodeName, ...] = Field((), description="the nodes to restore; without it all")
    gone: tuple[NodeName, ...] = Field((), description="the nodes that are dead for good")
    redis: RedisChoice | None = Field(None, description="which Redis the nodes are to use")


class Expected(Part):
    """How the drill ends when the engine plays alone, on the best way that it has."""

    ends: Ending = Field(description="how it ends")
    decides: tuple[Decision, ...] = Field((), description="what is decided on the way, in this order")
    refused_for: tuple[FindingCode, ...] = Field((), description="findings for which the plan is refused")
    passes_over: tuple[FaultKind, ...] = Field((), description="why newer backups are not taken")
    sentence: Text = Field(description="the good end, for people")


class Moves(OfNodes):
    above: Height = Field("data", description="the height that all have passed")


class UsesRedis(OfNodes):
    redis: RedisChoice = Field(description="which one the configuration names")


class Check(OneOf):
    """Something on the nodes that is looked at without the engine."""

    moves: Moves | None = Field(None, description="they make blocks, with equal app hashes")
    meshed: OfNodes | None = Field(None, description="each is connected to all the others of them")
    own_keys: OfNodes | None = Field(None, description="each has the keys that the chain knows it by")
    signed_once: OfNodes | None = Field(None, description="no validator has signed one height twice")
    untouched: OfNodes | None = Field(None, description="not one file of them has changed")
    down: OfNodes | None = Field(None, description="their service does not run")
    uses_redis: UsesRedis | None = Field(None, description="the Redis in loom.yml")

    @property
    def nodes(self) -> Nodes:
        part: OfNodes = getattr(self, self.verb)
        return part.nodes


class Trap(Part):
    """A wrong move that the situation invites; made, it costs points."""

    says: Text = Field(description="what somebody has done who fell into it")
    unless: Check = Field(description="what holds for whoever did not")
