"""fetch_job.sh: a cut costs nothing, whatever was cut or killed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loomtui.backups.model import Compression
from loomtui.fleet.facts import read_facts
from tests.backups.making import pack
from tests.restore.fetching import KEY, files_with, job_file, offer, outcome, raw, start
from tests.restore.local import LocalNode, digests
from tests.restore.serving import Cut, Store


@pytest.fixture
def node(fetching_node: LocalNode) -> LocalNode:
    return fetching_node


@pytest.fixture
def tar(tar_with_more: bytes) -> bytes:
    return tar_with_more


def unpacked(node: LocalNode) -> set[str]:
    return digests(raw(node))


def packed_state(tmp_path: Path) -> set[str]:
    return digests(tmp_path / "packed/app.db") | digests(tmp_path / "packed/chaindata/data")


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_fifty_cuts_cost_no_byte(tmp_path: Path, store: Store, tar: bytes, tool: str) -> None:
    node = machine(tmp_path / "other", tool, "gzip")
    body = pack(tar, Compression.GZIP)
    places = sorted(random.Random(11).sample(range(1, len(body)), 50))
    store.troubles = [Cut(place) for place in places]
    start(node, store, offer(store, body))
    assert outcome(node) == (0, "done")
    assert unpacked(node) == packed_state(tmp_path)
    assert len(store.asked) == 51
    assert store.sent <= 1.05 * len(body)


def machine(root: Path, *tools: str) -> LocalNode:
    node = LocalNode(root, tools=tools)
    node.write_unit("[Service]\n")
    node.take()
    return node


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_a_store_that_knows_no_range_is_noticed(tmp_path: Path, store: Store, tar: bytes, tool: str) -> None:
    node = machine(tmp_path / "other", tool, "gzip")
    store.knows_range = False
    body = pack(tar, Compression.GZIP)
    store.troubles = [Cut(1000), Cut(100_000)]
    start(node, store, offer(store, body))
    assert outcome(node) == (0, "done")
    assert unpacked(node) == packed_state(tmp_path)


def test_troubles_of_a_moment_are_waited_out(
    node: LocalNode, store: Store, tar: bytes, tmp_path: Path
) -> None:
    store.troubles = [503, Cut(1000), 503, 500, 429, Cut(1000), Cut(200_000), 503]
    body = pack(tar, Compression.GZIP)
    start(node, store, offer(store, body))
    assert outcome(node) == (0, "done")
    assert unpacked(node) == packed_state(tmp_path)
    assert store.sent == len(body)


def test_bytes_of_another_place_are_not_spliced(node: LocalNode, store: Store, tar: bytes) -> None:
    body = pack(tar, Compression.GZIP)
    store.troubles, store.shift = [Cut(1000)], 10
    start(node, store, offer(store, body))
    assert outcome(node) == (1, "the download failed: S3 answers with status 416")


def test_an_object_that_changes_in_the_middle_is_not_spliced(
    node: LocalNode, store: Store, tar: bytes
) -> None:
    body = pack(tar, Compression.GZIP)
    sha = offer(store, body)
    store.troubles = [Cut(1000), 412]
    start(node, store, sha)
    assert outcome(node) == (1, "the download failed: S3 answers with status 412")


def test_a_url_that_is_too_old_is_asked_for_again(
    node: LocalNode, store: Store, tar: bytes, tmp_path: Path
) -> None:
    body = pack(tar, Compression.GZIP)
    store.gate.clear()
    start(node, store, offer(store, body))
    wait_until(lambda: fetched(node) >= len(body) // 2)
    store.signature = "X-Amz-Signature=another"  # of the next URL; the first one is too old from now on
    kill_when_there(node, "curl")
    wait_until(job_file(node, "asks").exists)
    store.gate.set()
    assert not job_file(node, "rc").exists()
    node.done("fetch_url", "data", stdin=f"{store.url(KEY)}\n".encode())
    assert outcome(node) == (0, "done")
    assert unpacked(node) == packed_state(tmp_path)
    assert not files_with(node.workdir, "X-Amz-Signature")


def test_nobody_gets_a_url_unasked(node: LocalNode) -> None:
    job_file(node, "x").parent.mkdir()
    node.done("fetch_url", "data", stdin=b"http://x/?secret\n")
    assert not files_with(node.workdir, "secret")


def of_the_job(node: LocalNode, name: str) -> list[int]:
    """The processes of this program that belong to the job."""
    group = int(job_file(node, "pid").read_text())
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = path.read_text().rpartition(") ")
        except OSError:
            continue
        if head.partition("(")[2] == name and int(rest.split()[2]) == group:
            found.append(int(head.split(" ", 1)[0]))
    return found


def kill_when_there(node: LocalNode, name: str) -> None:
    deadline = time.monotonic() + 60
    while not job_file(node, "pid").exists() or not (found := of_the_job(node, name)):
        assert time.monotonic() < deadline, f"no {name} runs"
        time.sleep(0.01)
    for process in found:
        os.kill(process, signal.SIGKILL)


def test_a_download_that_is_killed_goes_on(node: LocalNode, store: Store, tar: bytes, tmp_path: Path) -> None:
    body = pack(tar, Compression.GZIP)
    store.gate.clear()
    start(node, store, offer(store, body))
    wait_until(lambda: fetched(node) >= len(body) // 2)
    kill_when_there(node, "curl")
    store.gate.set()
    assert outcome(node) == (0, "done")
    assert unpacked(node) == packed_state(tmp_path)
    assert len(store.ranges) == 2
    assert store.ranges[1] != f"bytes=0-{len(body) - 1}"


def fetched(node: LocalNode) -> int:
    """As a look at the run tells it, which also counts what the process that copies read for itself."""
    facts = read_facts(node.look("run_state", *node.held()))
    return facts.number("fetched.data") or 0


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["gzip", "tar", "tee", "sha256sum", "wc"])
def test_a_part_that_is_killed_begins_the_archive_anew(
    node: LocalNode, store: Store, tar: bytes, tmp_path: Path, name: str
) -> None:
    body = pack(tar, Compression.GZIP)
    store.gate.clear()
    start(node, store, offer(store, body))
    wait_until(lambda: fetched(node) >= len(body) // 2)
    kill_when_there(node, name)
    store.gate.set()
    assert outcome(node) == (0, "done")
    assert unpacked(node) == packed_state(tmp_path)
    assert job_file(node, "anew").read_text().count("was killed") == 1
    assert [path.name for path in raw(node).parent.iterdir()] == ["data"]


def test_what_is_killed_again_and_again_is_given_up(node: LocalNode, store: Store, tar: bytes) -> None:
    node.write_tool("gzip", "kill -9 $$")
    start(node, store, offer(store, pack(tar, Compression.GZIP)))
    status, message = outcome(node)
    assert (status, message) == (4, "decompressing failed: status 137")
    assert job_file(node, "anew").read_text().count("was killed") == 2
    assert len(store.asked) <= 3  # a pipeline may have ended before its download asked
