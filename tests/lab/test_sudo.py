"""Root rights by a real sudo: with a password that is asked for once, and refused in time."""

from __future__ import annotations

from pathlib import Path

import pytest

from loomtui.backups.catalogue import Catalogue
from loomtui.errors import ScriptFailed, SudoRefused
from loomtui.fleet.fleet import Fleet, Refuse, WritableFleet
from loomtui.fleet.probes.probe import look
from loomtui.fleet.scripts import InspectScript
from loomtui.inventory.model import Inventory, SshSettings, SudoMode
from loomtui.restore.choices import Choices
from loomtui.restore.findings import texts_of
from loomtui.restore.plan import Plan
from loomtui.restore.planning.planner import make_plan
from loomtui.restore.record.run_store import RunStore
from loomtui.restore.running.node_run import CLEAN
from loomtui.restore.running.operator import Unattended
from loomtui.restore.running.runner import Runner
from tests.lab.client import Lab
from tests.lab.grip import gripped
from tests.lab.tree import PASSWORD, PASSWORD_USER, PLAIN_USER, SUDO_USER
from tests.lab.watching import unit
from tests.lab.wild import Person, changed, file, of


async def test_password_is_asked_for_once_for_all_nodes(shared: Lab) -> None:
    person = Person([PASSWORD])
    async with WritableFleet(shared.inventory(PASSWORD_USER), person) as fleet:
        for name in fleet.names:
            await fleet.session(name).require_root()
        async with gripped(fleet, "val-1") as grip:
            await grip.hold()
            await grip.stop()
            assert unit(shared, "val-1")["ActiveState"] == "inactive"

    assert person.asked == [f"sudo password of {PASSWORD_USER} on val-1"]


async def test_wrong_password_is_asked_for_again(shared: Lab) -> None:
    person = Person(["guess", PASSWORD])
    async with WritableFleet(shared.inventory(PASSWORD_USER), person) as fleet:
        await fleet.session("val-1").require_root()

    assert len(person.asked) == 2
    assert "not right" in person.asked[1]


@pytest.mark.parametrize("where", ["everywhere", "on one node"])
@pytest.mark.parametrize("user", [PASSWORD_USER, PLAIN_USER])
async def test_batch_run_without_root_rights_changes_nothing(
    shared: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str, where: str
) -> None:
    for name, value in shared.environment.items():
        monkeypatch.setenv(name, value)
    before = {name: (unit(shared, name), _traces(shared, name)) for name in shared.names}
    with pytest.raises(SudoRefused) as refused:
        await _restore_as(_inventory(shared, user, where), shared, tmp_path)
    after = {name: (unit(shared, name), _traces(shared, name)) for name in shared.names}

    assert refused.value.node in shared.names
    assert user in str(refused.value)
    assert after == before


def _inventory(lab: Lab, user: str, where: str) -> Inventory:
    if where == "everywhere":
        return lab.inventory(user)
    inventory = lab.inventory()
    last = inventory.nodes[-1].model_copy(update={"ssh": SshSettings(user=user)})
    return inventory.model_copy(update={"nodes": (*inventory.nodes[:-1], last)})


async def _restore_as(inventory: Inventory, lab: Lab, folder: Path) -> None:
    """With a plan that somebody with root rights has made."""
    plan = await _plan(lab.inventory())
    assert plan.refusals == ()
    catalogue = Catalogue(inventory.s3)
    try:
        run = RunStore(folder).create(plan, lab.inventory_path)
        async with WritableFleet(inventory, Refuse()) as fleet:
            await Runner(run, inventory, fleet, catalogue, Unattended("test")).restore()
    finally:
        await catalogue.close()


def _traces(lab: Lab, node: str) -> str:
    """What a run could have left: its folder, a hold, units of its own."""
    looks = (
        "ls -A /home/ubuntu /etc/systemd/system /etc/systemd/system/*.d; systemctl list-units 'loomtui*' -q"
    )
    return lab.run(node, looks, check=False).stdout


async def test_plan_is_not_made_by_those_who_cannot_see_the_keys(
    shared: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that cannot be seen would count as lost, and older signing states would come back."""
    for name, value in shared.environment.items():
        monkeypatch.setenv(name, value)
    inventory = shared.inventory(PLAIN_USER)
    with pytest.raises(SudoRefused, match=PLAIN_USER):
        await _plan(inventory)
    owns_nothing = inventory.ssh.model_copy(update={"sudo": SudoMode.NEVER})
    plan = await _plan(inventory.model_copy(update={"ssh": owns_nothing}))

    for name in shared.names:
        assert any(f"{name}: chaindata/config/node_key.json (" in text for text in texts_of(plan.refusals))


async def _plan(inventory: Inventory) -> Plan:
    catalogue = Catalogue(inventory.s3)
    try:
        async with Fleet(inventory, Refuse()) as fleet:
            return await make_plan(inventory, fleet, catalogue, Choices(reset_signing=True))
    finally:
        await catalogue.close()


async def test_look_without_root_rights_does_not_say_that_a_key_is_missing(shared: Lab) -> None:
    async with Fleet(shared.inventory(PLAIN_USER), Refuse()) as fleet:
        status = await look(fleet)

    for node in status.nodes:
        assert node.node_key is not None
        assert node.validator is not None
        assert node.node_key.closed
        assert node.validator.closed
        assert node.chain is not None
        assert node.chain.height is not None


# ── policies ────────────────────────────────────────────────────────────────────────────────────────────

_POLICY = "/etc/sudoers.d/wild"
_SET_PASSWORD = f"echo '{PLAIN_USER}:{PASSWORD}' | chpasswd"
_LOCK_PASSWORD = f"usermod -p '!' {PLAIN_USER}"


@pytest.mark.parametrize("user", [PASSWORD_USER, SUDO_USER])
async def test_sudo_that_wants_a_terminal(shared: Lab, user: str) -> None:
    """Known before anybody is asked for a password."""
    person = Person([PASSWORD])
    with file(shared, "val-1", _POLICY, "Defaults requiretty\n", "440"):
        async with WritableFleet(of(shared, "val-1", user=user), person) as fleet:
            with pytest.raises(SudoRefused, match=r"sudo there wants a terminal \(requiretty\)") as refused:
                await fleet.session("val-1").require_root()
            status = await look(fleet)
    assert "!requiretty" in refused.value.advice
    assert person.asked == []
    assert status.node("val-1").reachable


async def test_user_who_is_not_in_the_sudoers_file(shared: Lab) -> None:
    """sudo says so after the right password alone: it is asked for once, and then tried on the others."""
    person = Person([PASSWORD])
    with (
        changed(shared, "val-1", _SET_PASSWORD, _LOCK_PASSWORD),
        changed(shared, "val-2", _SET_PASSWORD, _LOCK_PASSWORD),
        file(shared, "val-2", _POLICY, f"{PLAIN_USER} ALL=(ALL) ALL\n", "440"),
    ):
        async with WritableFleet(of(shared, "val-1", "val-2", user=PLAIN_USER), person) as fleet:
            with pytest.raises(SudoRefused, match=f"{PLAIN_USER} is not in the sudoers file") as refused:
                await fleet.session("val-1").require_root()
            await fleet.session("val-2").require_root()
    assert "ssh.user" in refused.value.advice
    assert len(person.asked) == 1


async def test_user_who_may_run_one_command_only(shared: Lab) -> None:
    person = Person([PASSWORD])
    policy = f"{PLAIN_USER} ALL=(ALL) /usr/bin/systemctl\n"
    with (
        changed(shared, "val-1", _SET_PASSWORD, _LOCK_PASSWORD),
        file(shared, "val-1", _POLICY, policy, "440"),
    ):
        async with WritableFleet(of(shared, "val-1", user=PLAIN_USER), person) as fleet:
            with pytest.raises(SudoRefused, match=f"user {PLAIN_USER} is not allowed to execute"):
                await fleet.session("val-1").require_root()
    assert len(person.asked) == 1


_TALK = """
Defaults lecture=always, insults, passprompt_override, passprompt="Speak, %u of %h: ", use_pty
"""


@pytest.mark.parametrize("user", [PASSWORD_USER, SUDO_USER])
async def test_sudo_that_talks(shared: Lab, user: str) -> None:
    """A lecture, insults, a prompt of its own without a line end: what a script says is what is shown."""
    person = Person(["guess", PASSWORD])
    with file(shared, "val-1", _POLICY, _TALK, "440"):
        async with WritableFleet(of(shared, "val-1", user=user), person) as fleet:
            session = fleet.session("val-1")
            await session.require_root()
            output = await session.inspect(InspectScript("rights"))
            async with gripped(fleet, "val-1") as grip:
                await grip.hold()
                with pytest.raises(ScriptFailed) as failed:
                    await grip.change(CLEAN)
    assert output.stderr == b""
    assert failed.value.what == "this run still holds the node; finish it or roll it back first"
    assert len(person.asked) == (2 if user == PASSWORD_USER else 0)


_FAILLOCK = """
auth required pam_faillock.so preauth silent deny=3
auth [success=1 default=bad] pam_unix.so
auth [default=die] pam_faillock.so authfail deny=3
auth sufficient pam_faillock.so authsucc deny=3
account required pam_unix.so
session required pam_permit.so
"""


async def test_wrong_password_does_not_lock_the_account(shared: Lab) -> None:
    """sudo lets PAM count it twice, and the account is locked at the third."""
    person = Person(["one", PASSWORD])
    with (
        file(shared, "val-1", "/etc/pam.d/sudo", _FAILLOCK),
        changed(shared, "val-1", "true", f"faillock --user {PASSWORD_USER} --reset"),
    ):
        async with WritableFleet(of(shared, "val-1", user=PASSWORD_USER), person) as fleet:
            for _ in range(3):
                with pytest.raises(SudoRefused, match="a wrong password was tried, and no more are"):
                    await fleet.session("val-1").require_root()
        tallied = shared.run("val-1", f"faillock --user {PASSWORD_USER}").stdout
        async with WritableFleet(of(shared, "val-1", user=PASSWORD_USER), Person([PASSWORD])) as fleet:
            await fleet.session("val-1").require_root()
    assert person.answers == [PASSWORD]
    assert sum(line.endswith(" V") for line in tallied.splitlines()) == 2, tallied
