"""A newest object that is bad, in six ways, as data or as config: it is named wherever a plan is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from textual.content import Content

from loomtui.backups.model import Compression, FaultKind
from loomtui.cli.plan_text import show_plan
from loomtui.cli.views import plan_document
from loomtui.errors import CallError, StoreUnreachable
from loomtui.restore.plan import PassedOver, Plan
from loomtui.restore.planning.planfile import dump_plan, load_plan
from screens.restore.plan_text import plan_page
from tests.backups.making import pack
from tests.restore.cluster import BACKUP_TIME, LocalCluster
from tests.restore.material import NOW, tar_of

LATER = BACKUP_TIME + timedelta(hours=6)
FOREIGN = pack(tar_of(("www/index.html", "<p>Hello</p>")), Compression.GZIP)


def truncated(good: bytes) -> bytes:
    return good[: len(good) * 2 // 3]


def flipped(good: bytes) -> bytes:
    at = len(good) // 2
    return good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :]


def empty(_good: bytes) -> bytes:
    return b""


def hostile(_good: bytes) -> bytes:
    return pack(tar_of(("app.db/CURRENT", "x"), ("../../etc/cron.d/x", "* * * * * root x")), Compression.GZIP)


def foreign(_good: bytes) -> bytes:
    return FOREIGN


def unreadable(good: bytes) -> bytes:
    return good


WAYS: dict[Callable[[bytes], bytes], tuple[FaultKind, str]] = {
    truncated: (FaultKind.REJECTED, "truncated"),
    flipped: (FaultKind.REJECTED, ""),
    empty: (FaultKind.REJECTED, "it is empty: 0 bytes"),
    hostile: (FaultKind.REJECTED, ".."),
    foreign: (FaultKind.UNKNOWN, "it holds neither the data nor the config of a Loom node"),
    unreadable: (FaultKind.UNREADABLE, "it lies in an archive class"),
}


@pytest.fixture
def cluster(tmp_path: Path) -> LocalCluster:
    return LocalCluster(tmp_path / "cluster", 1, backup_node=True)


def put_first(cluster: LocalCluster, key: str, body: bytes, source: str) -> None:
    bad = cluster.catalogue.add(key, body, source, LATER)
    cluster.catalogue.backups = {key: bad, **cluster.catalogue.backups}


def told_everywhere(plan: Plan, passed: PassedOver, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    document = json.loads(json.dumps(plan_document(plan)))
    (entry,) = document["passed_over"]
    assert (entry["key"], entry["why"], entry["reason"]) == (passed.key, passed.why.value, passed.reason)
    assert passed.sentence in document["warnings"]
    show_plan(plan)
    shown = "\n".join(part.plain for part in plan_page(plan, NOW) if isinstance(part, Content))
    for text in (capsys.readouterr().out, shown):
        assert passed.key in text
        assert passed.reason in text
        assert text.count(passed.reason) == 1
    path = folder / "plan.yml"
    path.write_text(dump_plan(plan))
    assert load_plan(path).passed_over == (passed,)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("meant", ["data", "config"])
async def test_it_is_named_with_its_reason_in_the_plan_in_json_and_on_the_screen(
    cluster: LocalCluster,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    way: Callable[[bytes], bytes],
    meant: str,
) -> None:
    good = cluster.catalogue.backups
    of_n1 = next(key for key, one in good.items() if one.source == "n1")
    data = next(key for key in good if "-data-" in key)
    source = "n2" if meant == "data" else "n1"
    key = f"{LATER:%Y-%m-%d--%H%M%S}-{source}.tar.gz"
    put_first(cluster, key, way(cluster.catalogue.objects[data if meant == "data" else of_n1]), source)
    if way is unreadable:
        cluster.catalogue.unreadable[key] = "it lies in an archive class (Glacier)"
    plan = await cluster.plan()
    (passed,) = plan.passed_over
    kind, reason = WAYS[way]
    assert (passed.key, passed.why, passed.taken_at) == (key, kind, LATER)
    assert reason in passed.reason
    assert (passed.as_data, passed.nodes) == (True, (source,))  # of what kind it was cannot be told
    node = plan.node("n1")
    assert node.data is not None
    assert node.data.key == data  # data loss is counted from this one
    assert node.data.taken_at == BACKUP_TIME
    assert node.config is not None
    assert node.config.key == of_n1
    told_everywhere(plan, passed, capsys, tmp_path)


async def test_one_bad_object_never_hides_the_others(cluster: LocalCluster) -> None:
    (data,) = (key for key in cluster.catalogue.backups if "-data-" in key)
    good = cluster.catalogue.objects[data]
    for number, way in enumerate(WAYS):
        key = f"2026-01-02--0{number}0000-n2.tar.gz"
        put_first(cluster, key, way(good), "n2")
        if way is unreadable:
            cluster.catalogue.unreadable[key] = "no permission"
    plan = await cluster.plan()
    assert {passed.why for passed in plan.passed_over} == {
        FaultKind.REJECTED,
        FaultKind.UNKNOWN,
        FaultKind.UNREADABLE,
    }
    assert len(plan.passed_over) == len(WAYS)
    assert (node := plan.node("n1").data) is not None
    assert node.key == data


@pytest.mark.parametrize("key", ["README.txt", "2026-01-01--060000-n2.tar.gz.sha256", "index.html"])
async def test_what_is_no_archive_by_its_name_is_not_named(cluster: LocalCluster, key: str) -> None:
    put_first(cluster, key, FOREIGN, "")
    assert (await cluster.plan()).passed_over == ()


async def test_what_is_older_than_what_is_taken_is_not_named(cluster: LocalCluster) -> None:
    cluster.catalogue.add("2025-01-01--060000-n2.tar.gz", b"", "n2", BACKUP_TIME - timedelta(days=365))
    assert [one for one in (await cluster.plan()).passed_over if one.as_data] == []


async def test_what_is_newer_than_the_moment_asked_for_is_not_named(cluster: LocalCluster) -> None:
    put_first(cluster, "2026-01-01--060000-n2.tar.gz", b"", "n2")
    assert (await cluster.plan(before=BACKUP_TIME)).passed_over == ()


async def test_damage_that_only_the_whole_read_finds_is_named(cluster: LocalCluster) -> None:
    (data,) = (key for key in cluster.catalogue.backups if "-data-" in key)
    key = "2026-01-01--060000-n2.tar.gz"
    put_first(cluster, key, cluster.catalogue.objects[data], "n2")
    cluster.catalogue.rejected[key] = "it is corrupt at byte 1,000,000 of the tar"
    (passed,) = (await cluster.plan()).passed_over
    assert (passed.key, passed.reason) == (key, "it is corrupt at byte 1,000,000 of the tar")


async def test_where_s3_gives_none_of_them_it_is_s3_that_is_not_reached(cluster: LocalCluster) -> None:
    for key in cluster.catalogue.backups:
        cluster.catalogue.unreadable[key] = "no permission"
    with pytest.raises(StoreUnreachable, match="no data backup") as caught:
        await cluster.plan()
    assert "no permission" in caught.value.advice


async def test_where_all_are_bad_the_reasons_are_the_advice(cluster: LocalCluster) -> None:
    (data,) = (key for key in cluster.catalogue.backups if "-data-" in key)
    cluster.catalogue.rejected[data] = "it is truncated"
    with pytest.raises(CallError, match="no data backup") as caught:
        await cluster.plan()
    assert f"passed over {data}: it is truncated" in caught.value.advice
