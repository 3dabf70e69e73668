"""The record of a run lies on its nodes, and no step waits for a node that does not take it."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.errors import NodeUnreachable
from loomtui.restore.events import Outcome
from loomtui.restore.running.record_keeper import Kept, news
from tests.restore.cluster import LocalCluster

Make = Callable[..., LocalCluster]


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_of_a_journal_that_grows_the_end_is_sent(before: bytes, more: bytes) -> None:
    kept = {"journal.jsonl": Kept(len(before), sha256(before).hexdigest())}
    parts = news({"journal.jsonl": before + more}, kept)
    assert [part.data for part in parts] == ([more] if more else [])
    assert all(part.offset == len(before) for part in parts)


def test_what_is_another_file_is_sent_whole() -> None:
    kept = {"plan.yml": Kept(3, sha256(b"one").hexdigest())}
    (part,) = news({"plan.yml": b"two and more"}, kept)
    assert part.args == ("plan.yml", "0", "12")
    assert news({"plan.yml": b"one"}, kept) == ()
    assert len(news({"plan.yml": b""}, {})) == 1


@pytest.mark.slow
async def test_a_restore_leaves_its_whole_record_on_every_node(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    run = await cluster.run()
    fleet = cluster.fleet()

    def before(node: str, script: str) -> None:
        if (node, script) == ("n2", "keep_record"):
            raise NodeUnreachable("it does not answer.", node=node)

    fleet.faults.before = before
    assert await cluster.runner(run, fleet).restore() is Outcome.RESTORED
    record = cluster.machines["n1"].run_folder(run.id) / "record"
    journal = (record / "journal.jsonl").read_text()
    assert json.loads(journal.splitlines()[-1])["kind"] == "run-finished"
    assert journal == run.journal_path.read_text()
    assert (record / "plan.yml").read_bytes() == run.plan_path.read_bytes()
    assert (record / "inventory.yml").read_bytes() == run.inventory_path.read_bytes()
    assert not (record.parent / "alive").exists()
    told = [event for event in run.events() if event.data.get("severity") == "warning"]
    assert [(event.node, "could not be kept" in event.message) for event in told] == [("n2", True)]
    assert (cluster.machines["n2"].run_folder(run.id) / "record/plan.yml").exists(), "it came with the lock"
