"""What an operator reads where S3 is not quite S3: public reports of others, tried on the commands.

Sources: seaweedfs#7274 and minio#1981 (a right If-Match gets 412), cloudflare-docs#5469 (weak ETags),
boto3#2952 and velero#1101 (KMS).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loomtui.drill.practice import Practice, practice
from loomtui.inventory import load
from tests.backups.peculiar import KMS_DENIED, KMS_SAID, Peculiar, Refusal, peculiar
from tests.cli.conftest import Cluster, Done, Run

GLACIER = Refusal(403, "InvalidObjectState", "The operation is not valid for the object's storage class")
GONE = Refusal(404, "NoSuchKey", "The specified key does not exist.", also_head=True)


@pytest.fixture(scope="module")
def healthy() -> Iterator[Practice]:
    with practice("healthy", 1, block_seconds=2) as cluster:
        yield cluster


def endpoint_of(cluster: Practice) -> str:
    return load(cluster.inventory_path).s3.endpoint or ""


@pytest.fixture
def store(healthy: Practice) -> Iterator[Peculiar]:
    with peculiar(endpoint_of(healthy)) as made:
        yield made


class Through:
    """`loomtui` on the practice cluster, with S3 behind the peculiar endpoint."""

    def __init__(self, cluster: Cluster, store: Peculiar, folder: Path) -> None:
        self._cluster = cluster
        self._folder = folder
        self._inventory = cluster.inventory_with(folder, store.endpoint, store.url)

    def __call__(self, *args: str) -> Done:
        return self._cluster(*args, env={"LOOMTUI_INVENTORY": self._inventory})

    def newest(self, kind: str) -> str:
        """Its key. What is found out here is kept aside, so that the commands find it out themselves."""
        aside = {"LOOMTUI_INVENTORY": self._inventory, "XDG_CACHE_HOME": str(self._folder / "aside")}
        backups = self._cluster("backups", "--json", env=aside).document["backups"]
        return next(str(one["key"]) for one in backups if one["kind"] == kind)


@pytest.fixture
def through(healthy: Practice, loomtui: Run, store: Peculiar, tmp_path: Path) -> Through:
    return Through(Cluster(healthy, loomtui), store, tmp_path)


def data_of(plan: Any) -> set[str]:
    """The keys of the archives whose data the nodes get."""
    return {node["data"]["key"] for node in plan["nodes"] if node["data"]}


@pytest.mark.slow
@pytest.mark.parametrize("peculiarity", ["If-Match gets 412", "weak ETags"])
def test_a_store_whose_etags_are_no_use_is_used(through: Through, store: Peculiar, peculiarity: str) -> None:
    if peculiarity == "weak ETags":
        store.etag = lambda tag: f"W/{tag}"
    else:
        store.if_match = Refusal(412, "PreconditionFailed", "A pre-condition did not hold")
    key = through.newest("data")
    assert through("backups", "verify", key).status == 0
    assert data_of(through("plan", "--json").document) == {key}


@pytest.mark.slow
def test_the_key_that_may_not_be_used_is_named(through: Through, store: Peculiar) -> None:
    key = through.newest("data")
    store.refusals[".tar."] = KMS_DENIED
    done = through("backups", "verify", key)
    assert done.status == 4
    assert KMS_SAID in done.err
    assert "needs kms:Decrypt on arn:aws:kms:eu-central-1:111122223333:key/0000-1111" in done.err
    assert "s3:GetObject" not in done.err
    planned = through("plan")
    assert planned.status == 4
    assert f"passed over {key}: no permission" in planned.err
    assert KMS_SAID in planned.err


@pytest.mark.slow
@pytest.mark.parametrize("refusal", [KMS_DENIED, GLACIER, GONE], ids=lambda refusal: str(refusal.code))
def test_one_object_that_cannot_be_read_costs_its_own_row(
    through: Through, store: Peculiar, healthy: Practice, refusal: Refusal
) -> None:
    newest = through.newest("data")
    name = newest.rsplit("/", 1)[-1]
    store.refusals[name] = refusal
    listed = {one["key"]: one for one in through("backups", "--json").document["backups"]}
    assert refusal.said in listed[newest]["fault"]["reason"]
    plan = through("plan", "--json").document
    (passed,) = plan["passed_over"]
    assert (passed["key"], passed["why"]) == (newest, "unreadable")
    assert max(data_of(plan)) < newest
    assert f"passed over {newest}: " in "".join(plan["warnings"])


@pytest.mark.slow
def test_a_restore_through_a_store_whose_if_match_never_holds(loomtui: Run, tmp_path: Path) -> None:
    """The nodes' own downloads go on without it; nothing has to be relayed."""
    with practice("clean-restore", 1, block_seconds=0.5) as broken, peculiar(endpoint_of(broken)) as store:
        store.if_match = Refusal(412, "PreconditionFailed", "A pre-condition did not hold")
        through = Through(Cluster(broken, loomtui), store, tmp_path)
        plan, name = str(tmp_path / "plan.yml"), load(broken.inventory_path).cluster
        assert through("plan", "--reset-signing-state", name, "-o", plan).status == 0
        done = through("restore", "--plan", plan, "--yes", "--json")
        assert done.status == 0, done.err
        assert "SHA-256 alone decides" in done.out
        assert "relaying over SSH" not in done.out
