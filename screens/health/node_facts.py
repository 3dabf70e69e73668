"""All that is known of a node, in words. Pure: it makes text from statuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from textual.content import Content

from loomtui.fleet.probes.log_line import LogLine
from loomtui.fleet.probes.node_status import NodeDetails, NodeStatus
from loomtui.loom.logs import Severity, explain
from loomtui.wording.quantities import NOTHING, ago, number, offset, size, time_of
from screens.text import content
from screens.text.words import Tone, node_mark, short_id


def status_strip(name: str, status: NodeStatus | None, now: datetime) -> Content:
    """Three lines on the marked node, for which the table's columns have no room."""
    if status is None:
        return content.lines([content.row(content.line(name, Tone.STRONG), "  not looked at yet")])
    key = status.node_key
    head = content.row(
        content.line(f"{name}  ", Tone.STRONG),
        content.mark(node_mark(status)),
        f"  {status.role.value}  ID {(key.node_id or key.problem or NOTHING) if key else NOTHING}",
    )
    facts = (
        f"Loom {status.version or NOTHING}  clock {offset(status.clock_offset_seconds)}  "
        f"free {size(status.disk_free_bytes)} of {size(status.disk_total_bytes)}  "
        f"seen {ago(status.at, now)} ago"
    )
    return content.lines([head, content.line(facts), _trouble_line(status)])


def _trouble_line(status: NodeStatus) -> Content:
    """What explains the rest comes first, because a node that is held gives no answer either."""
    hold = status.service.hold if status.service else None
    trouble = (
        status.error or hold or status.chain_error or (f"locked by {status.lock}" if status.lock else "")
    )
    return content.line(trouble, Tone.WARN) if trouble else content.line("no errors seen", Tone.DIM)


Section = tuple[str, Iterable[Content]]


def sections(titled: Iterable[Section]) -> Content:
    """All sections, each under its title."""
    lines: list[Content | str] = []
    for title, section_lines in titled:
        lines += [content.text(title, Tone.ACCENT), *section_lines, ""]
    return content.lines(lines)


def status_sections(status: NodeStatus, details: NodeDetails | None, now: datetime) -> Iterator[Section]:
    """What the looks tell."""
    yield "Node", _node_facts(status, now)
    yield "Service", _service_facts(status, now)
    yield "Chain", _chain_facts(status)
    yield "Identity", _identity_facts(status, details)
    yield "On the disk", _disk_facts(status, details)


def unit_section(status: NodeStatus) -> Section:
    """What systemd has in force, drop-ins included."""
    return "Unit", _unit_lines(status)


_SIGNS = {Severity.WARNING: "▲", Severity.ERROR: "✗", Severity.CRITICAL: "‼"}
_SIGN_TONES = {Severity.WARNING: Tone.WARN, Severity.ERROR: Tone.BAD, Severity.CRITICAL: Tone.BAD}


def log_section(lines: tuple[LogLine, ...] | None, problem: str = "") -> Section:
    """The last lines of the log. None means that they were not read yet."""
    return "Last log lines", _log_lines(lines, problem)


def _log_lines(lines: tuple[LogLine, ...] | None, problem: str) -> Iterator[Content]:
    if problem:
        yield content.text(problem, Tone.WARN)
    elif lines is None:
        yield content.text("Reading …", Tone.DIM)
    elif not lines:
        yield content.text("None. A healthy node is almost silent.", Tone.DIM)
    for line in lines or ():
        explanation = None if line.notice else explain(line.text)
        sign = _SIGNS.get(explanation.severity, " ") if explanation else " "
        tone = _SIGN_TONES.get(explanation.severity, Tone.PLAIN) if explanation else Tone.PLAIN
        yield content.row(
            content.line(f"{line.at:%H:%M:%S} ", Tone.DIM), content.line(f"{sign} {line.text}", tone)
        )


def _node_facts(status: NodeStatus, now: datetime) -> Iterator[Content]:
    yield content.fact("State", content.mark(node_mark(status)))
    yield content.fact("Role", status.role.value)
    yield content.fact("Seen", f"{time_of(status.at)}, {ago(status.at, now)} ago")
    yield content.fact("Clock", f"{offset(status.clock_offset_seconds)} from this machine's")
    if status.lock:
        yield content.fact("Lock", content.text(status.lock, Tone.WARN))
    for job in status.suspended:
        yield content.fact("Suspended", content.text(f"by run {job}", Tone.WARN))
    if status.error:
        yield content.fact("Error", content.text(status.error, Tone.BAD))


def _service_facts(status: NodeStatus, now: datetime) -> Iterator[Content]:
    service = status.service
    if service is None:
        yield content.text("not known", Tone.DIM)
        return
    restarts_text = "not told by this systemd" if service.restarts is None else str(service.restarts)
    yield content.fact("Unit", f"{service.unit}, {service.load_state}")
    yield content.fact("systemd says", f"{service.active.value} ({service.sub})")
    yield content.fact("Since", f"{time_of(service.since)}, {ago(service.since, now)}")
    yield content.fact(
        "Main process",
        f"{service.main_pid or 'none'}, restarts {restarts_text}",
    )
    if service.need_reload:
        yield content.fact(
            "Attention", content.text("the unit file changed: daemon-reload is missing", Tone.WARN)
        )
    if service.held:
        yield content.fact("Held", content.text(service.held, Tone.WARN))


def _chain_facts(status: NodeStatus) -> Iterator[Content]:
    chain = status.chain
    if chain is None:
        yield content.fact("RPC", content.text(status.chain_error or "no answer", Tone.WARN))
        return
    yield content.fact("Height", f"{number(chain.height)}{', catching up' if chain.catching_up else ''}")
    yield content.fact("Block time", time_of(chain.block_time))
    yield content.fact("App hash", chain.app_hash or NOTHING)
    yield content.fact(
        "Peers", f"{number(chain.peers)}: {', '.join(map(short_id, chain.peer_ids)) or 'none'}"
    )
    yield content.fact("Network", f"{chain.network}, Tendermint {chain.version}, moniker {chain.moniker}")
    yield content.fact("Validator", f"{chain.address or NOTHING}, voting power {number(chain.voting_power)}")


def _identity_facts(status: NodeStatus, details: NodeDetails | None) -> Iterator[Content]:
    key, validator = status.node_key, status.validator
    yield content.fact("Node ID", (key.node_id or key.problem or NOTHING) if key else NOTHING)
    if details is not None:
        reported = details.reported_node_id or details.reported_problem or NOTHING
        yield content.fact("loom nodekey", reported)
    for led in status.led:
        yield content.fact("config.toml", content.text(led.text, Tone.WARN))
    if validator is not None:
        signing = validator.signing
        yield content.fact("Validator", validator.address or validator.problem or NOTHING)
        yield content.fact("Last signed", f"height {number(signing.height)}" if signing else NOTHING)


def _disk_facts(status: NodeStatus, details: NodeDetails | None) -> Iterator[Content]:
    yield content.fact("Free", f"{size(status.disk_free_bytes)} of {size(status.disk_total_bytes)}")
    if details is None:
        return
    yield content.fact("Folder", f"{details.working_directory}, user {details.user}")
    for name, size_bytes in details.databases.items():
        yield content.fact("", f"{name}  {size(size_bytes)}")
    for job in details.backups.jobs:
        yield content.fact("Backup job", content.text(str(job), Tone.WARN))
    if details.backups.staging:
        yield content.fact("Staging", f"{details.backups.staging} of backup.sh")


def _unit_lines(status: NodeStatus) -> Iterator[Content]:
    if status.unit is None:
        yield content.text("not read", Tone.DIM)
        return
    for problem in status.unit.problems:
        yield content.text(problem, Tone.WARN)
    for file in status.unit.files:
        yield content.text(file.path, Tone.DIM)
        yield content.masked(file.text.rstrip("\n"))
