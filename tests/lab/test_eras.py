"""Five real nodes, restored from data as rsync collects it and from config of each version of backup.sh."""

from __future__ import annotations

from typing import Any

import pytest

from loomtui.drill.archives import Era
from tests.lab import nodes
from tests.lab.backups import CONFIG_HEIGHTS, DATA_HEIGHT
from tests.lab.client import Lab
from tests.lab.desk import Desk
from tests.lab.proof import around, clock, moving, on_nodes, signed_twice

_CLUSTER = "loom-lab"
_OWN = ("genesis.json", "loom.yml")
_NAMED = (*_OWN, "chaindata/config/node_key.json", "chaindata/config/config.toml")
#: What is lost on every node before the restore: all that the backups of that era hold.
_LOST = {
    Era.BARE: _OWN,
    Era.UNIT: _OWN,
    Era.NODE_KEY: _NAMED,
    Era.CONTENTS: (*_NAMED, "chaindata/config/priv_validator.json"),
    Era.FOLDER: (*_NAMED, "chaindata/config/priv_validator.json", "chaindata/config/genesis.json"),
}
_FILES = " ".join(f"/home/ubuntu/{name}" for name in (*_NAMED, "chaindata/config/genesis.json"))
#: Content, owner and mode of the config, and whose validator key it is.
_CONFIG = f"""
for file in {_FILES} {nodes.UNIT}; do sha256sum $file; stat -c '%U:%G %a' $file; done
grep -o '"address": *"[0-9A-F]*"' /home/ubuntu/chaindata/config/priv_validator.json
"""


def _backups(desk: Desk) -> tuple[str, dict[Era, str]]:
    """The newest data's key, and until when the config of each era was made."""
    told: list[dict[str, Any]] = desk.loomtui("backups", "--json").document["backups"]
    newest = max((one for one in told if one["kind"] == "data"), key=lambda one: one["taken_at"])
    series: dict[str, list[str]] = {}
    for one in told:
        if one["kind"] == "config":
            series.setdefault(one["source"], []).append(one["taken_at"])
    newest_first = [
        max(times) for times in zip(*(sorted(s, reverse=True) for s in series.values()), strict=True)
    ]
    return newest["key"], dict(zip(CONFIG_HEIGHTS, newest_first, strict=True))


@pytest.fixture(scope="module")
def desk(shared: Lab, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(shared, tmp_path_factory.mktemp("desk"))


@pytest.mark.parametrize("era", list(CONFIG_HEIGHTS))
async def test_five_nodes_from_config_of_each_era(shared: Lab, desk: Desk, era: Era) -> None:
    since, chain = clock(shared), await around(shared, DATA_HEIGHT)
    data, made = _backups(desk)
    before = await on_nodes(shared, _CONFIG)
    lost = " ".join(_LOST[era])
    wrong_peers = (
        f"sed -i 's|tcp://[0-9a-f]\\{{8\\}}|tcp://00000000|g' {nodes.UNIT} && systemctl daemon-reload"
    )
    await on_nodes(
        shared, f"systemctl stop loom; cd /home/ubuntu && rm {lost} app.db/CURRENT && {wrong_peers}"
    )

    planned, plan = desk.plan("--data", data, "--before", made[era], "--reset-signing-state", _CLUSTER)
    assert planned.status == 0, planned.out + planned.err
    restored = desk.restore(plan)
    assert restored.status == 0, restored.out + restored.err
    await moving(shared)
    kept, new = await around(shared, DATA_HEIGHT)

    assert await on_nodes(shared, _CONFIG) == before
    assert (kept, new != chain[1]) == (chain[0], True)
    assert await signed_twice(shared, since) == {}


def test_newer_signing_states_are_reset_only_when_that_is_confirmed(shared: Lab, desk: Desk) -> None:
    refused, plan = desk.plan()
    assert (refused.status, plan.exists()) == (3, True)
    assert desk.restore(plan).status == 3
    other, _ = desk.plan("--reset-signing-state", "another-cluster")
    assert other.status == 2
    confirmed, _ = desk.plan("--reset-signing-state", _CLUSTER)
    assert confirmed.status == 0
    actions = {node["name"]: node["signing"]["action"] for node in confirmed.document["nodes"]}
    assert actions == dict.fromkeys(shared.names, "reset") | {"backup-1": "keep"}
