"""A whole restore on real nodes, by plan and runner as an operator would start them; and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from loomtui.backups.catalogue import Catalogue
from loomtui.drill.auto import plan_with_remedy
from loomtui.engine.live import LiveEngine, opened
from loomtui.fleet.fleet import Fleet, Refuse, WritableFleet
from loomtui.loom.rpc import ChainFacts
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.findings import FindingCode
from loomtui.restore.plan import Plan, SigningAction
from loomtui.restore.record.run_store import RunStore
from loomtui.restore.running.operator import Go, Operator, Preview, Unattended
from loomtui.restore.running.runner import Runner
from tests.lab.backups import DATA_HEIGHT
from tests.lab.client import Lab
from tests.lab.grip import HOLD_FILE
from tests.lab.proof import around, clock, on_nodes, signed_twice
from tests.lab.watching import healthy, heights, unit

#: Everything that a restore may touch: owner, mode, time and content. The run's own folder is left out.
_STATE = """
cd /
for path in $(find home/ubuntu etc/systemd/system -path home/ubuntu/.loomtui -prune -o -print | sort); do
    stat -c '%n %F %U:%G %a' "$path"
    [ ! -f "$path" ] || { stat -c %Y "$path"; sha256sum "$path"; }
done
"""


async def _restore(lab: Lab, operator: Operator, folder: Path) -> tuple[Plan, Outcome]:
    inventory = lab.inventory()
    catalogue = Catalogue(inventory.s3)
    try:
        async with opened(LiveEngine(inventory), Refuse()) as engine:
            plan = await plan_with_remedy(engine)
        run = RunStore(folder).create(plan, lab.inventory_path)
        async with WritableFleet(inventory, Refuse()) as fleet:
            return plan, await Runner(run, inventory, fleet, catalogue, operator).restore()
    finally:
        await catalogue.close()


async def _chains(lab: Lab) -> Mapping[str, ChainFacts]:
    """What each node says of itself once the chain moves on all, with equal app hashes and all peers."""
    async with Fleet(lab.inventory(), Refuse()) as fleet:
        _, status = await healthy(fleet)
    assert set(heights(status)) == set(lab.names)
    return {node.name: node.chain for node in status.nodes if node.chain}


async def test_whole_cluster_is_set_back_to_a_backup(shared: Lab, tmp_path: Path) -> None:
    since, chain = clock(shared), await around(shared, DATA_HEIGHT)
    before = await _chains(shared)
    plan, outcome = await _restore(shared, Unattended("test"), tmp_path)
    after = await _chains(shared)
    kept, new = await around(shared, DATA_HEIGHT)

    assert outcome is Outcome.RESTORED
    assert plan.prediction.height == DATA_HEIGHT
    assert (kept, new != chain[1]) == (chain[0], True)
    assert await signed_twice(shared, since) == {}
    for name in shared.names:
        assert (after[name].node_id, after[name].address) == (before[name].node_id, before[name].address)
        assert shared.run(name, f"test -e {HOLD_FILE}", check=False).returncode == 1
        assert shared.run(name, "test -e /home/ubuntu/.loomtui/lock", check=False).returncode == 1
        assert shared.run(name, "systemctl --failed --quiet").stdout == ""
        owners = shared.run(name, "find /home/ubuntu -name .loomtui -prune -o ! -user ubuntu -print").stdout
        assert owners == ""


class RollsBack(Unattended):
    """Changes his mind before this step."""

    def __init__(self, step: StepName) -> None:
        super().__init__("test")
        self._step = step

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go:
        return Go.ROLL_BACK if step is self._step else Go.CONTINUE


_BREAK = "systemctl stop loom; cd /home/ubuntu && mv app.db/CURRENT /root/ && echo '# ours' >> loom.yml"
_MEND = "cd /home/ubuntu && mv /root/CURRENT app.db/ && sed -i '/^# ours$/d' loom.yml; systemctl start loom"


async def test_rollback_puts_back_the_state_before(shared: Lab, tmp_path: Path) -> None:
    """Of a cluster that stands still, so that every byte can be compared."""
    await on_nodes(shared, _BREAK)
    try:
        before = await on_nodes(shared, _STATE)
        _, outcome = await _restore(shared, RollsBack(StepName.START), tmp_path)
        after = await on_nodes(shared, _STATE)
        states = {name: unit(shared, name) for name in shared.names}
        locks = await on_nodes(shared, "ls /home/ubuntu/.loomtui")
    finally:
        await on_nodes(shared, _MEND)

    assert outcome is Outcome.ROLLED_BACK
    for name in shared.names:
        assert after[name].splitlines() == before[name].splitlines()
        assert states[name]["MainPID"] == "0"
        assert states[name]["ActiveState"] in ("inactive", "failed")
        assert "lock" not in locks[name].split()


#: By node: what keeps a step from its work there, how that is undone, and whether the running node minds it.
_UNFIT = {
    "val-1": ("chattr +i /etc/systemd/system", "chattr -i /etc/systemd/system"),
    "val-2": ("cd /home/ubuntu && mount --bind app.db app.db", "umount /home/ubuntu/app.db"),
    "val-3": (
        "cd /etc/systemd && mount --bind system system && mount -o remount,ro,bind system",
        "umount /etc/systemd/system",
    ),
    "val-4": (
        "cd /etc/cron.d && echo '0 3 * * * root /home/ubuntu/backup.sh' >late && chattr +i late",
        "cd /etc/cron.d && chattr -i late && rm late",
    ),
}


async def test_what_a_step_would_refuse_is_seen_by_the_plan(shared: Lab) -> None:
    before = {name: unit(shared, name)["MainPID"] for name in shared.names}
    try:
        for name, (spoil, _) in _UNFIT.items():
            shared.run(name, spoil)
        async with opened(LiveEngine(shared.inventory()), Refuse()) as engine:
            plan = await plan_with_remedy(engine)
    finally:
        for name, (_, mend) in _UNFIT.items():
            shared.run(name, mend)
    told = {
        refusal.node
        for refusal in plan.refusals
        if refusal.code in {FindingCode.UNFIT_PLACE, FindingCode.SEVERAL_FILE_SYSTEMS}
    }
    assert told == set(_UNFIT)
    assert {name: unit(shared, name)["MainPID"] for name in shared.names} == before
    locks = await on_nodes(shared, "ls /home/ubuntu/.loomtui 2>/dev/null || :")
    assert not any("lock" in listed.split() for listed in locks.values())


_LINK = """
mkdir -p /srv/conf && mv /home/ubuntu/loom.yml /etc/systemd/system/loom.service /srv/conf/
ln -s /srv/conf/loom.yml /home/ubuntu/loom.yml
ln -s /srv/conf/loom.service /etc/systemd/system/loom.service
systemctl daemon-reload
"""
_UNLINK = """
mv /srv/conf/loom.yml /home/ubuntu/ && mv /srv/conf/loom.service /etc/systemd/system/ && rmdir /srv/conf
systemctl daemon-reload
"""
_LINKED = _STATE.replace("cd /\n", "cd /\nstat -c '%N %U:%G %a %Y' srv/conf/*; sha256sum srv/conf/*\n")


async def test_files_behind_links_are_replaced_there_and_put_back(shared: Lab, tmp_path: Path) -> None:
    await on_nodes(shared, _BREAK)
    try:
        await on_nodes(shared, _LINK)
        before = await on_nodes(shared, _LINKED)
        plan, outcome = await _restore(shared, RollsBack(StepName.START), tmp_path)
        after = await on_nodes(shared, _LINKED)
    finally:
        await on_nodes(shared, _UNLINK)
        await on_nodes(shared, _MEND)

    assert outcome is Outcome.ROLLED_BACK
    assert {node.unit_path for node in plan.nodes} == {"/etc/systemd/system/loom.service"}
    assert any(warning.code is FindingCode.LINKED_FILE for warning in plan.warnings)
    for name in shared.names:
        assert after[name].splitlines() == before[name].splitlines()


async def test_rollback_of_a_running_cluster_starts_it_again(shared: Lab, tmp_path: Path) -> None:
    before = await _chains(shared)
    plan, outcome = await _restore(shared, RollsBack(StepName.START), tmp_path)
    after = await _chains(shared)

    assert outcome is Outcome.ROLLED_BACK
    assert {node.signing.action for node in plan.nodes} == {SigningAction.RESET, SigningAction.KEEP}
    for name in shared.names:
        assert after[name].height > before[name].height
        assert after[name].node_id == before[name].node_id
