"""Whole restores of real nodes from transfers that break off again and again, to a chain that moves."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.faults.shelf import Shelf
from tests.lab.backups import DATA_HEIGHT
from tests.lab.client import Lab
from tests.lab.cutting import CuttingS3, Halfway, cutting_s3
from tests.lab.desk import Desk
from tests.lab.proof import around, clock, moving, on_nodes, signed_twice

_CLUSTER = "loom-lab"
_CUTS = 3
#: Whom SIGKILL meets halfway through the node's first transfer.
_KILLED = {
    "val-1": "pkill -KILL -x curl",
    "val-2": "pkill -KILL 'bzip2$'",
    "val-3": "pkill -KILL -x tar",
    "val-4": "pkill -KILL sshd; systemctl restart ssh",
}
#: They take what they knew with them, so the archive is begun anew; curl takes what it had not read.
_BEGIN_ANEW = ("val-2", "val-3")
_LOSES = ("val-1", *_BEGIN_ANEW)
_TABLES = "cd /home/ubuntu && find * -name '*.ldb' -exec sha256sum {} + | sort"


@pytest.fixture(scope="module")
def shelf(shared: Lab) -> Iterator[Shelf]:
    kept = Shelf(shared.endpoint)
    yield kept
    kept.clear()


def _desk(lab: Lab, home: Path, store: CuttingS3) -> Desk:
    """Of an operator whose S3 is this one, and so that of the nodes."""
    inventory = yaml.safe_load(lab.inventory_path.read_text())
    inventory["s3"]["endpoint"] = store.url
    path = home / "inventory.yml"
    path.write_text(yaml.safe_dump(inventory, sort_keys=False))
    return Desk(lab, home, {"LOOMTUI_INVENTORY": str(path)})


@contextmanager
def _operating(lab: Lab, home: Path, halfway: Halfway, *names: str) -> Iterator[tuple[Desk, CuttingS3]]:
    with cutting_s3(lab.here, lab.endpoint, halfway, names) as store:
        yield _desk(lab, home, store), store


def _tables_in(archive: bytes) -> str:
    """As `_TABLES` lists them."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        files = ((member.name, opened.extractfile(member)) for member in opened if member.isfile())
        found = (
            f"{hashlib.sha256(file.read()).hexdigest()}  {name}\n"
            for name, file in files
            if file is not None and name.endswith(".ldb")
        )
        return "".join(sorted(found))


async def _restore(lab: Lab, desk: Desk, *options: str) -> None:
    """To the newest backup. The chain moves again afterwards, from where the backup was made."""
    since, chain = clock(lab), await around(lab, DATA_HEIGHT)
    planned, plan = desk.plan("--reset-signing-state", _CLUSTER, *options)
    assert planned.status == 0, planned.out + planned.err
    restored = desk.restore(plan)
    assert restored.status == 0, restored.out + restored.err
    await moving(lab)
    kept, new = await around(lab, DATA_HEIGHT)
    assert (kept, new != chain[1]) == (chain[0], True)
    assert await signed_twice(lab, since) == {}


def _data_key(desk: Desk) -> str:
    told = desk.loomtui("backups", "--json").document["backups"]
    newest = max((one for one in told if one["kind"] == "data"), key=lambda one: one["taken_at"])
    return str(newest["key"])


async def test_unread_data_from_transfers_that_are_cut_and_killed(
    shared: Lab, shelf: Shelf, tmp_path: Path
) -> None:
    names = {address: name for name, address in shared.addresses.items()}

    def halfway(address: str, path: str, count: int) -> bool:
        victim = _KILLED.get(names[address])
        if count == 1 and victim is not None:
            shared.run(names[address], victim)
            return names[address] in _LOSES  # nobody reads on
        return count <= _CUTS

    key = _data_key(Desk(shared, tmp_path))
    archive = shelf.get(key)
    with _operating(shared, tmp_path, halfway, key) as (desk, store):
        await _restore(shared, desk, "--look-limit", "0")

    assert await on_nodes(shared, _TABLES) == dict.fromkeys(shared.names, _tables_in(archive))
    for address, name in names.items():
        (begins,) = (begins for (node, _), begins in store.begins.items() if node == address)
        most = 2 if name in _BEGIN_ANEW else 1.55 if name in _LOSES else 1.05
        assert 1 <= store.sent[address] / len(archive) <= most, (name, begins)
        assert begins.count(0) == (2 if name in _BEGIN_ANEW else 1), name


async def test_a_prepared_backup_from_parts_whose_transfers_are_cut(
    shared: Lab, shelf: Shelf, tmp_path: Path
) -> None:
    def halfway(address: str, path: str, count: int) -> bool:
        return count <= _CUTS

    key = _data_key(Desk(shared, tmp_path))
    with _operating(shared, tmp_path, halfway, ".tar.zst", key) as (desk, store):
        prepared = desk.loomtui("backups", "prepare", key, "--twin", "--json")
        assert prepared.status == 0, prepared.err
        await _restore(shared, desk)
        parts = [len(body) for path, body in shelf.prepared().items() if path.endswith(".tar.zst")]

    assert await on_nodes(shared, _TABLES) == dict.fromkeys(shared.names, _tables_in(shelf.get(key)))
    assert not [path for _, path in store.begins if path.endswith(key)]
    for address in shared.addresses.values():
        assert 1 <= store.sent[address] / sum(parts) <= 1.05
        transfers = [begins for (node, _), begins in store.begins.items() if node == address]
        assert sum(map(len, transfers)) > _CUTS
        assert all(begins.count(0) == 1 for begins in transfers)
