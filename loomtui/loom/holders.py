"""Who holds the keys of a chain's set, and two proofs about it. A proof that does not hold cannot be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Life(StrEnum):
    """What a node does, as far as its looks tell."""

    STOPPED = "stopped"  # its service is down and is not started again by itself
    STANDS = "stands"  # it answered for the whole patience and gained no block
    OPEN = "open"  # anything else: it grows, flaps, was not looked at, or not for long enough


class Unproven(ValueError):
    """Why a proof does not hold, as a clause: 'n3 was not looked at'."""


@dataclass(frozen=True)
class Holder:
    """One node of the inventory, and which validator keys it holds."""

    name: str
    life: Life
    addresses: frozenset[str] | None  # in its file and in its process, upper-case hex; None: not known
    signed: int | None = None  # the last height that it signed; None: not known
    refuses: bool = False  # its log says that it refuses to sign
    members: frozenset[tuple[str, int]] | None = None  # the set that its own chain tells: address and power
    height: int | None = None  # of its chain

    def ahead(self, height: int) -> bool:
        """Whether it is ahead of the chain.

        One step is usual (the vote for the next block), unless the node refuses.
        """
        return self.signed is not None and self.signed > height + (0 if self.refuses else 1)


@dataclass(frozen=True)
class StandingChain:
    """Proof that a chain does not live and cannot, and that nobody unknown could sign for it.

    Raises Unproven unless all of this holds. Every node of the inventory stands or is stopped, with its key
    known. All chains that answer tell one set. Each key with power in it is on exactly one of the nodes. No
    other key that ever signed is on them, because it may be of a chain that lives elsewhere. No unknown peer
    is connected. The chain has blocks, and those that have signed beyond it hold a third of the power or
    more.
    """

    holders: tuple[Holder, ...]  # all nodes of the inventory
    strangers: frozenset[str] = frozenset()  # node IDs of connected peers that are none of the nodes

    def __post_init__(self) -> None:
        for holder in self.holders:
            if holder.life is Life.OPEN:
                raise Unproven(f"{holder.name} was not seen to stand still or to be stopped")
            if holder.addresses is None:
                raise Unproven(f"the validator key of {holder.name} is not known")
        if self.strangers:
            raise Unproven(f"an unknown peer is connected, {min(self.strangers)}")
        _see_that_each_is_held_once(self.members, self.holders)
        for holder in self.holders:
            if (holder.addresses or frozenset()) - set(self.members) and holder.signed != 0:
                raise Unproven(f"{holder.name} has signed with a key that is in no set that the nodes tell")
        if not self.height:
            raise Unproven("the chain has no blocks")
        if 3 * self._able_power() > 2 * sum(self.members.values()):
            raise Unproven("enough validators to make a block can sign")

    @property
    def height(self) -> int:
        return top(self.holders) or 0

    @property
    def members(self) -> Mapping[str, int]:
        """The power of each address.

        Raises Unproven if no chain tells its set, or two tell different ones.
        """
        member_sets = {holder.members for holder in self.holders if holder.members}
        if len(member_sets) != 1:
            raise Unproven(
                "the nodes tell different sets of validators"
                if member_sets
                else "no node tells its set of validators"
            )
        return {address: power for address, power in next(iter(member_sets)) if power}

    def _able_power(self) -> int:
        able = (holder for holder in self.holders if not holder.ahead(self.height))
        return sum(self.members.get(address, 0) for holder in able for address in holder.addresses or ())


@dataclass(frozen=True)
class SoleHolder:
    """Proof that no other node holds the validator key of this one. Raises Unproven."""

    name: str
    holders: tuple[Holder, ...]  # all nodes of the inventory
    strangers: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        own = next((holder.addresses for holder in self.holders if holder.name == self.name), None)
        if own is None:
            raise Unproven(f"the validator key of {self.name} is not known")
        for holder in self.holders:
            if holder.name != self.name and holder.addresses is None:
                raise Unproven(f"the validator key of {holder.name} is not known")
            if holder.name != self.name and own & (holder.addresses or frozenset()):
                raise Unproven(f"{holder.name} has the same validator key")
        if own and self.strangers:
            raise Unproven(f"an unknown peer is connected, {min(self.strangers)}")


def top(holders: Sequence[Holder]) -> int | None:
    """The highest height that a chain tells; 0 counts as one."""
    return max((holder.height for holder in holders if holder.height is not None), default=None)


def _see_that_each_is_held_once(members: Mapping[str, int], holders: Sequence[Holder]) -> None:
    held = {
        address: [holder.name for holder in holders if address in (holder.addresses or ())]
        for address in sorted(members)
    }
    for address, names in held.items():
        if not names:
            raise Unproven(f"the validator {address} is on none of the nodes")
    for names in held.values():
        if len(names) > 1:
            raise Unproven(f"{' and '.join(names)} have the same validator key")
