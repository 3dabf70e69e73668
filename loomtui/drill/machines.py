"""A practice node's machine: its folders, its stand-ins, its environment, its configuration files."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TOOLS = Path(__file__).parent / "bin"
_PACKAGES = Path(__file__).parents[2]
_MANAGER_TOOLS = ("systemctl", "systemd-run", "systemd-analyze")
_IF_MISSING = {
    "curl": "http_fetch.py curl",
    "wget": "http_fetch.py wget",
    "bzip2": "decompress.py bzip2",
    "gzip": "decompress.py gzip",
    "xz": "decompress.py xz",
    "zstd": "decompress.py zstd",
}
_SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
P2P_PORT = 46656
REDIS_PORT = 6379
_REDIS_NUMBER = 252  # the last part of its address
_FORMER_REDIS = "redis.former.invalid"  # a name that never leads anywhere (RFC 2606)


@dataclass(frozen=True)
class Machine:
    """Where a node lives; everything below `root` is what would be below `/` on a real machine."""

    name: str
    validator: bool
    root: Path
    address: str  # its own on the loopback network
    rpc_port: int
    api_port: int
    hostname: str  # as its backups carry it

    @property
    def home(self) -> Path:
        return self.root / "home/ubuntu"

    @property
    def binary(self) -> Path:
        return self.root / "usr/bin/loom"

    @property
    def unit(self) -> Path:
        return self.root / "etc/systemd/system/loom.service"

    @property
    def config(self) -> Path:
        return self.home / "chaindata/config"

    @property
    def redis(self) -> str:
        """HOST:PORT of the Redis that there is today, on the cluster's network."""
        return f"{self.address.rpartition('.')[0]}.{_REDIS_NUMBER}:{REDIS_PORT}"


def install(machine: Machine, block_seconds: float) -> None:
    """A fresh machine: the programs are there, the service is not configured."""
    for name in (
        "bin",
        "etc/systemd/system",
        "run/systemd",
        "usr/bin",
        "home/ubuntu",
        "tmp",
        "var/log",
        ".practice",
    ):
        (machine.root / name).mkdir(parents=True, exist_ok=True)
    install_loom(machine, block_seconds)
    (machine.root / "bin/loom").symlink_to(machine.binary)
    root = quoted(machine.root)
    for tool in _MANAGER_TOOLS:
        write_program(machine.root / "bin" / tool, f'exec {_manager_call()} {root} {tool} "$PWD" "$@"')
    _python_tool(machine, "journalctl", f"journalctl.py {root}")
    write_program(machine.root / "bin/sudo", f"ROOT={root}\n" + (_TOOLS / "sudo.sh").read_text())
    write_program(machine.root / "bin/hostname", f"echo {quoted(machine.hostname)}")
    write_program(machine.root / "bin/crontab", f'echo "no crontab for {user_name()}" >&2\nexit 1')
    if not machine.validator:
        _install_backup(machine)
    for tool, script in _IF_MISSING.items():
        if shutil.which(tool, path=os.pathsep.join(_SYSTEM_PATH)) is None:
            _python_tool(machine, tool, script)


def install_loom(machine: Machine, block_seconds: float) -> None:
    """The stand-in for the loom program, alone. The folders are there."""
    settings = {"address": machine.address, "block_seconds": block_seconds}
    settings_path = machine.root / ".practice/machine.json"
    settings_path.write_text(json.dumps(settings))
    # Looking for packages takes as long as starting, and so does what -m imports.
    search_path = ":".join([str(_PACKAGES), *(folder for folder in sys.path if folder.startswith("/"))])
    write_program(
        machine.binary,
        f"LOOM_PRACTICE_MACHINE={quoted(settings_path)} PYTHONPATH={quoted(search_path)} PYTHONSAFEPATH=1\n"
        "export LOOM_PRACTICE_MACHINE PYTHONPATH PYTHONSAFEPATH\n"
        f'exec {quoted(sys.executable)} -S -c "import loomtui.drill.node.__main__" "$@"',
    )


def _install_backup(machine: Machine) -> None:
    """backup.sh, the crontab that would start it (there is no cron), and what it has staged before."""
    script = machine.root / "usr/local/bin/backup.sh"
    crontab = machine.root / "etc/cron.d/loom-backup"
    staged = machine.root / "tmp/loom-bu-stage/genesis.json"
    for path in (script, crontab, staged):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_program(script, f"ROOT={quoted(machine.root)}\n" + (_TOOLS / "backup.sh").read_text())
    crontab.write_text(f"# as on a node whose backups are made every hour\n55 * * * * ubuntu {script}\n")
    staged.write_text("{}\n")


def _manager_call() -> str:
    """The quickest program that asks the manager."""
    perl = shutil.which("perl", path=os.pathsep.join(_SYSTEM_PATH))
    if perl is not None:
        return f"{quoted(perl)} {quoted(_TOOLS / 'manager_call.pl')}"
    return f"{quoted(sys.executable)} -I -S {quoted(_TOOLS / 'manager_call.py')}"


def _python_tool(machine: Machine, name: str, call: str) -> None:
    script, _, arguments = call.partition(" ")
    flags = "-I" if script == "decompress.py" else "-I -S"  # zstandard is not of the standard library
    command = f"{quoted(sys.executable)} {flags} {quoted(_TOOLS / script)} {arguments}"
    write_program(machine.root / "bin" / name, f'exec {command} "$@"')


def write_program(path: Path, text: str) -> None:
    """`text`: POSIX shell without its first line."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def quoted(path: object) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def system_tool(name: str) -> str:
    """The path of this machine's own program. Raises FileNotFoundError."""
    path = shutil.which(name, path=os.pathsep.join(_SYSTEM_PATH))
    if path is None:
        raise FileNotFoundError(name)
    return path


def environment(machine: Machine) -> dict[str, str]:
    """Of a login, and of the machine's services."""
    tools = machine.root / ".practice/tools"
    system = [str(tools)] if tools.is_dir() else [folder for folder in _SYSTEM_PATH if Path(folder).is_dir()]
    variables = {
        "HOME": str(machine.home),
        "USER": user_name(),
        "LOGNAME": user_name(),
        "SHELL": "/bin/sh",
        "PATH": ":".join([str(machine.root / "bin"), *system]),
        "TMPDIR": str(machine.root / "tmp"),
        "LANG": "C.UTF-8",
    }
    if (machine.root / ".practice/no-s3").exists():
        variables |= {"http_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1,localhost"}
    return variables


def hide(machine: Machine, tools: list[str]) -> None:
    """The PATH leads to links to everything but these, and to the stand-ins but these. None: all are back."""
    links = machine.root / ".practice/tools"
    hidden = machine.root / ".practice/hidden"
    shutil.rmtree(links, ignore_errors=True)
    if hidden.is_dir():
        for tool in hidden.iterdir():
            tool.rename(machine.root / "bin" / tool.name)
    if not tools:
        return
    links.mkdir()
    hidden.mkdir(exist_ok=True)
    for folder in map(Path, _SYSTEM_PATH):
        for program in folder.iterdir() if folder.is_dir() else ():
            link = links / program.name
            if program.name not in tools and not link.is_symlink():
                link.symlink_to(program)
    for name in tools:
        stand_in = machine.root / "bin" / name
        if stand_in.exists():
            stand_in.rename(hidden / name)


def end_processes(machine: Machine) -> None:
    """Also those that have left their session: whatever was started on the node has its home."""
    mark = b"\0" + os.fsencode(f"HOME={machine.home}") + b"\0"
    is_any_left = True
    while is_any_left:
        is_any_left = False
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in b"\0" + (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
                    is_any_left = True


def user_name() -> str:
    """Whoever runs the practice cluster; containers know some users by number only."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def group_name() -> str:
    try:
        return grp.getgrgid(os.getgid()).gr_name
    except KeyError:
        return str(os.getgid())


def unit_text(machine: Machine, peers: str) -> str:
    """As the official Ansible role writes it, blank lines included."""
    command = f"{machine.binary} run" + (f" --persistent-peers {peers}" if peers else "")
    return f"""

[Unit]
Description=Loom
After=network.target

[Service]
Type=simple
User={user_name()}
Group={group_name()}
WorkingDirectory={machine.home}
ExecStart={command}
Restart=always
RestartSec=2
StartLimitInterval=0
LimitNOFILE=500000
StandardOutput=syslog

[Install]
WantedBy=multi-user.target
"""


def loom_yml(machine: Machine) -> str:
    return f"""ChainID: default
RegistryVersion: 2
DPOSVersion: 3
BootLegacyDPoS: false
RPCListenAddress: "tcp://127.0.0.1:{machine.rpc_port}"
RPCBindAddress: "tcp://127.0.0.1:{machine.api_port}"
BlockchainLogLevel: "error"
LogDestination: ""
AppStore:
  Version: 3
EvmStore:
  DBName: "evm"
"""


def redis_yml() -> str:
    """The part of a loom.yml with the Redis of the former hosts, which is gone."""
    return f"""EventDispatcher:
  Dispatcher: "redis"
  Redis:
    URI: "redis://{_FORMER_REDIS}:{REDIS_PORT}"
"""
