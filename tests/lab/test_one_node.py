"""One node of a chain that lives on is restored: its signing state is kept, or raised, and never lowered."""

from __future__ import annotations

import base64
import json

import pytest

from tests.lab.backups import DATA_HEIGHT
from tests.lab.client import Lab
from tests.lab.desk import Desk
from tests.lab.proof import ask, clock, moving, on_nodes, signed_twice
from tests.lab.watching import until

_CLUSTER = "loom-lab"
_VALIDATOR = "/home/ubuntu/chaindata/config/priv_validator.json"


@pytest.fixture(scope="module")
def desk(shared: Lab, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(shared, tmp_path_factory.mktemp("desk"))


def _signed(lab: Lab, node: str) -> int:
    return int(json.loads(lab.run(node, f"cat {_VALIDATOR}").stdout)["last_height"])


def _height(lab: Lab, node: str) -> int:
    return int(ask(lab, node, "status")["sync_info"]["latest_block_height"])


async def _processes(lab: Lab, besides: str) -> dict[str, str]:
    others = [name for name in lab.names if name != besides]
    return await on_nodes(lab, "systemctl show loom -p MainPID,ExecMainStartTimestampMonotonic", others)


async def test_node_that_lost_its_data_keeps_its_signing_state(shared: Lab, desk: Desk) -> None:
    since, node = clock(shared), "val-3"
    await moving(shared)
    shared.run(node, "systemctl stop loom; cd /home/ubuntu && rm -r *.db receipts_db chaindata/data")
    signed, others = _signed(shared, node), await _processes(shared, besides=node)

    planned, plan = desk.plan("--nodes", node)
    assert planned.status == 0, planned.out + planned.err
    (signing,) = (one["signing"] for one in planned.document["nodes"])
    assert (signing["action"], signing["found_height"]) == ("keep", signed)
    restored = desk.restore(plan)
    assert restored.status == 0, restored.out + restored.err
    heights = await moving(shared)

    assert signed > DATA_HEIGHT
    assert heights[node] > signed
    assert _signed(shared, node) > signed
    assert await _processes(shared, besides=node) == others  # nobody else was stopped
    assert await signed_twice(shared, since) == {}


async def test_lost_machine_signs_above_the_height_that_the_chain_had(shared: Lab, desk: Desk) -> None:
    since, node = clock(shared), "val-2"
    await moving(shared)
    shared.run(node, "systemctl stop loom; find /home/ubuntu -mindepth 1 -delete")
    lived, others = _height(shared, "val-1"), await _processes(shared, besides=node)

    refused, plan = desk.plan("--nodes", node)
    assert refused.status == 3
    assert "lost its signing state" in refused.out
    assert desk.restore(plan).status == 3
    planned, plan = desk.plan("--nodes", node, "--reset-signing-state", _CLUSTER)
    assert planned.status == 0, planned.out + planned.err
    (signing,) = (one["signing"] for one in planned.document["nodes"])
    assert (signing["action"], signing["found_height"]) == ("raise", None)
    assert signing["result_height"] >= lived
    restored = desk.restore(plan)
    assert restored.status == 0, restored.out + restored.err
    await moving(shared)

    async def signed() -> int:
        return _signed(shared, node)

    await until(signed, lambda height: height > signing["result_height"])
    assert await _processes(shared, besides=node) == others
    assert await signed_twice(shared, since) == {}


async def test_two_nodes_with_one_validator_key_are_seen_in_the_journals(shared: Lab) -> None:
    """That the other tests would see it."""
    since, twin = clock(shared), "backup-1"
    await moving(shared)
    key = base64.b64encode(shared.run("val-1", f"cat {_VALIDATOR}").stdout.encode()).decode()
    shared.run(
        twin, f"systemctl stop loom; cp -p {_VALIDATOR} /root/own; echo {key} | base64 -d > {_VALIDATOR}"
    )
    try:
        shared.run(twin, "systemctl start loom")
        found = await until(lambda: signed_twice(shared, since), bool, seconds=120)
    finally:
        shared.run(twin, f"systemctl stop loom; cp -p /root/own {_VALIDATOR}; systemctl start loom")

    assert set(found) <= {"val-1", twin}
    await moving(shared)
