"""Addresses of other machines in the config to be: listed, tried from the node, corrected by choice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from loomtui.errors import CallError, StepFailed
from loomtui.fleet.ssh.reach import Reach
from loomtui.loom.databases import LOOM_CONFIG, TENDERMINT_CONFIG
from loomtui.restore.choices import KEEP_REDIS
from loomtui.restore.events import Outcome
from loomtui.restore.findings import texts_of
from loomtui.restore.plan import ExternalAddress, FileAction, Plan
from loomtui.restore.planning.planfile import dump_plan, load_plan
from loomtui.restore.report import render
from tests.restore.cluster import LocalCluster
from tests.restore.material import CONFIG_TOML, LOOM_YML

Make = Callable[..., LocalCluster]

SECRET = "s3cret-of-redis"
REDIS = f'EventDispatcher:\n  Redis: {{URI: "redis://:{SECRET}@10.2.0.9:6379/3"}}\n'
OTHERS = "Gateway: wss://rinkeby.example.com/ws\nPeer: 10.0.0.1:9998\n"


def with_redis_in_backup(make_cluster: Make, text: str = LOOM_YML + REDIS + OTHERS) -> LocalCluster:
    cluster = make_cluster()
    moved = CONFIG_TOML + 'external_address = "tcp://10.2.0.4:46656"\n'
    cluster.add_config_backup(1, files={"loom.yml": text, "config/config.toml": moved})
    return cluster


async def plan_of(cluster: LocalCluster, reach: Reach | None = None, **choices: Any) -> Plan:
    fleet = cluster.fleet()
    tried: list[str] = []

    def answer(node: str, place: str) -> Reach:
        tried.append(f"{node} {place}")
        return reach or Reach(True, "reached")

    fleet.faults.reach = answer
    plan = await cluster.plan(fleet, **choices)
    place = choices.get("redis")
    assert tried == [f"n1 {'10.2.0.9:6379' if place in (None, KEEP_REDIS) else place}"]
    assert SECRET not in dump_plan(plan)
    return plan


async def test_foreign_addresses_are_listed_and_redis_is_tried(make_cluster: Make) -> None:
    plan = await plan_of(with_redis_in_backup(make_cluster))
    assert plan.refusals == ()
    assert plan.node("n1").external_addresses == (
        ExternalAddress(
            LOOM_CONFIG,
            "EventDispatcher.Redis.URI",
            "redis://:‹hidden›@10.2.0.9:6379/3",
            reached=True,
            tried="reached",
        ),
        ExternalAddress(LOOM_CONFIG, "Gateway", "wss://rinkeby.example.com/ws"),
        ExternalAddress(TENDERMINT_CONFIG, "p2p.external_address", "tcp://10.2.0.4:46656"),
    )


async def test_redis_out_of_reach_stands_in_the_way_until_it_is_decided(make_cluster: Make) -> None:
    cluster = with_redis_in_backup(make_cluster)
    away = Reach(False, "no connection within 5 s")
    (refusal,) = texts_of((await plan_of(cluster, away)).refusals)
    assert refusal.startswith("n1: Redis of loom.yml (EventDispatcher.Redis.URI: redis://:‹hidden›@10.2.0.9")
    assert "restarted for ever" in refusal
    assert "--redis keep" in refusal
    kept = await plan_of(cluster, away, redis=KEEP_REDIS)
    assert kept.refusals == ()
    assert kept.node("n1").external_addresses[0].reached is False
    (still,) = texts_of((await plan_of(cluster, away, redis="10.9.9.9:1")).refusals)
    assert "→ 10.9.9.9:1" in still


async def test_where_it_cannot_be_tried_nothing_stands_in_the_way(make_cluster: Make) -> None:
    plan = await plan_of(with_redis_in_backup(make_cluster), Reach(None, "not allowed"))
    assert plan.refusals == ()
    assert plan.node("n1").external_addresses[0].tried == "not allowed"


@pytest.mark.parametrize("redis", ["10.9.9.9", "redis://x:1", "a b:1", "", "x|y:1"])
async def test_what_is_no_address_is_a_wrong_call(make_cluster: Make, redis: str) -> None:
    with pytest.raises(CallError, match="HOST:PORT"):
        await make_cluster().plan(redis=redis)


@pytest.mark.slow
async def test_another_redis_is_written_with_the_rest_and_taken_back(
    make_cluster: Make, tmp_path: Any
) -> None:
    cluster = with_redis_in_backup(make_cluster)
    before = cluster.live()
    plan = await plan_of(cluster, redis="10.9.9.9:7000")
    (choice,) = [file for file in plan.node("n1").files if file.target == LOOM_CONFIG]
    wanted = (LOOM_YML + REDIS + OTHERS).replace("10.2.0.9:6379", "10.9.9.9:7000")
    assert choice.digest == hashlib.sha256(wanted.encode()).hexdigest()
    assert '+  Redis: {URI: "redis://:‹hidden›@10.9.9.9:7000/3"}' in choice.diff
    path = tmp_path / "plan.yml"
    path.write_text(dump_plan(plan))
    run = cluster.store.create(load_plan(path), cluster.inventory_path)
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    loom_yml = cluster.machines["n1"].workdir / "loom.yml"
    assert loom_yml.read_text() == wanted
    assert SECRET not in run.journal_path.read_text()
    report = render(run, "md")
    assert "loom.yml names another machine: EventDispatcher.Redis.URI redis://:‹hidden›@10.2.0.9" in report
    assert "config.toml names another machine: p2p.external_address tcp://10.2.0.4" in report
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before


async def test_the_node_s_own_file_is_corrected_where_the_backup_has_none(make_cluster: Make) -> None:
    cluster = make_cluster()
    cluster.add_config_backup(1, files={"loom.yml": None})
    loom_yml = cluster.machines["n1"].workdir / "loom.yml"
    loom_yml.write_text(LOOM_YML + REDIS)
    plan = await plan_of(cluster, redis="10.9.9.9:7000")
    (choice,) = [file for file in plan.node("n1").files if file.target == LOOM_CONFIG]
    assert (choice.action, choice.changes) == (FileAction.KEEP, True)
    run = cluster.store.create(plan, cluster.inventory_path)
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    assert loom_yml.read_text() == LOOM_YML + REDIS.replace("10.2.0.9:6379", "10.9.9.9:7000")


async def test_a_file_that_changed_since_the_plan_is_not_overwritten(make_cluster: Make) -> None:
    cluster = make_cluster()
    cluster.add_config_backup(1, files={"loom.yml": None})
    loom_yml = cluster.machines["n1"].workdir / "loom.yml"
    loom_yml.write_text(LOOM_YML + REDIS)
    run = cluster.store.create(await plan_of(cluster, redis="10.9.9.9:7000"), cluster.inventory_path)
    loom_yml.write_text(LOOM_YML + REDIS + "# edited\n")
    with pytest.raises(StepFailed, match=r"loom\.yml changed since the plan was made"):
        await cluster.runner(run).restore()
    assert loom_yml.read_text().endswith("# edited\n")


async def test_a_form_that_is_not_changed_for_certain_is_refused(make_cluster: Make) -> None:
    cluster = with_redis_in_backup(
        make_cluster, LOOM_YML + "EventDispatcherURI: redis://10.2.0.9:6379?db=1\n"
    )
    plan = await plan_of(cluster, redis="10.9.9.9:7000")
    assert "cannot be corrected in loom.yml" in plan.refusals[0].text


async def test_a_plan_with_another_kind_of_address_is_no_plan(make_cluster: Make, tmp_path: Any) -> None:
    cluster = with_redis_in_backup(make_cluster)
    text = dump_plan(await plan_of(cluster, redis="10.9.9.9:7000"))
    path = tmp_path / "plan.yml"
    path.write_text(text.replace("redis: 10.9.9.9:7000", "redis: '|e id:1'"))
    with pytest.raises(CallError, match="the Redis address"):
        load_plan(path)
