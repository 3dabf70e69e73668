"""What an operator may be told to do. Advice that could harm a living chain can only be made from a proof.

There are three kinds of advice, and no other:

- `Advice`: looking, waiting, stopping, mending a file or a setting, restoring through a plan of loomtui. None
  of its acts puts a validator key or its signing state anywhere, and none starts a node. Its texts are closed
  lists: `Do` here, and the rules of the log; a test reads all of them.
- `StartService`: made from a `SoleHolder`, which shows that no other node holds the node's validator key.
- `ResetSigningStates`: made from a `StandingChain`, which shows that the chain cannot move and that every
  holder of a key of its set is known.

A plan of loomtui is always safe to advise: it never sets a signing state below a chain that lives.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TypeAlias

from loomtui.loom.holders import SoleHolder, StandingChain


class Act(StrEnum):
    NOTHING = "nothing"
    WAIT = "wait"
    LOOK = "look"  # find out, compare, read
    STOP = "stop"  # a service or another process
    MEND = "mend"  # a setting, a list, the network, or a file that holds no signing state
    RESTORE = "restore"  # through a plan of loomtui, which asks the living chain first
    RESTART = "restart"  # a process of a node that is up: no holder of a key comes to those that there are
    START = "start"  # only in `StartService`
    RESET = "reset-signing-states"  # only in `ResetSigningStates`


#: What needs a proof.
_PROVEN = frozenset({Act.START, Act.RESET})


@dataclass(frozen=True)
class Advice:
    """`text` is one or two sentences. Raises ValueError for an act that needs a proof."""

    act: Act
    text: str

    def __post_init__(self) -> None:
        if self.act in _PROVEN:
            raise ValueError(f"{self.act} cannot be advised without a proof")


@dataclass(frozen=True)
class StartService:
    proof: SoleHolder

    @property
    def act(self) -> Act:
        return Act.START

    @property
    def text(self) -> str:
        return f"Start the service on {self.proof.name}, or roll the run back: no other node has its key."


@dataclass(frozen=True)
class ResetSigningStates:
    proof: StandingChain

    @property
    def act(self) -> Act:
        return Act.RESET

    @property
    def text(self) -> str:
        return (
            "Stop all nodes and plan again with --reset-signing-state, which sets every validator back: "
            f"the chain stands at {self.proof.height}, and every key of its set is on these nodes."
        )


AnyAdvice: TypeAlias = Advice | StartService | ResetSigningStates

_PLAN = "loomtui plan --nodes {node}"


class Do(Enum):
    """The texts of a diagnosis that need no proof. Names in braces are filled in."""

    LEAVE_ONE_HOLDER = (
        Act.STOP,
        "Stop all of them but the one that the key belongs to. Then plan a restore of each of the others "
        "(loomtui plan --nodes NAME): the plan gives it its own key, never with a signing state below the "
        "chain's.",
    )
    WAIT_FOR_HEIGHTS = (Act.WAIT, "Wait: they sign again when the chain has passed these heights.")
    KNOW_ALL_HOLDERS = (
        Act.LOOK,
        "Leave the signing states as they are. Nothing can be said of setting them back before every node "
        "was looked at, every key of the chain's set is on one of them, and no unknown peer is connected: "
        "{open}.",
    )
    RESTORE_ALL = (
        Act.RESTORE,
        "Restore the databases: loomtui plan, then loomtui restore. Do not let the nodes begin a new chain.",
    )
    RESTORE_ONE = (
        Act.RESTORE,
        f"Wait while it fetches the chain's blocks from its peers, or restore its data: {_PLAN}",
    )
    WAIT_OR_RESTORE = (
        Act.RESTORE,
        "A new chain makes its first block by itself. Where this is to be an old one, restore it: "
        "loomtui plan",
    )
    COMPARE_KEY = (
        Act.LOOK,
        "Compare the address with the one in the backups of {node} (loomtui backups show KEY). Where it is "
        "the same, the chain has voted it out, and nothing is wrong with the file. Where it is another, plan "
        f"a restore of this node alone ({_PLAN}), which never sets a signing state below the chain's.",
    )
    CHECK_HOST = (Act.LOOK, "Check the host and the network, then look again.")
    READ_LOG = (Act.LOOK, "Read its log: loomtui logs --node {node}")
    SEE_BEFORE_START = (
        Act.LOOK,
        "Find out why (loomtui logs --node {node}), and do not start it yet: {open}. A second holder of a "
        "key signs twice.",
    )
    COMPARE_REFERENCES = (
        Act.LOOK,
        "Compare what the nodes expect of each other: loomtui nodekeys. Then read the log of {node}.",
    )

    @property
    def act(self) -> Act:
        return self.value[0]

    @property
    def template(self) -> str:
        return self.value[1]

    def advice(self, *, node: str = "NAME", open: str = "") -> Advice:
        return Advice(self.act, self.template.format(node=node, open=open))
