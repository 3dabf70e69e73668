"""What it costs to look at many nodes: the first time, against other tools, and again and again."""

from __future__ import annotations

import base64
import json
import shlex
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.claims import Aim, Claim, Measurement, Options, Samples, Unit
from benchmarks.nodes import PORT, Nodes, nodes
from benchmarks.peers import python_peer, system_peer
from benchmarks.spent import FailedError, Spent, as_installed, spent
from loomtui.fleet.scripts import InspectScript, script_text

_MANY, _FEW = 64, 8
_AT_ONCE = 64  # connections that a peer makes at a time
_LOOK = script_text(InspectScript("status"))
_LAST_FACT = "clock.end"  # of each node's answer
#: The key exchange that loomtui negotiates. OpenSSH's own choice resists quantum computers and costs more.
_KEY_EXCHANGE = "-o KexAlgorithms=curve25519-sha256"
_FIRST_LIMIT = (
    "One key exchange and one signature a node, and the start of Python and its libraries. All processes of"
    " each client are counted. The peers send the same look and keep its answer as text."
)


@dataclass(frozen=True)
class _Call:
    """One call of a peer."""

    ours: Nodes
    scratch: Path  # a folder of its own
    options: Options
    more: str  # for ssh, besides the usual

    @property
    def ssh_options(self) -> str:
        return f"-F {shlex.quote(str(self.ours.ssh_config))} {self.more}".strip()

    @property
    def environment(self) -> dict[str, str]:
        return as_installed(self.options.peers)


_Peer = Callable[[_Call], Spent]


def _ssh(call: _Call) -> Spent:
    """`ssh` for each node, so many at once, by xargs(1)."""
    script = call.scratch / "look.sh"
    script.write_text(_LOOK)
    one = f"{system_peer('ssh')} {call.ssh_options} {{}} {shlex.quote(call.ours.look)} < {script}"
    command = [system_peer("xargs"), f"-P{_AT_ONCE}", "-I{}", "sh", "-c", one]
    return spent(command, given="\n".join(call.ours.addresses))


def _clush(call: _Call) -> Spent:
    program = str(python_peer("clush", call.options.peers))
    ssh, listed = f"ssh_options={call.ssh_options}", ",".join(call.ours.addresses)
    command = [program, f"-f{_AT_ONCE}", "-O", ssh, "-w", listed, call.ours.look]
    return spent(command, given=_LOOK, environment=call.environment)


def _ansible(call: _Call) -> Spent:
    """Its `raw` module, which needs least: the script is a part of the command, and nothing is copied."""
    hosts = call.scratch / "hosts"
    hosts.write_text("".join(f"{address} ansible_port={PORT}\n" for address in call.ours.addresses))
    packed = base64.b64encode(_LOOK.encode()).decode()
    look = f"printf %s {packed} | base64 -d | {call.ours.look}"
    environment = {
        **call.environment,
        "ANSIBLE_SSH_ARGS": f"{call.ssh_options} -o ControlMaster=no",
        "ANSIBLE_LOCAL_TEMP": str(call.scratch / "local"),
        "ANSIBLE_HOME": str(call.scratch / "home"),
        "ANSIBLE_NOCOLOR": "1",
    }
    program = str(python_peer("ansible", call.options.peers))
    command = [program, "all", "-i", str(hosts), f"-f{_AT_ONCE}", "-m", "raw", "-a", look]
    return spent(command, environment=environment, folder=call.scratch)


def _loomtui(ours: Nodes, how: str, options: Options) -> Spent:
    command = [sys.executable, "-m", "benchmarks.looking", how, str(ours.inventory)]
    return spent(command, environment=as_installed(options.peers))


def _asked(peer: _Peer, label: str, ours: Nodes, options: Options, more: str = "") -> Spent:
    """Raises FailedError where not all nodes have answered."""
    with tempfile.TemporaryDirectory(dir=options.work) as scratch:
        used = peer(_Call(ours, Path(scratch), options, more))
    answered = used.output.count(_LAST_FACT)
    if answered != len(ours.addresses):
        raise FailedError(f"{label} has the answers of {answered} of {len(ours.addresses)} nodes")
    return used


def _first_look(peer: _Peer, label: str) -> Callable[[Options], Measurement]:
    def measure(options: Options) -> Measurement:
        sides: tuple[list[float], ...] = ([], [], [])
        with nodes(_FEW if options.small else _MANY, options) as ours:
            _loomtui(ours, "once", options)  # what Python compiles at its first start
            for _ in range(1 if options.small else options.rounds):
                used = (
                    _loomtui(ours, "once", options),
                    _asked(peer, label, ours, options),
                    _asked(peer, label, ours, options, _KEY_EXCHANGE),
                )
                for side, one in zip(sides, used, strict=True):
                    side.append(1000 * one.cpu_seconds / len(ours.addresses))
        same = statistics.median(sides[2])
        return Measurement(
            Samples("loomtui, a node", Unit.CPU_MILLISECONDS, tuple(sides[0])),
            Samples(f"{label}, a node", Unit.CPU_MILLISECONDS, tuple(sides[1])),
            f"{_FIRST_LIMIT} {label} uses OpenSSH's own choice of a key exchange; told to use the one that"
            f" loomtui uses (curve25519), it takes {same:.1f} ms a node.",
        )

    return measure


def refreshes(options: Options) -> Measurement:
    """Seconds of one refresh of all nodes over open connections; each round is a client of its own."""
    seconds: dict[str, list[float]] = {"exec": [], "stay": []}
    with nodes(_FEW if options.small else _MANY, options) as ours:
        for _ in range(1 if options.small else options.rounds):
            for line in _loomtui(ours, "again", options).output.splitlines():
                told = json.loads(line)
                seconds[told["kind"]].append(told["seconds"])
    return Measurement(
        Samples("a command for each node", Unit.SECONDS, tuple(seconds["exec"])),
        Samples("over the shells that stay", Unit.SECONDS, tuple(seconds["stay"])),
        "The processes that a look starts on the nodes, which share this machine's cores with the client:"
        " systemctl, stat, curl and base64.",
    )


def _against(name: str, peer: _Peer, label: str) -> Claim:
    return Claim(
        f"first-look-{name}",
        f"Connecting to {_MANY} nodes and looking at each takes less of the client's CPU than {label}.",
        Aim.AT_MOST,
        1.0,
        _first_look(peer, label),
    )


CLAIMS = (
    _against("ssh", _ssh, "ssh in parallel"),
    _against("clush", _clush, "clush"),
    _against("ansible", _ansible, "ansible"),
    Claim(
        "refresh",
        f"A refresh of {_MANY} nodes is faster over a shell that stays on each than by a command for each.",
        Aim.AT_LEAST,
        8.0,
        refreshes,
    ),
)
