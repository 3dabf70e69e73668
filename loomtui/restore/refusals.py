"""Why a plan must not be run as it is, from what was seen of the nodes and the archives. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from loomtui.backups.databases import torn_heights
from loomtui.errors import LoomtuiError
from loomtui.fleet.looks import UNREADABLE
from loomtui.fleet.status import Active, NodeDetails
from loomtui.loom.databases import NODE_KEY, TENDERMINT_GENESIS, VALIDATOR
from loomtui.loom.genesis import read_tendermint_genesis
from loomtui.restore.choosing import missing_evm
from loomtui.restore.plan import Scope, SigningAction, SigningChoice
from loomtui.restore.seen import Seen
from loomtui.text import clean_line


def refusals_of(seen: Seen, *, needs_evm: bool) -> list[str]:
    """One sentence a reason."""
    return [
        *_data(seen, needs_evm),
        *_chains(seen),
        *_nodes(seen),
        *_left_out(seen),
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
        yield f"nodes and data are of different chains ({told})"


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
            yield f"{name}: {' and '.join(closed)} cannot be read, so whether it is lost is not known"
        if not details.same_filesystem:
            yield (
                f"{name}: some of its databases lie on another file system than {details.working_directory}: "
                "they could not be swapped in one step, nor back"
            )


def _left_out(seen: Seen) -> Iterator[str]:
    if seen.scope is not Scope.CLUSTER:
        return
    for name, look in seen.left_out.items():
        if _is_active(look):
            yield (
                f"{name} is not in the plan and runs: it would give the abandoned blocks back to the others. "
                "Restore it too, or stop it first"
            )


def _is_active(look: NodeDetails | LoomtuiError) -> bool:
    if isinstance(look, LoomtuiError) or look.status.service is None:
        return False
    return look.status.service.active not in {Active.INACTIVE, Active.FAILED}


def unseen(seen: Seen) -> Iterator[str]:
    """Warnings about nodes that are neither in the plan nor could be looked at."""
    for name, look in seen.left_out.items():
        if isinstance(look, LoomtuiError) and seen.scope is Scope.CLUSTER:
            yield (
                f"{name} is not in the plan and could not be looked at: if it runs, it gives the abandoned "
                "blocks back to the others"
            )


def raise_refusals(seen: Seen, signing: Mapping[str, SigningChoice]) -> list[str]:
    """A signing state that was lost while the chain lived on may be raised only when that is confirmed."""
    return [
        f"{name} lost its signing state: {choice.reason}. Only when its old machine is dead for certain; "
        "confirm with the cluster's name"
        for name, choice in signing.items()
        if choice.action is SigningAction.RAISE and not seen.choices.reset_signing
    ]
