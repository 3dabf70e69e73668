"""fetch.sh, fetch_job.sh, relay.sh: how an archive comes onto a node, and what can go wrong on its way."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from loomtui.backups.model import Compression
from loomtui.fleet.scripts import ChangeScript, script_text
from tests.backups.making import pack
from tests.restore.fetching import ETAG, KEY, MEMBERS, files_with, job_file, offer, outcome, raw, start
from tests.restore.local import STAND_INS, LocalNode, digests, tree
from tests.restore.material import tar_of
from tests.restore.serving import SECRET, Store


@pytest.fixture
def node(fetching_node: LocalNode) -> LocalNode:
    return fetching_node


@pytest.fixture
def tar(tar_with_more: bytes) -> bytes:
    return tar_with_more


def test_the_wanted_members_are_unpacked(node: LocalNode, store: Store, tar: bytes) -> None:
    start(node, store, offer(store, pack(tar, Compression.GZIP)))
    assert outcome(node) == (0, "done")
    assert (raw(node) / "app.db/CURRENT").exists()
    assert (raw(node) / "chaindata/data/blockstore.db/CURRENT").exists()
    assert not (raw(node) / "chaindata/config").exists()  # another node's keys never reach this one
    assert not (raw(node) / "evm.db").exists()


@pytest.mark.parametrize("tool", ["curl", "wget"])
@pytest.mark.parametrize("compression", Compression)
def test_with_every_tool_and_compression(
    tmp_path: Path, store: Store, tar: bytes, tool: str, compression: Compression
) -> None:
    unpacker = () if compression is Compression.NONE else (compression.value,)
    node = LocalNode(tmp_path / "other", tools=(tool, *unpacker))
    node.write_unit("[Service]\n")
    node.take()
    start(node, store, offer(store, pack(tar, compression)), compression=compression)
    assert outcome(node) == (0, "done")
    assert (raw(node) / "app.db/000001.log").stat().st_size == 300_000


@pytest.mark.parametrize(("fast", "compression"), [("lbzip2", Compression.BZIP2), ("pigz", Compression.GZIP)])
def test_a_tool_for_many_cores_is_preferred(
    node: LocalNode, store: Store, tar: bytes, fast: str, compression: Compression
) -> None:
    plain = compression.value
    if not (node.bin / plain).exists():
        node.add_tool(plain)
    node.write_tool(fast, f'touch "{node.root}/used"; exec "{node.bin}/{plain}" "$@"')
    start(node, store, offer(store, pack(tar, compression)), compression=compression)
    assert outcome(node) == (0, "done")
    assert (node.root / "used").exists()


def test_root_starts_the_job_as_a_unit_of_its_own(node: LocalNode, store: Store, tar: bytes) -> None:
    node.write_tool("id", "echo 0")
    node.write_tool("systemd-run", f'printf "%s\\n" "$@" >"{node.root}/asked"; exec "{node.root}/run" "$@"')
    (node.root / "run").symlink_to(STAND_INS / "systemd-run")
    start(node, store, offer(store, pack(tar, Compression.GZIP)))
    assert outcome(node) == (0, "done")
    asked = (node.root / "asked").read_text().splitlines()
    assert any(word.startswith("--unit=loomtui-20260101-120000-abcd-data") for word in asked)
    assert not any(SECRET in word for word in asked)


@pytest.mark.parametrize("known", ["CPUWeight", "CPUShares", "no weight"])
def test_the_job_gives_way_by_whatever_weights_systemd_knows(
    node: LocalNode, store: Store, tar: bytes, known: str
) -> None:
    """An unknown property is an error: CPUWeight= came with systemd 232, IOWeight= with 230."""
    node.write_tool("id", "echo 0")
    node.write_tool(
        "systemd-run",
        f'printf "%s\\n" "$*" >>"{node.root}/asked"\n'
        f'case $* in *-p*) case $* in *{known}*) ;; *) exit 1 ;; esac ;; esac\nexec "{node.root}/run" "$@"',
    )
    (node.root / "run").symlink_to(STAND_INS / "systemd-run")
    start(node, store, offer(store, pack(tar, Compression.GZIP)))
    assert outcome(node) == (0, "done")
    tried = {"CPUWeight": 1, "CPUShares": 2, "no weight": 3}[known]
    assert len((node.root / "asked").read_text().splitlines()) == tried


def test_the_job_is_nice(node: LocalNode, store: Store, tar: bytes) -> None:
    for tool in ("nice", "ionice"):
        path = node.bin / tool
        path.unlink(missing_ok=True)
        node.write_tool(
            tool, f'echo "{tool} $*" >>"{node.root}/nice"; shift 2; [ {tool} = nice ] || shift 2; exec "$@"'
        )
    start(node, store, offer(store, pack(tar, Compression.GZIP)))
    assert outcome(node) == (0, "done")
    asked = (node.root / "nice").read_text()
    assert "nice -n 10 ionice -c 2 -n 7 sh " in asked


def test_where_priorities_cannot_be_set_the_job_runs_all_the_same(
    node: LocalNode, store: Store, tar: bytes
) -> None:
    for tool in ("nice", "ionice"):
        node.write_tool(tool, "echo not permitted >&2; exit 1")
    start(node, store, offer(store, pack(tar, Compression.GZIP)))
    assert outcome(node) == (0, "done")


def test_without_systemd_run_that_works_the_job_runs_all_the_same(
    node: LocalNode, store: Store, tar: bytes
) -> None:
    node.write_tool("id", "echo 0")
    node.write_tool("systemd-run", "exit 1")
    start(node, store, offer(store, pack(tar, Compression.GZIP)))
    assert outcome(node) == (0, "done")


# ── the URL is a secret ─────────────────────────────────────────────────────────────────────────────────────


def arguments_of_all_processes() -> bytes:
    found = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_bytes()
        except OSError:
            continue
    return found


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_the_url_is_in_no_argument_list_and_on_no_disk(
    tmp_path: Path, store: Store, tar: bytes, tool: str
) -> None:
    node = LocalNode(tmp_path / "other", tools=(tool, "gzip"))
    node.write_unit("[Service]\n")
    node.take()
    store.gate.clear()
    try:
        start(node, store, offer(store, pack(tar, Compression.GZIP)))
        while not store.asked:
            time.sleep(0.01)
        assert SECRET.encode() not in arguments_of_all_processes()
        assert not files_with(node.root, SECRET)
    finally:
        store.gate.set()
    assert outcome(node) == (0, "done")
    assert not files_with(node.root, SECRET)


@pytest.mark.parametrize("trouble", [404, 403, 501])
@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_after_a_failure_nothing_tells_the_url_either(
    tmp_path: Path, store: Store, tar: bytes, tool: str, trouble: int | str
) -> None:
    node = LocalNode(tmp_path / "other", tools=(tool, "gzip"))
    node.write_unit("[Service]\n")
    node.take()
    store.troubles = [trouble]
    start(node, store, offer(store, pack(tar, Compression.GZIP)))
    assert outcome(node) == (1, f"the download failed: S3 answers with status {trouble}")
    assert job_file(node, "http").read_text() == f"{trouble}\n"
    assert not files_with(node.root, SECRET)


def test_a_job_that_never_began_leaves_no_url_once_the_node_is_given_back(
    node: LocalNode, store: Store, tar: bytes
) -> None:
    node.write_tool("setsid", "exit 0")
    start(node, store, offer(store, pack(tar, Compression.GZIP)))
    node.done("unlock")
    assert not files_with(node.root, SECRET)


# ── what can go wrong ───────────────────────────────────────────────────────────────────────────────────────


def test_an_object_that_changed_is_not_fetched(node: LocalNode, store: Store, tar: bytes) -> None:
    start(node, store, offer(store, pack(tar, Compression.GZIP), etag="another"))
    status, message = outcome(node)
    assert status == 1
    assert "412" in message


def test_another_content_than_the_plans_is_refused(node: LocalNode, store: Store, tar: bytes) -> None:
    offer(store, pack(tar, Compression.GZIP))
    start(node, store, "f" * 64)
    assert outcome(node) == (2, "the archive is not the one of the plan: other SHA-256")


def test_a_corrupt_archive_is_blamed_and_not_the_download(node: LocalNode, store: Store, tar: bytes) -> None:
    packed = bytearray(pack(tar, Compression.GZIP))
    packed[5000:5100] = bytes(100)
    start(node, store, offer(store, bytes(packed)))
    status, message = outcome(node)
    assert status == 4
    assert message.startswith("decompressing failed: ")


def test_an_archive_that_ends_early_is_refused(node: LocalNode, store: Store, tar: bytes) -> None:
    start(node, store, offer(store, pack(tar, Compression.GZIP)[:-50_000]))
    status, message = outcome(node)
    assert status == 4
    assert message.startswith("decompressing failed: ")


def test_a_tar_that_ends_early_is_refused(node: LocalNode, store: Store, tar: bytes) -> None:
    start(node, store, offer(store, tar[:100_000]), compression=Compression.NONE)
    status, message = outcome(node)
    assert status == 6
    assert message.startswith("unpacking failed: tar: Unexpected EOF")


def test_a_member_that_is_missing_is_named(node: LocalNode, store: Store, tar: bytes) -> None:
    start(node, store, offer(store, pack(tar, Compression.GZIP)), *MEMBERS, "receipts_db")
    status, message = outcome(node)
    assert status == 6
    assert "receipts_db: Not found in archive" in message


def test_an_unknown_compression_is_an_error(node: LocalNode, store: Store, tar: bytes) -> None:
    job = script_text(ChangeScript("fetch_job"))
    sha = offer(store, tar)
    stdin = f"{store.url(KEY)}\n{ETAG}\n{job}".encode()
    node.done("fetch", "data", "lzip", sha, str(len(tar)), "0", *MEMBERS, stdin=stdin)
    assert outcome(node) == (4, "decompressing failed: unknown compression")


def test_no_server_is_an_error(node: LocalNode, store: Store, tar: bytes) -> None:
    gone = Store(port=1)
    start(node, gone, "0" * 64)
    status, message = outcome(node)
    assert status == 3
    assert message.startswith("the node does not reach S3: no answer from S3: ")
    assert SECRET not in message


def test_a_second_try_begins_anew(node: LocalNode, store: Store, tar: bytes) -> None:
    sha = offer(store, pack(tar, Compression.GZIP))
    store.troubles = [404]
    start(node, store, sha)
    assert outcome(node)[0] == 1
    (raw(node) / "app.db/left-over").parent.mkdir(parents=True, exist_ok=True)
    (raw(node) / "app.db/left-over").touch()
    start(node, store, sha)
    assert outcome(node) == (0, "done")
    assert not (raw(node) / "app.db/left-over").exists()
    assert [path.name for path in raw(node).parent.iterdir()] == ["data"]


def test_a_job_that_runs_is_not_started_again(node: LocalNode, store: Store, tar: bytes) -> None:
    sha = offer(store, pack(tar, Compression.GZIP))
    store.gate.clear()
    start(node, store, sha)
    while not store.asked:
        time.sleep(0.01)
    start(node, store, sha)
    store.gate.set()
    assert outcome(node) == (0, "done")
    assert len(store.asked) == 1


def test_what_is_unpacked_goes_to_the_disk_while_more_comes(
    node: LocalNode, store: Store, tar: bytes
) -> None:
    """Else the disk has all of it to write at the end, and a node that lives there waits behind it."""
    (node.bin / "sync").unlink(missing_ok=True)
    node.write_tool("sync", f'printf "%s\\n" "$*" >>"{node.root}/synced"')
    sha = offer(store, pack(tar, Compression.GZIP))
    store.gate.clear()
    start(node, store, sha)
    deadline = time.monotonic() + 20  # after 30, the store sends the rest
    while f"-f {raw(node)}" not in _synced(node):
        assert time.monotonic() < deadline, "nothing is written before the end"
        time.sleep(0.01)
    store.gate.set()
    assert outcome(node) == (0, "done")


@pytest.mark.slow
def test_nothing_of_a_job_that_was_killed_goes_on_for_ever(node: LocalNode, store: Store, tar: bytes) -> None:
    sha = offer(store, pack(tar, Compression.GZIP))
    store.gate.clear()
    start(node, store, sha)
    while not store.asked:
        time.sleep(0.01)
    os.kill(int(job_file(node, "pid").read_text()), signal.SIGKILL)
    store.gate.set()
    deadline = time.monotonic() + 30
    while str(node.run_folder()).encode() in arguments_of_all_processes():
        assert time.monotonic() < deadline, "a part of the job runs on"
        time.sleep(0.05)


def _synced(node: LocalNode) -> str:
    path = node.root / "synced"
    return path.read_text() if path.exists() else ""


def test_a_job_number_that_another_process_has_by_now_is_no_job(
    node: LocalNode, store: Store, tar: bytes
) -> None:
    job_file(node, "pid").parent.mkdir(exist_ok=True)
    job_file(node, "pid").write_text(f"{os.getpid()}\n")
    start(node, store, offer(store, pack(tar, Compression.GZIP)))
    assert outcome(node) == (0, "done")


def test_without_a_url_nothing_starts(node: LocalNode) -> None:
    ended = node.run("fetch", "data", "gzip", "0" * 64, "app.db", stdin=b"only one line\n")
    assert ended.returncode == 1
    assert b"no URL" in ended.stderr


def test_another_run_may_not_fetch(node: LocalNode) -> None:
    assert node.run("fetch", "data", "gzip", "0", "x", run="20260101-120000-ffff").returncode == 73
    assert node.run("relay", "data", "0", "x", run="20260101-120000-ffff").returncode == 73


# ── hostile archives ────────────────────────────────────────────────────────────────────────────────────────


def hostile(*members: tuple[str, bytes, str]) -> bytes:
    """Name, type, link target."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = kind, link, 0o4755
            archive.addfile(info)
    return out.getvalue()


def outside(node: LocalNode) -> dict[str, tuple[object, ...]]:
    return tree(node.root, without=[node.run_folder()])


@pytest.mark.parametrize("relayed", [False, True])
@pytest.mark.parametrize(
    "archive",
    [
        hostile(("app.db/../../../../../out", tarfile.REGTYPE, "")),
        hostile(("app.db", tarfile.SYMTYPE, "../../../../.."), ("app.db/out", tarfile.REGTYPE, "")),
        hostile(("app.db/x", tarfile.SYMTYPE, "/tmp"), ("app.db/x/loomtui-out", tarfile.REGTYPE, "")),
        hostile(("app.db/x", tarfile.LNKTYPE, "../../../../../../etc/passwd")),
    ],
    ids=["dots", "a link for the folder", "a link in the folder", "a hard link"],
)
def test_nothing_is_ever_written_outside_the_runs_folder(
    node: LocalNode, store: Store, archive: bytes, relayed: bool
) -> None:
    before = outside(node)
    if relayed:
        status = node.run("relay", "data", "0", "app.db", stdin=archive).returncode
    else:
        start(node, store, offer(store, archive), "app.db", compression=Compression.NONE)
        status, _ = outcome(node)
    assert outside(node) == before
    assert not Path("/tmp/loomtui-out").exists()
    ended = node.run("place", "data", str(os.getuid()), str(os.getgid()), "0", "0", "app.db", "app.db")
    assert status != 0 or ended.returncode != 0
    assert outside(node) == before


def test_a_member_name_is_a_name_and_no_pattern_or_option(node: LocalNode, store: Store) -> None:
    archive = tar_of(("--checkpoint-action=exec=touch x", "a"), ("*", "b"), ("other", "c"))
    start(
        node,
        store,
        offer(store, archive),
        "--checkpoint-action=exec=touch x",
        "*",
        compression=Compression.NONE,
    )
    assert outcome(node) == (0, "done")
    assert sorted(path.name for path in raw(node).iterdir()) == ["*", "--checkpoint-action=exec=touch x"]


# ── relay ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_relayed_stream_is_unpacked(node: LocalNode, tar: bytes) -> None:
    node.done("relay", "data", "0", *MEMBERS, stdin=tar)
    assert (raw(node) / "app.db/000001.log").stat().st_size == 300_000
    assert not (raw(node) / "chaindata/config").exists()


def test_a_relay_ends_before_what_watches_over_it_has_slept(node: LocalNode, tar: bytes) -> None:
    """Each relayed archive of every node would wait for that."""
    sleepers, sleep = node.root / "sleepers", shutil.which("sleep")
    node.write_tool("sleep", f'echo $$ >>"{sleepers}"\nexec {sleep} 90')
    node.write_tool(
        "tar", f'until [ -s "{sleepers}" ]; do {sleep} 0.01; done\nexec {shutil.which("tar")} "$@"'
    )
    try:
        node.done("relay", "data", "0", *MEMBERS, stdin=tar)  # waits for less than they sleep
    finally:
        for pid in sleepers.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def test_a_relay_begins_anew(node: LocalNode, tar: bytes) -> None:
    (raw(node) / "app.db").mkdir(parents=True)
    (raw(node) / "app.db/left-over").touch()
    node.done("relay", "data", "0", *MEMBERS, stdin=tar)
    assert not (raw(node) / "app.db/left-over").exists()
    assert [path.name for path in raw(node).parent.iterdir()] == ["data"]


@pytest.mark.parametrize(("sent", "expected"), [(100_000, "Unexpected EOF"), (0, "Not found in archive")])
def test_a_relayed_stream_that_is_cut_is_an_error(
    node: LocalNode, tar: bytes, sent: int, expected: str
) -> None:
    ended = node.run("relay", "data", "0", *MEMBERS, stdin=tar[:sent] or bytes(1024))
    assert ended.returncode == 6
    assert expected in ended.stderr.decode()


def test_what_was_fetched_is_byte_for_byte_what_was_packed(
    node: LocalNode, store: Store, tar: bytes, tmp_path: Path
) -> None:
    start(node, store, offer(store, pack(tar, Compression.GZIP)))
    assert outcome(node) == (0, "done")
    assert digests(raw(node) / "app.db") == digests(tmp_path / "packed/app.db")


def test_the_scripts_name_no_url_in_what_they_record() -> None:
    """A guard on the text itself: curl and wget are never given a URL as an argument."""
    text = script_text(ChangeScript("fetch_job"))
    for line in re.findall(r"^\s*(?:curl|wget) .*?(?:[^\\]\n)", text, re.MULTILINE | re.DOTALL):
        assert "$url" not in line
        assert re.search(r"--config -|--input-file=-", line)
    assert subprocess.run(["sh", "-n"], input=text.encode(), check=True).returncode == 0
