"""What the scripts that look print of a LocalNode, told from here: they take most of the time of a restore.
Both say the same, test_looks.py sees to it. Jobs at work are not told of: nodes that fetch are not quick."""

from __future__ import annotations

import base64
import json
import os
import pwd
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from loomtui.loom.databases import BLOCK_DATA, NEEDED_DATABASES, NODE_KEY, STATE_NAMES, VALIDATOR
from loomtui.loom.nodekey import read_node_key
from loomtui.loom.validator import read_validator

if TYPE_CHECKING:
    from tests.restore.local import LocalNode

Fact = tuple[str, str | bytes]
Args = tuple[str, ...]


def answer(machine: LocalNode, script: str, args: tuple[str, ...]) -> bytes | None:
    """None: the script itself has to say it."""
    look = _LOOKS.get(script)
    if look is None or (look is _backup_jobs and machine.has_backups):
        return None
    lines = []
    for name, value in look(machine, args):
        data = value.encode() if isinstance(value, str) else value
        lines.append(f"{name} {base64.b64encode(data).decode()}\n")
    return "".join(lines).encode()


def _status(machine: LocalNode, args: Args) -> Iterator[Fact]:
    yield "show", "".join(f"{name}={value}\n" for name, value in machine.properties().items())
    if machine.unit.is_file():
        yield "cat", _cat(machine)
    yield "dir", str(machine.workdir)
    yield "host", os.uname().nodename
    for name, path in (("hold", machine.hold), ("lock", machine.lock)):
        if path.is_file():
            yield name, path.read_bytes()
    for key, usual in (
        ("db_dir", BLOCK_DATA),
        ("node_key_file", NODE_KEY),
        ("priv_validator_file", VALIDATOR),
    ):
        yield f"place/{key}", str(machine.workdir / usual)
    yield from _node_key(machine.config / "node_key.json")
    yield from _validator(machine.config / "priv_validator.json")
    there = [name for name in NEEDED_DATABASES if (machine.workdir / name / "CURRENT").is_file()]
    yield from (("database", name) for name in there)
    if machine.workdir.is_dir():
        yield "databases", "seen"
    yield "rpc.address", "127.0.0.1:46657"
    yield "rpc.tool", "none"
    yield "disk", "1000000,500000"


def _cat(machine: LocalNode) -> str:
    files = [machine.unit, *sorted(machine.hold.parent.glob("*.conf"))]
    return "\n".join(f"# {path}\n{path.read_text()}" for path in files)


def _node_key(path: Path) -> Iterator[Fact]:
    if not path.is_file():
        yield "node_key.state", "missing"
        return
    yield "node_key.state", "good"
    yield "node_key.type", "tendermint/PrivKeyEd25519"
    yield "node_key.public", read_node_key(path.read_text()).public_key or ""


def _validator(path: Path) -> Iterator[Fact]:
    if not path.is_file():
        yield "validator.state", "missing"
        return
    facts, document = read_validator(path.read_text()), json.loads(path.read_text())
    yield "validator.state", "good"
    yield "validator.address", str(document.get("address", ""))
    yield "validator.public", facts.public_key or ""
    for name in ("last_height", "last_round", "last_step"):
        if name in document:
            yield f"validator.{name}", str(document[name])
            yield f"validator.form/{name}", "quoted" if isinstance(document[name], str) else "plain"
    yield "validator.signing", "seen"
    yield "validator.private", "pair" if "priv_key" in document else "hsm"


def _details(machine: LocalNode, args: Args) -> Iterator[Fact]:
    user = machine.properties()["User"]
    account = pwd.getpwnam(user)
    yield "dir", str(machine.workdir)
    yield "user", user
    yield "account", f"{user}:x:{account.pw_uid}:{account.pw_gid}::/:/bin/sh"
    yield "group", f"{machine.properties()['Group']}:x:{account.pw_gid}:"
    for pattern in STATE_NAMES:
        for found in sorted(machine.workdir.glob(pattern)):
            yield f"database/{found.relative_to(machine.workdir)}", "16"
    for folder in (".", "chaindata", "chaindata/config", "chaindata/data"):
        if (machine.workdir / folder).is_dir():
            yield f"physical/{folder}", str((machine.workdir / folder).resolve())
    if (machine.config / "config.toml").is_file():
        yield "tendermint_config", "chaindata/config/config.toml"
    texts = ("loom.yml", "genesis.json", "chaindata/config/genesis.json", "chaindata/config/config.toml")
    for name in (
        *texts,
        *(f"chaindata/config/{key}.json" for key in ("node_key", "priv_validator", "addrbook")),
    ):
        path = machine.workdir / name
        if not path.is_file():
            continue
        if name == "loom.yml":
            yield "config", name
        if name in texts:
            yield f"text/{name}", path.read_bytes()
        if name.endswith("addrbook.json"):
            yield "addrbook", path.read_bytes()
        yield f"modified/{name}", str(int(path.stat().st_mtime))
        yield f"digest/{name}", sha256(path.read_bytes()).hexdigest()


def _identity(machine: LocalNode, args: Args) -> Iterator[Fact]:
    yield from ((name, value) for name, value in _status(machine, args) if name not in _OF_A_RUNNING_NODE)
    for name, value in _details(machine, args):
        if name in ("user", "account", "addrbook", "text/chaindata/config/config.toml"):
            yield name, value


_OF_A_RUNNING_NODE = frozenset({"hold", "lock", "disk"})


def _nodekey(machine: LocalNode, args: Args) -> Iterator[Fact]:
    path = machine.config / "node_key.json"
    if not path.is_file():
        yield "not_run", "there is no key"
        return
    yield "before", "1"
    yield "status", "0"
    yield "stdout", f"{read_node_key(path.read_text()).node_id}\n"
    yield "after", "1"


def _run_state(machine: LocalNode, args: Args) -> Iterator[Fact]:
    folder = machine.run_folder(args[1])
    for name, path in (("lock", machine.lock), ("hold", machine.hold), ("was", folder / "was")):
        if path.is_file():
            yield name, path.read_bytes()
    if (folder / "data.given_up").is_file():
        yield "given_up", (folder / "data.given_up").read_bytes()
    for mark in ("data.staged", "config.staged", "data.names", "data.away", "data.swapped"):
        if (folder / mark).is_file():
            yield "mark", mark
    for was in folder.glob("replaced/files/*/was"):
        yield "slot", was.parent.name
    for job in (folder / "job").glob("*/rc"):
        message = (job.parent / "message").read_text().splitlines()[-1]
        yield f"job.{job.parent.name}", f"{job.read_text().strip()} {message}"
    digests = ""
    for path in map(Path, args[4:]):
        if path.is_file():
            digests += f"{sha256(path.read_bytes()).hexdigest()}  {path}\n"
    if digests:
        yield "digests", digests
    for tool in ("curl", "wget", "bzip2", "lbzip2", "gzip", "pigz", "xz", "zstd", "systemd-run"):
        if (machine.bin / tool).exists():
            yield "tool", tool
    for name in ("data", "config"):
        if (folder / "raw" / name).is_dir():
            yield f"bytes.{name}", str(used(folder / "raw" / name) // 1024)
    yield "cores", str(os.cpu_count())
    yield "space.work", f"1,4096,{_free_blocks(machine)},0,0"
    yield "space.unit", "2,4096,250000000,1000,900"
    yield "unit", "".join(f"{name}={value}\n" for name, value in machine.properties().items())


def _places(machine: LocalNode, args: Args) -> Iterator[Fact]:
    """Nothing is wrong with any place. Tests of what is wrong ask the script itself."""
    yield "space.work", f"1,4096,{_free_blocks(machine)},0,0"
    yield "space.unit", "2,4096,250000000,1000,900"


def _free_blocks(machine: LocalNode) -> int:
    """Of 4 KiB. There is room, unless the disk has a size that a test gave it."""
    if machine.disk_bytes is None:
        return 250_000_000
    return max(0, machine.disk_bytes - used(machine.workdir)) // 4096


def used(folder: Path) -> int:
    """Bytes on the disk, as df and du count them: a file with several names once."""
    files = (path.lstat() for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum({(status.st_dev, status.st_ino): status.st_blocks * 512 for status in files}.values())


def _processes(machine: LocalNode, args: Args) -> Iterator[Fact]:
    """Its services are no processes here, and nobody else has its databases open."""
    yield from ()


def _backup_jobs(machine: LocalNode, args: Args) -> Iterator[Fact]:
    """There are none."""
    yield from ()


_LOOKS: dict[str, Callable[[LocalNode, Args], Iterator[Fact]]] = {
    "run_state": _run_state,
    "places": _places,
    "processes": _processes,
    "status": _status,
    "details": _details,
    "nodekey": _nodekey,
    "backup_jobs": _backup_jobs,
    "identity": _identity,
}
