"""Compares every node's identity with every reference to it, and makes the unit files that would be right."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from loomtui.errors import LoomtuiError
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.probes.probe import identity_details
from loomtui.inventory.model import Inventory, Node
from loomtui.loom.config import read_config_toml
from loomtui.loom.corrections import corrected
from loomtui.loom.databases import TENDERMINT_CONFIG
from loomtui.loom.identity import Directory
from loomtui.loom.references import KeyReport, NodeFacts, compare
from loomtui.loom.unit_change import change_of, file_to_change
from loomtui.restore.plan import NodePlan, Plan
from loomtui.restore.planning.config_choices import unified_diff


@dataclass(frozen=True)
class ServiceFix:
    """What would have to change in one node's unit. If nothing has to, `after` equals `before`."""

    node: str
    path: str  # of the file that holds the command in force
    before: str
    after: str
    diff: str
    problem: str | None = None  # why it cannot be changed by loomtui

    @property
    def needed(self) -> bool:
        return self.before != self.after or self.problem is not None


def digest_of(text: str) -> str:
    """SHA-256 hex, by which a unit's text is known in plans and approvals."""
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Compared:
    """What one look at all identities told."""

    report: KeyReport
    errors: Mapping[str, LoomtuiError]  # why some nodes could not be looked at
    details: Mapping[str, NodeDetails]
    at: float  # by our monotonic clock, in seconds


async def gather(
    inventory: Inventory,
    fleet: Fleet,
    *,
    plan: Plan | None = None,
) -> tuple[KeyReport, Mapping[str, LoomtuiError]]:
    """The report over the whole inventory, and why some nodes could not be looked at.

    If there is a plan, the former identities of its nodes are known, so that references to them can be
    mapped.
    """
    compared = await look_and_compare(inventory, fleet, plan)
    return compared.report, compared.errors


async def look_and_compare(
    inventory: Inventory, fleet: Fleet, plan: Plan | None = None, *, stopped: Container[str] = ()
) -> Compared:
    """As `gather`, with what was seen. `stopped`: nodes whose services do not run."""
    looks = await identity_details(fleet, inventory.names, stopped)
    at = time.monotonic()
    errors = {name: result for name, result in looks.items() if isinstance(result, LoomtuiError)}
    details = {name: result for name, result in looks.items() if isinstance(result, NodeDetails)}
    planned = {node.name: node for node in plan.nodes} if plan else {}
    facts = [
        with_history(facts_of(inventory, node, looks.get(node.name)), planned.get(node.name))
        for node in inventory.nodes
    ]
    return Compared(compare(facts), errors, details, at)


def facts_of(inventory: Inventory, node: Node, details: NodeDetails | LoomtuiError | None) -> NodeFacts:
    """What is known of a node by a look, or else from the inventory alone."""
    port = inventory.loom_of(node).ports.p2p
    if not isinstance(details, NodeDetails):
        return NodeFacts(node.name, node.role, node.peer_address, port, node_id=None, seen=False)
    status = details.status
    of_file = status.node_key.node_id if status.node_key else None
    return NodeFacts(
        name=node.name,
        role=node.role,
        address=node.peer_address,
        port=port,
        node_id=details.reported_node_id or of_file,
        file_id=of_file,
        key_problem=status.node_key.problem if status.node_key else None,
        reported=details.reported_node_id,
        reported_problem=details.reported_problem,
        unit=status.unit,
        listen_port=read_config_toml(details.texts.get(TENDERMINT_CONFIG, "")).p2p_port,
        addrbook=details.addrbook,
        connected=status.chain.peer_ids if status.chain and status.chain.peers is not None else None,
    )


def with_history(facts: NodeFacts, planned: NodePlan | None) -> NodeFacts:
    """Adds the identities and addresses that the node had, which its plan has from the backups."""
    if planned is None:
        return facts
    return replace(
        facts,
        former_ids=frozenset(planned.former_ids),
        former_addresses=frozenset(planned.former_addresses),
    )


def service_fixes(report: KeyReport) -> tuple[ServiceFix, ...]:
    """What would have to change in the unit of each node of the report that has a unit."""
    known = Directory(report.everyone)
    return tuple(
        service_fix(node, known.nodes, known)
        for node in report.nodes
        if node.unit is not None and node.unit.files
    )


def service_fix(node: NodeFacts, nodes: Sequence[NodeFacts], known: Directory | None = None) -> ServiceFix:
    """What would have to change in the unit of a node that has one, judged by all nodes.

    `known` is their directory, if it was made already.
    """
    unit = node.unit
    assert unit is not None  # noqa: S101 - the caller has seen to it
    values = corrected(node, nodes, known)
    path = file_to_change(unit, values)
    before = unit.text_of(path)
    if not values:
        return ServiceFix(node.name, path, before, before, "")
    try:
        after = change_of(unit, path, values)
    except ValueError as error:
        return ServiceFix(node.name, path, before, before, "", str(error))
    return ServiceFix(node.name, path, before, after, unified_diff(before, after, path))
