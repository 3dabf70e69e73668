"""Nodes' folders and backups of them, as backup.sh makes them: every version, both methods."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import zstandard

from loomtui.backups.model import Compression, Member, MemberType
from tests.loom import leveldb_writer

#: IDs A and B of docs/loom.md 3.
KEY_A = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQGKiOPddAnxlf1S2y08ul1yymcJvx2UEhvzdIgBtA9vXA=="
ID_A = "34750f98bd59fcfc946da45aaabe933be154a4b5"
KEY_B = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgKBOXcOqH0XX1ajVGbDTH7My42KkbTuN6Jd9g9bj8mzlA=="

UNIT_TEXT = (
    "\nNone\n[Service]\nUser=ubuntu\nExecStart=/usr/bin/loom run --persistent-peers tcp://x@10.2.0.4:46656\n"
)
LOOM_GENESIS_TEXT = json.dumps({"contracts": [{"vm": "plugin", "name": "coin"}]})
TM_GENESIS_TEXT = json.dumps(
    {"genesis_time": "2018-09-06T00:00:00Z", "chain_id": "default", "validators": [], "app_hash": ""}
)
MANIFEST = leveldb_writer.manifest(log_number=1, next_file=2, last_sequence=1)

DATA = ("chaindata", "app.db")
PLAIN = ("genesis.json", "loom.yml")
#: What each version lists besides the unit; the unit comes after `loom.yml`.
ERAS: Mapping[str, tuple[str, ...]] = {
    "8ee64a2": (),
    "9208799": (),
    "41bd257": ("chaindata/config/node_key.json", "chaindata/config/config.toml"),
    "38c3b31": ("chaindata/config/node_key.json", "chaindata/config/config.toml", "chaindata/config/"),
    "920b0f5": ("chaindata/config",),
}


def node_key(value: str = KEY_A) -> str:
    return json.dumps({"priv_key": {"type": "tendermint/PrivKeyEd25519", "value": value}})


def priv_validator(height: int = 100, value: str = KEY_A) -> str:
    public = {
        KEY_A: "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=",
        KEY_B: "gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=",
    }[value]
    address = {
        KEY_A: "34750F98BD59FCFC946DA45AAABE933BE154A4B5",
        KEY_B: "6A3803D5F059902A1C6DAFBC9BA4729212F7CAAC",
    }[value]
    return json.dumps(
        {
            "address": address,
            "pub_key": {"type": "tendermint/PubKeyEd25519", "value": public},
            "last_height": str(height),
            "last_round": "0",
            "last_step": 3,
            "priv_key": {"type": "tendermint/PrivKeyEd25519", "value": value},
        }
    )


def app_journal(*heights: int) -> bytes:
    items = [(b"r" + height.to_bytes(8, "big"), b"root") for height in heights]
    return leveldb_writer.journal([leveldb_writer.write_batch(1, items)])


def store_journal(height: int) -> bytes:
    value = json.dumps({"height": str(height)}).encode()
    return leveldb_writer.journal([leveldb_writer.write_batch(1, [(b"blockStore", value)])])


def make_database(folder: Path, journal: bytes = b"") -> None:
    folder.mkdir(parents=True)
    (folder / "CURRENT").write_text("MANIFEST-000000\n")
    (folder / "MANIFEST-000000").write_bytes(MANIFEST)
    (folder / "000001.log").write_bytes(journal)
    (folder / "LOCK").touch()


def make_node(root: Path, *, app: int = 100, store: int = 100, unit: str = "loom.service") -> Path:
    """A machine's root folder with a node in `home/ubuntu`; gives that folder."""
    home = root / "home/ubuntu"
    make_database(home / "app.db", app_journal(app - 1, app))
    make_database(home / "evm.db")
    make_database(home / "receipts_db")
    make_database(home / "chaindata/data/blockstore.db", store_journal(store))
    make_database(home / "chaindata/data/state.db")
    make_database(home / "chaindata/data/tx_index.db")
    config = home / "chaindata/config"
    config.mkdir()
    (config / "node_key.json").write_text(node_key())
    (config / "priv_validator.json").write_text(priv_validator(store))
    (config / "config.toml").write_text('[p2p]\nladdr = "tcp://0.0.0.0:46656"\n')
    (config / "addrbook.json").write_text('{"key":"00","addrs":[]}')
    (config / "genesis.json").write_text(TM_GENESIS_TEXT)
    (home / "genesis.json").write_text(LOOM_GENESIS_TEXT)
    (home / "loom.yml").write_text('ChainID: "default"\nEventDispatcherURI: "redis://:hunter2@10.2.0.9"\n')
    (root / "etc/systemd/system").mkdir(parents=True)
    (root / "etc/systemd/system" / unit).write_text(UNIT_TEXT)
    return home


def stuff(era: str, *, data: bool, config: bool) -> tuple[str, ...]:
    """STUFF_TO_BACKUP of a version; the unit is written with its absolute path."""
    unit = "/etc/systemd/system/" + ("delegatecall.service" if era == "8ee64a2" else "loom.service")
    return (*(DATA if data else ()), *((*PLAIN, unit, *ERAS[era]) if config else ()))


def rsync_staging(root: Path, home: Path, names: Sequence[str], staging: Path) -> None:
    """What `rsync -u ARGUMENT… STAGING` leaves: what is there already is newer, so it stays."""
    staging.mkdir(exist_ok=True)
    for name in names:
        source = root / name[1:] if name.startswith("/") else home / name
        if name.endswith("/"):
            for child in source.iterdir():
                _copy(child, staging / child.name)
        else:
            _copy(source, staging / source.name)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
    elif not target.exists():
        shutil.copyfile(source, target)


def tar_of_staging(staging: Path) -> bytes:
    return tar_of(staging, sorted(path.name for path in staging.iterdir()))


def tar_of(folder: Path, names: Sequence[str], *, root: Path | None = None) -> bytes:
    """GNU tar of these names; absolute ones are below `root` and lose their slash, as tar does it."""
    arguments: list[str] = []
    for name in names:
        place = root if name.startswith("/") and root else folder
        arguments += ["-C", str(place), name.lstrip("/")]
    return subprocess.run(["tar", "-cf", "-", *arguments], check=True, capture_output=True).stdout


def members_of(tar: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return archive.getmembers()


def tar_with(*files: tuple[str, bytes | str]) -> bytes:
    """A tar with these files, in this order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files:
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tar_of_infos(*infos: tarfile.TarInfo, format: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar with these headers and no data."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for info in infos:
            archive.addfile(info)
    return out.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type = kind
    header.linkname = link
    return header


def pack(data: bytes, compression: Compression) -> bytes:
    match compression:
        case Compression.BZIP2:
            half = len(data) // 2  # two streams, as lbzip2 and pbzip2 make them
            return bz2.compress(data[:half], 1) + bz2.compress(data[half:], 1)
        case Compression.GZIP:
            return gzip.compress(data, 1, mtime=0)
        case Compression.ZSTD:
            return zstandard.ZstdCompressor(write_checksum=True).compress(data)
        case Compression.XZ:
            return lzma.compress(data, preset=0)
        case Compression.NONE:
            return data


def named(*paths: str) -> tuple[Member, ...]:
    """Files with these names; a name that ends in '/' is a folder."""
    return tuple(
        Member(path.rstrip("/"), MemberType.DIRECTORY if path.endswith("/") else MemberType.FILE, 0)
        for path in paths
    )


def data_tar(*more: tuple[str, bytes | str]) -> bytes:
    return tar_with(
        *(
            (f"{folder}/CURRENT", "MANIFEST-000000\n")
            for folder in ("app.db", "chaindata/data/blockstore.db")
        ),
        *((f"{folder}/MANIFEST-000000", "x") for folder in ("app.db", "chaindata/data/blockstore.db")),
        ("app.db/000001.log", app_journal(7)),
        ("chaindata/data/blockstore.db/000001.log", store_journal(8)),
        *more,
    )


CONFIG_TAR = tar_with(
    ("config/node_key.json", node_key()), ("genesis.json", '{"contracts":[]}'), ("loom.yml", "a: 1"),
    ("loom.service", UNIT_TEXT),
)  # fmt: skip
