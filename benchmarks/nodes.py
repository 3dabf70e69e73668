"""Nodes to connect to: real sshds on loopback addresses, and behind them stand-ins for Loom and systemd.

Sixteen addresses of 127.0.1.0/24 and the following nets share one sshd, because it listens at no more. All
nodes are one machine: what is measured on them is the client's own work, not that of sixty-four servers.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.claims import Options, Unavailable
from benchmarks.peers import sshd_peer, system_peer

PORT = 24_322
_EACH = 16  # addresses of one sshd: MAX_LISTEN_SOCKS in OpenSSH's sshd.c
_UP_SECONDS = 30.0

_SSHD_CONFIG = """\
{listening}
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/id.pub
StrictModes no
UsePAM no
MaxStartups 1000
MaxSessions 20
UseDNS no
LogLevel ERROR
SetEnv PATH={folder}/bin:/usr/bin:/bin
"""
_SSH_CONFIG = """\
Host *
    User {user}
    Port {port}
    IdentityFile {folder}/id
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode yes
    LogLevel ERROR
"""
_UNIT = """\
# /etc/systemd/system/loom.service
[Service]
User={user}
WorkingDirectory={folder}/work
ExecStart=/usr/bin/loom run
"""
_SHOW = """\
LoadState=loaded
ActiveState=active
SubState=running
MainPID=0
NRestarts=0
ExecStart={{ path=/usr/bin/loom ; argv[]=/usr/bin/loom run ; ignore_errors=no ; pid=0 ; code=(null) }}
WorkingDirectory={folder}/work
User={user}
FragmentPath=/etc/systemd/system/loom.service
UnitFileState=enabled
NeedDaemonReload=no
"""
_STATUS = (
    '{"result": {"node_info": {"id": "34750f98bd59fcfc946da45aaabe933be154a4b5", "network": "default",'
    ' "version": "0.27.3", "moniker": "n"}, "sync_info": {"latest_app_hash": "D6E9",'
    ' "latest_block_height": "\'"$height"\'", "latest_block_time": "2026-11-22T18:48:01.425123Z",'
    ' "catching_up": false}, "validator_info": {"address": "34750F98BD59FCFC946DA45AAABE933BE154A4B5",'
    ' "voting_power": "10"}}}'
)
_NET_INFO = '{"result": {"n_peers": "0", "peers": []}}'
_MEMBERS = (
    '{"result": {"block_height": "\'"$height"\'", "validators":'
    ' [{"address": "34750F98BD59FCFC946DA45AAABE933BE154A4B5", "voting_power": "10"}]}}'
)
#: Answers as the RPC of a node that makes a block a second; no process is started for it.
_CURL = f"""\
mark=
read -r height rest </proc/uptime
height=${{height%%.*}}
while [ $# -gt 0 ]; do
    case $1 in
        --write-out) mark=$2; shift ;;
        */status) printf '%s' '{_STATUS}'; printf "$mark" ;;
        */net_info) printf '%s' '{_NET_INFO}'; printf "$mark" ;;
        */validators) printf '%s' '{_MEMBERS}'; printf "$mark" ;;
    esac
    shift
done
"""


@dataclass(frozen=True)
class Nodes:
    """What a client needs to reach them."""

    addresses: tuple[str, ...]
    folder: Path

    @property
    def inventory(self) -> Path:
        """For loomtui."""
        return self.folder / "inventory.yml"

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F`: user, port, key and known hosts. loomtui's inventory names it, too."""
        return self.folder / "ssh_config"

    @property
    def journal(self) -> Path:
        """A line that is added here comes from every node that is listened to."""
        return self.folder / "journal"

    @property
    def look(self) -> str:
        """The call of the look that loomtui sends, for a shell that has its text as standard input."""
        folder = str(self.folder)
        words = ("loom.service", f"{folder}/work", "/usr/bin/loom", f"{folder}/loom.service", "46657", "-")
        return f"sh -s {' '.join(map(shlex.quote, words))}"


def addresses(count: int) -> tuple[str, ...]:
    return tuple(f"127.0.{1 + number // 240}.{1 + number % 240}" for number in range(count))


@contextlib.contextmanager
def nodes(count: int, options: Options) -> Iterator[Nodes]:
    """They end with the block.

    Raises:
        Unavailable: There is no sshd, or it does not start here.
    """
    ours = Nodes(addresses(count), options.work / "nodes")
    program, libraries = sshd_peer(options.peers)
    _prepare(ours)
    configs = [_sshd_config(ours, number) for number in range(0, count, _EACH)]
    servers = _start(ours, program, libraries, configs)
    try:
        _wait(ours, servers)
        yield ours
    finally:
        servers.communicate()


def _prepare(ours: Nodes) -> None:
    folder = ours.folder
    for name in ("bin", "home", "work", "run"):
        (folder / name).mkdir(parents=True)
    for name in ("id", "host"):
        keygen = [
            system_peer("ssh-keygen"),
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            "",
            "-f",
            str(folder / name),
        ]
        subprocess.run(keygen, check=True)
    fill = {"folder": folder, "user": getpass.getuser(), "port": PORT}
    (folder / "show").write_text(_SHOW.format(**fill))
    (folder / "cat").write_text(_UNIT.format(**fill))
    (folder / "ssh_config").write_text(_SSH_CONFIG.format(**fill))
    public = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text("".join(f"[{name}]:{PORT} {public}" for name in ours.addresses))
    ours.journal.touch()
    _stand_in(
        ours, "systemctl", f"case $1 in show) exec cat {folder}/show ;; cat) exec cat {folder}/cat ;; esac"
    )
    _stand_in(ours, "journalctl", f"exec tail -q -n 0 -F {ours.journal}")
    _stand_in(ours, "curl", _CURL)
    _stand_in(ours, "crontab", "exit 1")
    ours.inventory.write_text(inventory_text(ours))


def _stand_in(ours: Nodes, name: str, body: str) -> None:
    path = ours.folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def inventory_text(ours: Nodes) -> str:
    listed = "".join(
        f"  - {{name: n{number}, host: {address}}}\n" for number, address in enumerate(ours.addresses, 1)
    )
    return f"""\
cluster: benchmark
production: false
s3: {{bucket: none, prefix: none/}}
ssh: {{config_file: {ours.ssh_config}, agent: false, connect_timeout: 60}}
loom: {{working_directory: {ours.folder}/work, unit_path: {ours.folder}/loom.service}}
nodes:
{listed}"""


def _sshd_config(ours: Nodes, first: int) -> Path:
    own = ours.addresses[first : first + _EACH]
    path = ours.folder / f"sshd_config.{first}"
    listening = "\n".join(f"ListenAddress {address}:{PORT}" for address in own)
    path.write_text(_SSHD_CONFIG.format(listening=listening, folder=ours.folder))
    return path


def _start(ours: Nodes, program: Path, libraries: Path, configs: list[Path]) -> subprocess.Popen[bytes]:
    """All in one process group, which ends when this process closes its standard input, or is killed.

    As root they see accounts of their own, whose home has no start-up files.
    """
    serve = [f"{shlex.quote(str(program))} -D -e -f {shlex.quote(str(config))} &" for config in configs]
    lines, apart = [*serve, "read -r _", "kill -TERM 0"], list[str]()
    if os.geteuid() == 0:
        lines, apart = [*_accounts(ours), *lines], [system_peer("unshare"), "--mount"]
    with (ours.folder / "said").open("wb") as said:
        return subprocess.Popen(
            [*apart, "sh", "-c", "\n".join(lines)],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            env={**os.environ, "LD_LIBRARY_PATH": str(libraries)},
            start_new_session=True,
        )


def _accounts(ours: Nodes) -> list[str]:
    """Shell lines that give the servers an account without a past, and what sshd wants of the machine."""
    folder = shlex.quote(str(ours.folder))
    (ours.folder / "passwd").write_text(
        f"root:x:0:0::{ours.folder}/home:/bin/sh\nsshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n"
        "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
    )
    (ours.folder / "shadow").write_text("root:*:19000:0:99999:7:::\n")
    return [
        "set -e",
        f"mount --bind {folder}/passwd /etc/passwd",
        f"mount --bind {folder}/shadow /etc/shadow",
        "mount -t tmpfs -o mode=755 none /run",
        "mkdir /run/sshd",
        "set +e",
    ]


def _wait(ours: Nodes, servers: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _UP_SECONDS
    for address in ours.addresses[::_EACH]:
        while True:
            with contextlib.suppress(OSError), socket.create_connection((address, PORT), 1):
                break
            if servers.poll() is not None or time.monotonic() > deadline:
                said = (ours.folder / "said").read_text(errors="replace").strip().splitlines()
                raise Unavailable(f"sshd did not start: {(said or ['it says nothing'])[-1]}")
            time.sleep(0.05)
