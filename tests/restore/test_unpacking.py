"""Archives that nobody has read: unpacked by an account that can do nothing else, by every tar."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loomtui.backups.model import Compression
from loomtui.fleet.scripts import ChangeScript, script_text
from tests import ability
from tests.backups.making import pack
from tests.restore.local import LocalNode, digest, tree
from tests.restore.serving import Store, serve

KEY = "archive.tar"
TARS = ("tar", "busybox")


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with serve() as found:
        yield found


@pytest.fixture
def node(root: None) -> Iterator[LocalNode]:
    """A node whose tools everybody can reach, as on a machine."""
    with tempfile.TemporaryDirectory(prefix="loomtui-node-") as folder:
        Path(folder).chmod(0o755)
        machine = LocalNode(Path(folder) / "n1", tools=("curl", "gzip"))
        machine.write_unit("[Service]\n")
        machine.take()
        yield machine
        machine.end_jobs()


def with_tar(node: LocalNode, name: str) -> None:
    if name == "busybox":
        (node.bin / "tar").unlink()
        (node.bin / "tar").symlink_to(ability.program("busybox", "busybox"))


def fetched(
    node: LocalNode, store: Store, body: bytes, *members: str, limit: int = 0, job: str = ""
) -> tuple[int, str]:
    """How the job ended. Without members all is unpacked; nobody knows the SHA-256."""
    packed = pack(body, Compression.GZIP)
    store.objects[KEY] = (packed, "tag")
    stdin = f"{store.url(KEY)}\ntag\n{job or script_text(ChangeScript('fetch_job'))}".encode()
    node.done("fetch", "data", "gzip", "-", str(len(packed)), str(limit), *members, stdin=stdin)
    folder = node.run_folder() / "job/data"
    deadline = time.monotonic() + 60
    while not (folder / "rc").exists():
        assert time.monotonic() < deadline, "the job does not end"
        time.sleep(0.01)
    status = int((folder / "rc").read_text())
    assert status or (folder / "sha256").read_text()[:64] == digest(packed)
    return status, (folder / "message").read_text().strip()


def made(*members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member in members:
            info, content = member if isinstance(member, tuple) else (member, b"")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    info.devmajor, info.devminor = 1, 3
    return info


def raw(node: LocalNode) -> Path:
    return node.run_folder() / "raw/data"


WHOLE = made(
    member("home/", tarfile.DIRTYPE, mode=0o4777),
    (member("home/app.db/CURRENT", mode=0o6777), b"MANIFEST-1\n"),
    (member("home/chaindata/config/node_key.json"), b"{}"),
    (member("receipts"), b"{}"),
)


def test_an_archive_that_nobody_has_read_is_unpacked_whole_but_its_keys(
    node: LocalNode, store: Store
) -> None:
    assert fetched(node, store, WHOLE) == (0, "done")
    files = {path.relative_to(raw(node)).as_posix() for path in raw(node).rglob("*") if path.is_file()}
    assert files == {"home/app.db/CURRENT", "receipts"}
    assert {path.stat().st_uid for path in raw(node).rglob("*")} == {65534}  # it was not unpacked as root


def cut_behind_first_file(body: bytes) -> bytes:
    """As a program leaves it that was killed while it wrote: no file is torn, but some are missing."""
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        second = [info for info in archive if info.isfile()][1]
    return body[: second.offset]


@pytest.mark.parametrize("tar", TARS)
def test_an_archive_that_ends_between_two_files_is_refused(node: LocalNode, store: Store, tar: str) -> None:
    with_tar(node, tar)
    members = () if tar == "tar" else ("home",)
    assert fetched(node, store, WHOLE, *members) == (0, "done")
    status, message = fetched(node, store, cut_behind_first_file(WHOLE), *members)
    assert status == 6
    assert ("cut off between two files" if tar == "tar" else "short read") in message


@pytest.mark.parametrize("tar", TARS)
def test_a_relayed_archive_that_ends_between_two_files_is_refused(node: LocalNode, tar: str) -> None:
    with_tar(node, tar)
    node.done("relay", "data", "0", "home", stdin=WHOLE)
    ended = node.run("relay", "data", "0", "home", stdin=cut_behind_first_file(WHOLE))
    assert ended.returncode != 0
    assert ("cut off between two files" if tar == "tar" else "short read") in ended.stderr.decode()


def test_a_tar_that_cannot_leave_out_keys_unpacks_nothing(node: LocalNode, store: Store) -> None:
    with_tar(node, "busybox")
    assert fetched(node, store, WHOLE)[0] in {0, 6}
    assert not list(raw(node).rglob("node_key.json"))


HOSTILE = {
    "dots": (member("app.db/../../../../../out"),),
    "absolute": (member("/tmp/loomtui-out"),),
    "a link for the folder": (member("app.db", tarfile.SYMTYPE, "../../../../.."), member("app.db/out")),
    "a link in the folder": (member("app.db/x", tarfile.SYMTYPE, "/tmp"), member("app.db/x/loomtui-out")),
    "a link to a file": (
        member("app.db/x", tarfile.SYMTYPE, "/tmp/loomtui-out"),
        (member("app.db/x"), b"written through it"),
    ),
    "a hard link": (member("app.db/x", tarfile.LNKTYPE, "../../../../../../etc/passwd"),),
    "a device": (member("app.db/null", tarfile.CHRTYPE, mode=0o666),),
    "a pipe": (member("app.db/pipe", tarfile.FIFOTYPE),),
    "set-uid": (member("app.db/CURRENT", mode=0o4755),),
}


@pytest.mark.parametrize("tar", TARS)
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_does_nothing_outside_and_is_not_marked(
    node: LocalNode, store: Store, case: str, tar: str
) -> None:
    with_tar(node, tar)
    before = tree(node.root, without=[node.run_folder()])
    # By its members, too, where that tar unpacks nothing without.
    status, _ = fetched(node, store, made(*HOSTILE[case]), *(() if tar == "tar" else ("app.db",)))
    ended = node.run("place", "data", str(os.getuid()), str(os.getgid()), "1", "0", "app.db", "app.db")
    assert tree(node.root, without=[node.run_folder()]) == before
    assert not Path("/tmp/loomtui-out").exists()
    is_staged = status == 0 and (node.run_folder() / "data.staged").exists()
    assert not is_staged or case in {"set-uid", "a link to a file"}, (status, ended.stderr)
    staged = node.run_folder() / "stage/data"
    assert (
        not any(path.is_symlink() or path.stat().st_mode & 0o7000 for path in staged.rglob("*"))
        or not is_staged
    )


def test_what_unpacks_can_reach_nothing_else(node: LocalNode, store: Store) -> None:
    """Whatever is wrong in tar: it is nobody, and cannot enter the folders around its own."""
    secret = node.run_folder() / "job/secret"
    secret.write_text("root's")
    node.write_tool(
        "tar",
        f'[ "$1" = --no-overwrite-dir ] && exit; id -u >who; cat "{secret}" >got\n'
        "cat ../../job/secret >>got; ls .. >>got; cat >/dev/null",
    )
    for tool in ("ls", "id"):
        (node.bin / tool).unlink(missing_ok=True)
        (node.bin / tool).symlink_to(shutil.which(tool) or "")
    assert fetched(node, store, made(member("x"))) == (0, "done")
    assert (raw(node) / "who").read_text() == "65534\n"
    assert (raw(node) / "got").read_text() == ""


def test_what_is_killed_when_it_is_tried_out_is_still_not_run_as_root(node: LocalNode, store: Store) -> None:
    """As when memory runs out. Only a program that nobody can begin is root's."""
    killed = '[ "$1" = --no-overwrite-dir ] && exit; [ "$1" != --version ] || kill -9 $$'
    node.write_tool("tar", f"{killed}; id -u >who; cat >/dev/null")
    (node.bin / "id").unlink(missing_ok=True)
    (node.bin / "id").symlink_to(shutil.which("id") or "")
    assert fetched(node, store, made(member("x"))) == (0, "done")
    assert (raw(node) / "who").read_text() == "65534\n"


def test_a_program_that_only_root_can_begin_is_run_as_root(node: LocalNode, store: Store) -> None:
    own = node.bin / "own"
    own.mkdir(mode=0o700)
    (own / "tar").symlink_to(shutil.which("tar") or "")
    (node.bin / "tar").unlink()
    (node.bin / "tar").symlink_to(own / "tar")
    assert fetched(node, store, WHOLE) == (0, "done")


@pytest.mark.parametrize(
    ("constant", "status", "words"),
    [("LEFT_OVER_KIB=65536", 5, "KiB are left free"), ("LEFT_OVER_FILES=1000", 5, "more files can be made")],
)
def test_a_disk_that_fills_ends_the_job_before_the_node_has_no_room(
    node: LocalNode, store: Store, constant: str, status: int, words: str
) -> None:
    name = constant.partition("=")[0]
    job = script_text(ChangeScript("fetch_job")).replace(constant, f"{name}=999999999999")
    if name == "LEFT_OVER_FILES" and not os.statvfs(node.root).f_files:
        ability.give_up("this file system counts no inodes")
    store.gate.clear()
    try:
        ended = fetched(node, store, made((member("app.db/x"), os.urandom(100_000))), job=job)
    finally:
        store.gate.set()
    assert ended[0] == status
    assert words in ended[1]


def test_an_archive_that_grows_beyond_its_limit_is_ended(node: LocalNode, store: Store) -> None:
    job = script_text(ChangeScript("fetch_job")).replace("turn % 20", "turn % 1")
    store.gate.clear()
    try:
        body = made((member("app.db/x"), os.urandom(3_000_000)))
        ended = fetched(node, store, body, limit=1_000_000, job=job)
    finally:
        store.gate.set()
    assert ended == (5, "more than 1000000 bytes were unpacked, and there is no room for more")
