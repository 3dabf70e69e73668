"""`loomtui status`: how the cluster is, judged over as many looks as it takes to see heights grow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from loomtui.cli.asking import prompter
from loomtui.cli.output import Cell, print_json, print_json_line, say, state_cell, table
from loomtui.cli.settings import Settings, inventory_option, json_option, run_async
from loomtui.wording.quantities import NOTHING, count, number, size, time_of, timestamp

if TYPE_CHECKING:
    from loomtui.engine.api import Engine
    from loomtui.fleet.probes.findings import Findings
    from loomtui.fleet.probes.node_status import ClusterStatus, NodeStatus, ServiceState
    from loomtui.inventory import Inventory
    from loomtui.loom.connected import Connections
    from loomtui.loom.diagnosis import Diagnosis
    from loomtui.loom.health import Verdict

_BETWEEN_LOOKS = 1.5  # seconds: a little more than a block takes
_WATCH_EVERY = 5.0
_REMEMBERED = 20  # looks


@click.command()
@inventory_option
@json_option()
@click.option("--watch", is_flag=True, help="Look again and again. With --json, print one document a line.")
@click.pass_obj
def status(settings: Settings, as_json: bool, watch: bool) -> int:
    """Look at every node: service, height, peers, identity, disk."""
    return run_async(_status(settings.inventory(), as_json=as_json, watch=watch))


async def _status(inventory: Inventory, *, as_json: bool, watch: bool) -> int:
    from loomtui.cli.views import status_document
    from loomtui.engine.live import LiveEngine, opened

    code = 0
    async with opened(LiveEngine(inventory), prompter(batch=as_json)) as engine:
        why = _Why(engine)
        async for cluster, verdict in _judged(engine, watch=watch):
            code = _exit_status(cluster, verdict)
            causes = await why.ask(cluster, verdict)
            if not as_json:
                _show(inventory, cluster, verdict, causes, clear=watch)
            elif watch:
                print_json_line(status_document(inventory, cluster, verdict, causes))
            else:
                print_json(status_document(inventory, cluster, verdict, causes))
    return code


class _Why:
    """Asks, once for each trouble, for the keys and the last log lines, as the health screen does."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._found: Findings | None = None

    async def ask(self, cluster: ClusterStatus, verdict: Verdict) -> tuple[Diagnosis, ...]:
        from loomtui.engine.findings import gather_findings
        from loomtui.fleet.probes.findings import explained, worth_asking

        if not worth_asking(verdict):
            self._found = None
            return ()
        if self._found is None:
            self._found = await gather_findings(self._engine, datetime.now(UTC))
        statuses = {node.name: node for node in cluster.nodes}
        return explained(self._engine.inventory, statuses, verdict, self._found)


async def _judged(engine: Engine, *, watch: bool) -> AsyncIterator[tuple[ClusterStatus, Verdict]]:
    """One judged status, taken over several looks where one does not tell; with `watch`: without end."""
    from loomtui.loom.health import PATIENCE, ClusterState

    looks = [await engine.status()]
    while True:
        verdict = engine.judge(looks)
        waited = looks[-1].at - looks[0].at
        if watch or verdict.state is not ClusterState.UNKNOWN or waited > PATIENCE:
            yield looks[-1], verdict
            if not watch:
                return
        await asyncio.sleep(_WATCH_EVERY if watch else _BETWEEN_LOOKS)
        looks = [*looks[-_REMEMBERED:], await engine.status(looks[-1])]


def _exit_status(cluster: ClusterStatus, verdict: Verdict) -> int:
    from loomtui.loom.health import ClusterState

    if any(node.refused for node in cluster.nodes):
        return 3
    if not any(node.reachable for node in cluster.nodes):
        return 4
    return 0 if verdict.state is ClusterState.HEALTHY else 1


def _show(
    inventory: Inventory,
    cluster: ClusterStatus,
    verdict: Verdict,
    causes: tuple[Diagnosis, ...],
    *,
    clear: bool,
) -> None:
    from loomtui.loom.diagnosis import headline
    from loomtui.wording.states import cluster_state, production_mark
    from loomtui.wording.ways import WAYS

    if clear:
        click.clear()
    mark = f" ({production_mark(True)})" if inventory.production else ""
    state = state_cell(cluster_state(verdict.state))
    head = headline(verdict, causes)
    say(f"{inventory.cluster}{mark}: {state.text}. {head.sentence}", colour=state.colour, bold=True)
    for way in head.ways:
        say(f"  Do next: {WAYS[way].command}  {WAYS[way].does}", bold=True)
    for reason in verdict.reasons:
        say(f"  {reason}")
    for cause in causes:
        say(f"  {cause.meaning}")
        for fact in cause.evidence:
            say(f"    {fact}")
        say(f"    Do next: {cause.advice.text}")
    say(f"{time_of(cluster.at)}, {count(len(cluster.nodes), 'node')}")
    say()
    header = ("NODE", "ROLE", "SERVICE", "SINCE (UTC)", "HEIGHT", "PEERS", "DISK FREE", "LOOM", "NODE ID")
    table(header, [_row(node, cluster) for node in cluster.nodes])
    remarks = [f"{node.name}: {text}" for node in cluster.nodes for text in _remarks(node, cluster)]
    if remarks:
        say()
    for remark in remarks:
        say(remark)


def _row(node: NodeStatus, cluster: ClusterStatus) -> tuple[Cell | str, ...]:
    from loomtui.wording.states import node_state

    if not node.reachable:
        return (node.name, node.role.value, state_cell(node_state(node)), *(NOTHING,) * 6)
    chain, service, key = node.chain, node.service, node.node_key
    return (
        node.name,
        node.role.value,
        _service(service),
        timestamp(service.since if service else None),
        number(chain.height if chain else None),
        _peers(cluster.connections(node.name)),
        size(node.disk_free_bytes),
        node.version or NOTHING,
        (key.node_id or NOTHING)[:12] if key else NOTHING,
    )


def _peers(connections: Connections | None) -> str:
    """The connections to the other validators, counted by identity."""
    if connections is None:
        return NOTHING
    return f"{connections.possible}/{connections.expected}{'' if connections.certain else '?'}"


def _service(service: ServiceState | None) -> Cell:
    """The state, with systemd's own word if that says more."""
    from loomtui.wording.states import service_state

    cell = state_cell(service_state(service))
    sub = service.sub if service else ""
    return cell if not sub or sub in cell.text else Cell(f"{cell.text} ({sub})", cell.colour)


def _remarks(node: NodeStatus, cluster: ClusterStatus) -> list[str]:
    service, key, validator = node.service, node.node_key, node.validator
    remarks = [node.error, f"the chain did not answer: {node.chain_error}" if node.chain_error else None]
    remarks.append(f"locked by {node.lock}" if node.lock else None)
    remarks.append(node.holder.ways if node.holder is not None and not (service and service.hold) else None)
    remarks.append(service.hold if service else None)
    remarks += [f"backup job suspended until the node is given back: run {job}" for job in node.suspended]
    remarks.append(
        "its unit file changed; daemon-reload is missing" if service and service.need_reload else None
    )
    remarks.append(f"node key: {key.problem}" if key and key.problem else None)
    remarks += [led.text for led in node.led]
    remarks.append(f"validator key: {validator.problem}" if validator and validator.problem else None)
    connections = cluster.connections(node.name)
    remarks += connections.remarks if connections else ()
    return [remark for remark in remarks if remark]
