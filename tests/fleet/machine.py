"""A node's stand-ins: systemctl, curl, journalctl and loom that replay recorded outputs; its files."""

from __future__ import annotations

import getpass
import grp
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.scripts import InspectScript, script_text
from tests.fleet.place import Place

RECORDED = Path(__file__).parent / "recorded"
VERSIONS = ("229", "237", "252")
USER = getpass.getuser()
GROUP = grp.getgrgid(os.getgid()).gr_name

PRIVATE = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQGKiOPddAnxlf1S2y08ul1yymcJvx2UEhvzdIgBtA9vXA=="
OTHER_KEY = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgKBOXcOqH0XX1ajVGbDTH7My42KkbTuN6Jd9g9bj8mzlA=="
PUBLIC = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="
ID = "34750f98bd59fcfc946da45aaabe933be154a4b5"
SEED = b"\x01" * 32


def node_key(value: str = PRIVATE) -> str:
    return json.dumps({"priv_key": {"type": "tendermint/PrivKeyEd25519", "value": value}})


def validator(**changes: object) -> str:
    """A priv_validator.json; a field that is None is left out."""
    fields: dict[str, object] = {
        "address": ID.upper(),
        "pub_key": {"type": "tendermint/PubKeyEd25519", "value": PUBLIC},
        "last_height": "120455",
        "last_round": "1",
        "last_step": 3,
        "last_signature": "c2lnbmF0dXJl",
        "last_signbytes": "AB01",
        "priv_key": {"type": "tendermint/PrivKeyEd25519", "value": PRIVATE},
    }
    return json.dumps({name: value for name, value in {**fields, **changes}.items() if value is not None})


@dataclass
class Machine:
    place: Place

    @property
    def dir(self) -> Path:
        return self.place.working_directory

    def systemd(self, version: str) -> None:
        values = {"@W@": str(self.dir), "@BIN@": str(self.place.bin), "@USER@": USER, "@GROUP@": GROUP}
        for path in (RECORDED / version).iterdir():
            text = path.read_text()
            for mark, value in values.items():
                text = text.replace(mark, value)
            (self.place.root / path.name).write_text(text)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def run(self, name: str, *args: str) -> subprocess.CompletedProcess[bytes]:
        """Runs a script as a node does, without SSH."""
        path = f"{self.place.bin}:/usr/bin:/bin"
        return subprocess.run(
            ["sh", "-c", 'eval "$(cat)"', "loomtui", *args],
            input=script_text(InspectScript(name)).encode(),
            capture_output=True,
            env={**os.environ, "PATH": path},
            check=True,
        )

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the script `status` is called with."""
        unit_file = str(self.place.root / "units" / "loom.service")
        return ("loom.service", str(self.dir), "/usr/bin/loom", unit_file, "46657", "-")

    def status(self) -> Facts:
        return read_facts(self.run("status", *self.arguments).stdout)

    def files(self) -> dict[str, tuple[int, int, int, bytes]]:
        """All there is under the working directory: mode, times of content and of the entry, content."""
        found = {}
        for path in sorted(self.dir.rglob("*")):
            stat = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            found[str(path)] = (stat.st_mode, stat.st_mtime_ns, stat.st_ctime_ns, content)
        return found


def install(place: Place) -> Machine:
    machine = Machine(place)
    root = place.root
    place.command(
        "systemctl",
        f"case $1 in show) cat {root}/show ;; cat) cat {root}/cat ;; --version) cat {root}/version ;; esac",
    )
    place.command(
        "curl",
        "mark= failed=0\n"
        "while [ $# -gt 0 ]; do case $1 in --write-out) mark=$2; shift ;;\n"
        f'http*:46657/*) cat {RECORDED}/"${{1##*/}}".json || failed=22; printf "$mark" ;;\n'
        'http*) echo "curl: (7) Failed to connect" >&2; printf "$mark"; failed=7 ;;\n'
        "esac; shift; done; exit $failed",
    )
    place.command(
        "loom", f'echo "$1" >> {root}/loom.calls\ncase $1 in version) echo "1.2.3+build.456" ;; esac'
    )
    place.command("crontab", "exit 1")
    machine.systemd("229")
    machine.write("chaindata/config/node_key.json", node_key())
    machine.write("chaindata/config/priv_validator.json", validator())
    machine.write("chaindata/config/config.toml", '[p2p]\nladdr = "tcp://0.0.0.0:46656"\n')
    machine.write("chaindata/config/genesis.json", '{"chain_id":"default"}')
    machine.write("chaindata/data/blockstore.db/CURRENT", "MANIFEST-000001\n")
    machine.write("app.db/CURRENT", "MANIFEST-000001\n")
    machine.write("old_app_1600000000.db/CURRENT", "MANIFEST-000001\n")
    machine.write("genesis.json", '{"contracts":[]}')
    machine.write("loom.yml", "RPCListenAddress: tcp://0.0.0.0:46657\n")
    return machine
