"""No value leads to a path outside its place: members of archives, plans, runs, inventories, caches."""

from __future__ import annotations

import copy
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

from loomtui.backups.archive import Reading, read
from loomtui.backups.cache import Cache
from loomtui.backups.layouts import classify
from loomtui.errors import ArchiveRejected, CallError, InventoryError
from loomtui.fleet.scripts import ChangeScript, InspectScript, script_text
from loomtui.inventory import load
from loomtui.inventory.model import S3Settings
from loomtui.loom.databases import ADDRBOOK, CONFIG_TARGETS, STATE_NAMES
from loomtui.restore.plan import FileAction, Plan
from loomtui.restore.planning.planfile import dump_plan, load_plan
from loomtui.restore.record.run_store import RunStore
from tests.restore.local import GROUP, USER, LocalNode, tree
from tests.restore.material import archive, backup, file_choice, make_plan_of, node_plan
from tests.security.counting import hostile
from tests.security.values import harmless, texts

# ── archives ────────────────────────────────────────────────────────────────────────────────────────────────

_KNOWN = (
    "app.db/CURRENT",
    "app.db/MANIFEST-1",
    "chaindata/data/blockstore.db/CURRENT",
    "chaindata/config/node_key.json",
    "config/priv_validator.json",
    "genesis.json",
    "loom.yml",
    "loom.service",
)
_ROOTS = ("", "./", "home/ubuntu/", "../", "/", "/etc/", "a/../../", "app.db/", "-x/")
_TYPES = (
    tarfile.REGTYPE,
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
)
names = st.builds(str.__add__, st.sampled_from(_ROOTS), st.sampled_from(_KNOWN) | texts(max_parts=2))
members = st.lists(
    st.tuples(
        names,
        st.sampled_from((tarfile.REGTYPE, *_TYPES)),
        names | st.sampled_from(("/etc", "..", "../..", "app.db", "loom.yml")),
        st.sampled_from(
            (b"", b"MANIFEST-1\n", b"../../x\n", b"{}", b'{"contracts": []}', b"[Service]\nExecStart=x\n")
        ),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


def packed(found: list[tuple[str, bytes, str, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, link, content in found:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.slow
@hostile(2, found=members)
def test_what_an_archive_offers_stays_in_its_place(found: list[tuple[str, bytes, str, bytes]]) -> None:
    reading = Reading()
    try:
        read([packed(found)], reading)
        layout = classify(reading.members, reading.files)
    except ArchiveRejected as error:
        harmless(error)
        return
    for item in (*layout.data_items, *layout.config_items):
        source = PurePosixPath(item.source)
        assert not source.is_absolute()
        assert ".." not in source.parts
        assert not item.source.startswith("-")
        assert item.target in {*CONFIG_TARGETS, *STATE_NAMES}


@pytest.mark.slow
@hostile(0.2, found=members, link=st.sampled_from(("../../../../../..", "../../../../../../outside", "/etc")))
def test_a_node_unpacks_nothing_outside_its_folder(
    found: list[tuple[str, bytes, str, bytes]], link: str
) -> None:
    """Even of an archive that nobody looked at: the last wall."""
    kept = [one for one in found if one[1] not in (tarfile.FIFOTYPE, tarfile.CHRTYPE)]
    trap = [("app.db", tarfile.SYMTYPE, link, b""), ("app.db/planted", tarfile.REGTYPE, "", b"x")]
    with tempfile.TemporaryDirectory(prefix="loomtui-hostile-") as folder:
        outside = Path(folder) / "outside"
        outside.mkdir()
        (outside / "file").write_text("ours")
        node = LocalNode(Path(folder) / "n1")
        node.write_unit("[Service]\n")
        node.take()
        raw = node.run_folder() / "raw"
        before = tree(Path(folder), without=(node.run_folder(),))
        wanted = [name for name, *_ in (*trap, *kept) if name and "\0" not in name]
        node.run("relay", "data", "0", *wanted, stdin=packed([*trap, *kept]))
        node.run("place", "data", USER, GROUP, "app.db", "app.db", "loom.yml", "evm.db")
        assert tree(Path(folder), without=(node.run_folder(),)) == before
        assert {path.name for path in node.run_folder().iterdir()} <= {
            "raw", "stage", "replaced", "job", "was", "relay.err", "busy", "data.staged"
        }  # fmt: skip
        assert not raw.exists() or {path.name for path in raw.iterdir()} <= {"data"}
        staged = node.run_folder() / "stage/data"
        assert not (node.run_folder() / "data.staged").exists() or not any(
            path.is_symlink() for path in staged.rglob("*")
        )


# ── plans that somebody edited ──────────────────────────────────────────────────────────────────────────────

_PLAN = make_plan_of(
    node_plan(
        config=archive(items=()),
        files=(file_choice("loom.yml", action=FileAction.RESTORE, changes=True, diff="-a\n+b"),),
    ),
    node_plan("n2", data=None),
)


def _leaves(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, (*way, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, (*way, number))
    else:
        yield way


_DATA = yaml.load(dump_plan(_PLAN), Loader=yaml.SafeLoader)
_WAYS = tuple(_leaves(_DATA))
_TEXT_WAYS = tuple(way for way in _WAYS if way[-1] in (
    "name", "working_directory", "unit_path", "user", "group", "source", "target", "etag", "sha256", "cluster"
))  # fmt: skip


@pytest.mark.slow
@hostile(
    2,
    way=st.sampled_from(_WAYS) | st.sampled_from(_TEXT_WAYS),
    value=texts(nul=True)
    | st.builds(str.__add__, st.sampled_from(("/home/ubuntu", "/srv/", "app.db", "a/")), texts())
    | st.sampled_from([None, True, -1, 10**30, 1.5, [], {}, ["x"]]),
)
def test_a_plan_that_was_edited_leads_nowhere_else(way: tuple[Any, ...], value: object) -> None:
    data = copy.deepcopy(_DATA)
    place = data
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.yml"
        try:
            path.write_text(yaml.safe_dump(data, allow_unicode=True))
        except yaml.YAMLError:
            return
        try:
            plan = load_plan(path)
        except CallError as error:
            harmless(error)
            return
    _holds_only_what_a_plan_may(plan)


def _holds_only_what_a_plan_may(plan: Plan) -> None:
    for node in plan.nodes:
        assert "/" not in node.name
        assert not node.name.startswith((".", "-"))
        for path in (node.working_directory, node.unit_path):
            assert path.startswith("/")
            assert ".." not in path.split("/")
            assert not any(ord(sign) < 32 for sign in path)
        assert node.unit_path.endswith(".service")
        assert not any(sign in node.user + node.group for sign in "/:; \n$`'\"") or not node.user
        assert all(file.target in {*CONFIG_TARGETS, ADDRBOOK} for file in node.files)
        for stored in (node.data, node.config):
            for item in stored.items if stored else ():
                assert ".." not in item.source.split("/")
                assert not item.source.startswith(("/", "-"))
                assert item.target in {*CONFIG_TARGETS, *STATE_NAMES}
            if stored:
                assert not any(sign in stored.etag[1:-1] for sign in "\"'\\\n\r $`;")


# ── the operator's side ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@hostile(1, name=texts(nul=True) | st.builds(str.__add__, st.sampled_from(("../", "", "/")), texts()))
def test_a_run_is_never_looked_for_elsewhere(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "runs"
        root.mkdir()
        (Path(folder) / "plan.yml").write_text(dump_plan(_PLAN))  # `..` would find it
        before = tree(Path(folder))
        with pytest.raises(CallError) as caught:
            RunStore(root).open(name)
        harmless(caught.value)
        assert tree(Path(folder)) == before


@pytest.mark.slow
@hostile(1, key=texts(nul=True), etag=texts(nul=True), bucket=st.sampled_from(("bucket", "../b")))
def test_what_is_kept_of_an_object_stays_in_its_folder(key: str, etag: str, bucket: str) -> None:
    made = Cache(S3Settings.model_construct(bucket=bucket, endpoint=key))
    name = made._name(backup(key, etag=etag))
    assert name.isalnum()
    assert len(name) == 64


_INVENTORY = {
    "cluster": "lab",
    "production": False,
    "ssh": {"user": "ubuntu", "port": 22},
    "loom": {"service": "loom", "working_directory": "/home/ubuntu", "binary": "/usr/bin/loom"},
    "s3": {"bucket": "backups", "prefix": "nightly/", "region": "eu-central-1", "endpoint": "http://s3:9000"},
    "nodes": [{"name": "n1", "host": "10.0.0.1", "address": "10.0.0.1", "backup_host": "n1"}],
}
_FIELDS = tuple(_leaves(_INVENTORY))


@hostile(
    2,
    way=st.sampled_from(_FIELDS),
    value=texts(nul=True)
    | st.builds(str.__add__, st.sampled_from(("/home/ubuntu", "n1", "http://", "10.0.0.1")), texts()),
)
def test_an_inventory_holds_no_path_and_no_code(way: tuple[Any, ...], value: str) -> None:
    data: Any = copy.deepcopy(_INVENTORY)
    place = data
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inventory.yml"
        path.write_text(json.dumps(data))
        try:
            inventory = load(path)
        except InventoryError as error:
            harmless(error)
            return
    loom = inventory.loom_of(inventory.nodes[0])
    for name in (inventory.cluster, *inventory.names, loom.unit_name):
        assert not set(name) & set("/\0\n\x1b $`'\";|&<>()*?[]\\~!#")
        assert not name.startswith((".", "-"))
    for host in (inventory.nodes[0].host, inventory.nodes[0].peer_address, inventory.ssh.user or ""):
        assert not set(host) & set("/\0\n\x1b $`'\";|&<>()*?\\~!#")
        assert not host.startswith("-")
    for remote in (loom.working_directory, loom.unit_file, loom.binary):
        assert remote.startswith("/")
        assert ".." not in remote.split("/")
        assert not any(ord(sign) < 32 or ord(sign) == 127 for sign in remote)


@pytest.mark.slow
@hostile(0.5, name=texts(nul=True))
def test_a_script_is_a_file_of_ours(name: str) -> None:
    for kind in (InspectScript, ChangeScript):
        with pytest.raises((ValueError, FileNotFoundError)):
            script_text(kind(name))
