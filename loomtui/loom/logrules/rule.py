"""The form of a rule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from loomtui.loom.advice import Act, Advice
from loomtui.loom.databases import VALIDATOR

#: What to do where the file with a validator's key cannot be used.
RESTORE_OWN_KEY = (
    "Plan a restore of this node (loomtui plan --nodes NAME): the plan gives it its own key, never with a "
    "signing state below the chain's. Never put another node's there, nor an older one while the chain lives."
)


class Severity(StrEnum):
    INFO = "info"
    HARMLESS = "harmless"  # logged as an error, and none
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"  # act now


class Denial(StrEnum):
    """What a node does that shows that a line of its log no longer holds."""

    NOTHING = "nothing"
    ANSWERS = "it runs and tells a height"
    GROWS = "it gains blocks"
    ANY_PEER = "it has a peer"
    ALL_PEERS = "it has all its peers"


@dataclass(frozen=True)
class Rule:
    """`meaning` and `advice` may name groups of the pattern; `real`, `listed` and `id` are node IDs."""

    severity: Severity
    title: str
    file: str  # that is to be looked at, relative to the working directory; UNIT; or none
    pattern: re.Pattern[str]
    meaning: str
    advice: Advice
    denied_by: Denial = Denial.NOTHING

    def __post_init__(self) -> None:
        if self.file == VALIDATOR and self.advice.act not in _OF_VALIDATOR:
            raise ValueError(f"{self.title}: nobody is told to touch the signing state")


#: What may be advised of the file that holds a validator key and its signing state.
_OF_VALIDATOR = frozenset({Act.NOTHING, Act.WAIT, Act.LOOK, Act.STOP, Act.RESTORE})


def rule(
    severity: Severity,
    title: str,
    file: str,
    pattern: str,
    meaning: str,
    advice: str,
    act: Act = Act.MEND,
    denied_by: Denial = Denial.NOTHING,
) -> Rule:
    """`act` is the kind of thing that the advice is."""
    return Rule(severity, title, file, re.compile(pattern), meaning, Advice(act, advice), denied_by)
