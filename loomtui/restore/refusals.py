"""Why a plan must not be run as it is, from what was seen of the nodes and the archives. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from loomtui.backups.databases import torn_heights
from loomtui.fleet.looks import UNREADABLE
from loomtui.loom.databases import NODE_KEY, TENDERMINT_GENESIS, VALIDATOR
from loomtui.loom.genesis import read_tendermint_genesis
from loomtui.restore.choosing import missing_evm
from loomtui.restore.seen import Seen
from loomtui.text import clean_line


def refusals_of(seen: Seen, *, needs_evm: bool) -> list[str]:
    """One sentence a reason."""
    return [
        *_data(seen, needs_evm),
        *_chains(seen),
        *_nodes(seen),
    ]


def _data(seen: Seen, needs_evm: bool) -> Iterator[str]:
    data = seen.chosen.data
    no_evm = missing_evm(data)
    if needs_evm and no_evm:
        yield no_evm
    torn = torn_heights(data.app_height, data.state_height, data.store_height)
    if torn:
        yield f"{clean_line(data.backup.key)} is torn: every node would refuse to start. {torn}"


def _chains(seen: Seen) -> Iterator[str]:
    """Loom takes its chain ID from the file, Tendermint from its database: both must be of one chain."""
    found: dict[str, list[str]] = {}
    for name, details in seen.details.items():
        config = seen.chosen.config.get(name)
        restored = config.texts.get(TENDERMINT_GENESIS) if config is not None else None
        chain = _chain_id(restored or details.texts.get(TENDERMINT_GENESIS))
        if chain is not None:
            found.setdefault(chain, []).append(name)
    if seen.chosen.data.chain_id is not None:
        found.setdefault(seen.chosen.data.chain_id, []).append(clean_line(seen.chosen.data.backup.key))
    if len(found) > 1:
        told = "; ".join(f"{chain}: {', '.join(names)}" for chain, names in sorted(found.items()))
        yield f"nodes and data are of different chains ({told}). Choose other backups (--data, --map)"


def _chain_id(text: str | None) -> str | None:
    try:
        return clean_line(read_tendermint_genesis(text).chain_id, limit=100) if text else None
    except ValueError:
        return None


def _nodes(seen: Seen) -> Iterator[str]:
    for name, details in seen.details.items():
        keys = {NODE_KEY: details.status.node_key, VALIDATOR: details.status.validator}
        closed = [path for path, facts in keys.items() if facts is not None and facts.problem == UNREADABLE]
        if closed:
            yield (
                f"{name}: {' and '.join(closed)} cannot be read, so whether it is lost is not known. "
                "Plan as somebody with root rights there"
            )
        if not details.same_filesystem:
            yield (
                f"{name}: some of its databases lie on another file system than {details.working_directory}: "
                "they could not be swapped in one step, nor back. Move them together, or leave it out"
            )
