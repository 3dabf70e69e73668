"""Which chain is restored. The data itself decides this, never what most files say. Pure.

Every chain is called `default`, and a freshly deployed cluster has keys and genesis files of a chain of its
own. So the database that will be put in place decides first, then the files that were saved with it, then the
config backups. Live nodes come last, and only if nothing else tells. The whole genesis counts, not its chain
ID alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from loomtui.backups.model import Contents
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.loom.chainstate import ChainState, Power
from loomtui.loom.databases import LOOM_GENESIS, TENDERMINT_GENESIS
from loomtui.loom.genesis import TendermintGenesis, canonical_genesis, read_tendermint_genesis
from loomtui.text import clean_line

GENESIS_FILES = (TENDERMINT_GENESIS, LOOM_GENESIS)


class Rank(IntEnum):
    """Where a genesis was read, the most trusted first."""

    DATABASE = 0  # `genesisDoc` in state.db: what Tendermint itself goes by after its first start
    DATA = 1  # chaindata/config of the data archive: of the same machine, at the same time
    CONFIG = 2  # a config archive
    LIVE = 3  # a node


@dataclass(frozen=True)
class Genesis:
    """One of the two genesis files, as one source has it."""

    rank: Rank
    origin: str  # in words: 'the config backup KEY'
    text: str
    canonical: str  # equal for equal documents: `canonical_genesis`


@dataclass(frozen=True)
class Chain:
    """The chain that the data belongs to."""

    state: ChainState | None  # None: state.db's journal does not tell
    height: int | None  # of the block store, from which the nodes go on
    tendermint: Genesis | None
    loom: Genesis | None
    undecided: tuple[Genesis, ...] = ()  # Tendermint's: sources that disagree where no rule decides

    @property
    def chain_id(self) -> str | None:
        if self.state is not None:
            return self.state.chain_id
        return clean_line(read_tendermint_genesis(self.tendermint.text).chain_id) if self.tendermint else None

    @property
    def block_time(self) -> datetime | None:
        """When the last block of the data was made.

        This is the moment of the data, whatever its archive is called.
        """
        return self.state.block_time if self.state is not None else None

    @property
    def deciders(self) -> tuple[Power, ...]:
        """Who decides on the block after `height`; empty if that is not known.

        If a chain has no blocks, its genesis decides. The block store may be one block ahead of state.db:
        then the node applies that block first, and the next set decides.
        """
        if self.state is not None and self.state.height > 0:
            ahead = (self.height or self.state.height) - self.state.height
            return {0: self.state.validators, 1: self.state.next_validators}.get(ahead, ())
        if self.height == 0 or (self.state is not None and self.height is None):
            return self.founders
        return ()

    @property
    def founders(self) -> tuple[Power, ...]:
        """The validators of the genesis. On a DPOS chain they tell who began, but not who decides now."""
        if self.tendermint is None:
            return ()
        listed = read_tendermint_genesis(self.tendermint.text).validators
        return tuple(Power(one.address, one.public_key, one.power) for one in listed)

    @property
    def known_addresses(self) -> frozenset[str]:
        """The addresses of all validators that the data tells of: in office now, before, or next."""
        sets: list[tuple[Power, ...]] = [self.founders]
        if self.state is not None:
            sets += [self.state.last_validators, self.state.validators, self.state.next_validators]
        return frozenset(power.address for powers in sets for power in powers)

    def genesis(self, target: str) -> Genesis | None:
        return {TENDERMINT_GENESIS: self.tendermint, LOOM_GENESIS: self.loom}.get(target)

    def owns(self, target: str, text: str | None) -> bool | None:
        """Whether this genesis is the chain's own. None means that it cannot be told."""
        own = self.genesis(target)
        if text is None or own is None:
            return None
        canonical = _canonical(text)
        return canonical == own.canonical

    @property
    def evidence(self) -> tuple[str, ...]:
        """What the chain was established from, in words, the most trusted source first."""
        sources = []
        if self.state is not None and self.state.height:
            when = f" of {self.state.block_time:%Y-%m-%d %H:%M:%S} UTC" if self.state.block_time else ""
            sources.append(
                f"state.db in the data: chain {clean_line(self.state.chain_id)}, block {self.state.height}"
                f"{when}, {len(self.state.validators)} validators"
            )
        for name, genesis in (("Tendermint's genesis", self.tendermint), ("Loom's genesis", self.loom)):
            if genesis is not None:
                sources.append(f"{name}: {genesis.origin}")
        return tuple(sources)


def establish(data: Contents, configs: Mapping[str, Contents], looks: Mapping[str, NodeDetails]) -> Chain:
    """The chain of this data; its files are in the data, in the config backups and on nodes."""
    state = data.chain
    genesis_documents = [
        genesis for genesis in _sources(TENDERMINT_GENESIS, data, configs, looks) if _fits(genesis, state)
    ]
    chosen, undecided = _decide(genesis_documents, state)
    loom = _loom_genesis(chosen, data, configs, looks)
    heights = (data.store_height, state.height if state is not None else None, data.app_height)
    height = next((height for height in heights if height is not None), None)
    return Chain(state, height, chosen, loom, undecided)


def _sources(
    target: str, data: Contents, configs: Mapping[str, Contents], looks: Mapping[str, NodeDetails]
) -> Iterator[Genesis]:
    if target == TENDERMINT_GENESIS and data.genesis_doc is not None:
        yield from _genesis(Rank.DATABASE, "state.db in the data", data.genesis_doc)
    yield from _genesis(Rank.DATA, f"the data backup {clean_line(data.backup.key)}", data.texts.get(target))
    for config in configs.values():
        name = f"the config backup {clean_line(config.backup.key)}"
        yield from _genesis(Rank.CONFIG, name, config.texts.get(target))
    for name, details in looks.items():
        yield from _genesis(Rank.LIVE, f"the file on {name}", details.texts.get(target))


def _genesis(rank: Rank, origin: str, text: str | None) -> Iterator[Genesis]:
    canonical = _canonical(text)
    if text is not None and canonical is not None:
        yield Genesis(rank, origin, text, canonical)


def _canonical(text: str | None) -> str | None:
    try:
        return canonical_genesis(text) if text is not None else None
    except ValueError:
        return None


def _parsed(genesis: Genesis) -> TendermintGenesis | None:
    try:
        return read_tendermint_genesis(genesis.text)
    except ValueError:
        return None


def _fits(genesis: Genesis, state: ChainState | None) -> bool:
    """Whether the data can belong to the chain that began so: it has the ID, and no block before that."""
    facts = _parsed(genesis)
    if facts is None or state is None:
        return facts is not None
    if facts.chain_id != state.chain_id:
        return False
    begun, last = facts.genesis_time, state.block_time
    return begun is None or last is None or begun <= last


def _decide(
    genesis_documents: Sequence[Genesis], state: ChainState | None
) -> tuple[Genesis | None, tuple[Genesis, ...]]:
    """The genesis of the most trusted source, or those among which no rule decides."""
    for rank in Rank:
        several = _distinct(genesis_documents, rank)
        if len(several) > 1:
            kin = {name: genesis for name, genesis in several.items() if _shares_validators(genesis, state)}
            several = kin if len(kin) == 1 else several
        if len(several) == 1:
            return next(iter(several.values())), ()
        if several:
            return None, tuple(several.values())
    return None, ()


def _distinct(genesis_documents: Sequence[Genesis], rank: Rank) -> dict[str, Genesis]:
    """Each document of this rank once, with the first source that has it."""
    return {genesis.canonical: genesis for genesis in reversed(genesis_documents) if genesis.rank is rank}


def _shares_validators(genesis: Genesis, state: ChainState | None) -> bool:
    facts = _parsed(genesis)
    if facts is None or state is None:
        return False
    sitting = {power.address for power in (*state.last_validators, *state.validators, *state.next_validators)}
    return any(validator.address in sitting for validator in facts.validators)


def _loom_genesis(
    chosen: Genesis | None, data: Contents, configs: Mapping[str, Contents], looks: Mapping[str, NodeDetails]
) -> Genesis | None:
    """Loom's genesis, from the most trusted source that has one and whose other genesis is the chain's.

    Nothing in the databases tells it. If sources of one rank disagree, nodes without their own get none.
    """
    own = {name: config for name, config in configs.items() if _may_be_of(chosen, config.texts)}
    live = {name: details for name, details in looks.items() if chosen and _is_same(chosen, details.texts)}
    genesis_documents = tuple(_sources(LOOM_GENESIS, data, own, live))
    for rank in Rank:
        several = _distinct(genesis_documents, rank)
        if several:
            return next(iter(several.values())) if len(several) == 1 else None
    return None


def _may_be_of(chosen: Genesis | None, texts: Mapping[str, str]) -> bool:
    """Whether the files are not of another chain; an archive may lack Tendermint's genesis."""
    return chosen is None or TENDERMINT_GENESIS not in texts or _is_same(chosen, texts)


def _is_same(chosen: Genesis, texts: Mapping[str, str]) -> bool:
    return _canonical(texts.get(TENDERMINT_GENESIS)) == chosen.canonical
