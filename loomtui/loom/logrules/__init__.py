"""What a Loom node says in its log, and what it means. Each message has one rule; the first that fits counts.

The texts are as real nodes print them (loomchain of 2018-08 to 2021-06 on Tendermint 0.22 to 0.27.3),
including their spelling. At its default level a healthy node prints next to nothing.
"""

from __future__ import annotations

from loomtui.loom.logrules.consensus import DANGER, SIGNING
from loomtui.loom.logrules.files import FILES, NUMBERS
from loomtui.loom.logrules.peer_messages import IDENTITY, NETWORK, PEER_LISTS
from loomtui.loom.logrules.rule import Rule
from loomtui.loom.logrules.state import DATABASES
from loomtui.loom.logrules.system import LIMITS, STARTING
from loomtui.loom.logrules.usual import QUERIES, USUAL

RULES: tuple[Rule, ...] = (
    *LIMITS,
    *STARTING,
    *DANGER,
    *SIGNING,
    *IDENTITY,
    *NETWORK,
    *PEER_LISTS,
    *DATABASES,
    *NUMBERS,
    *FILES,
    *QUERIES,
    *USUAL,
)
