"""A plan that two people have to see: who signed it, who runs it, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from paramiko import Ed25519Key

from loomtui.errors import SecondMissing
from loomtui.inventory.model import Inventory
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.planning import signatures
from loomtui.restore.planning.planfile import dump_plan, save_plan
from loomtui.restore.planning.signatures import key_of
from loomtui.restore.planning.signed_plan import PlanFile, load_plan_file
from loomtui.restore.record.run_store import Run
from loomtui.restore.report import render
from loomtui.restore.running.operator import Go
from loomtui.restore.running.second import Lacking, seen
from loomtui.restore.takeover.acquisition import find_run, see_that_it_may_be, take_run
from tests.fleet.agent import FakeAgent
from tests.restore.cluster import LocalCluster
from tests.restore.material import make_plan_of
from tests.restore.scripted import Scripted
from tests.signing import Person

Make = Callable[..., LocalCluster]


@pytest.fixture
def ben(tmp_path: Path) -> Person:
    """He signs them, on his own machine."""
    return Person.made("ben", tmp_path / "keys")


def two_wanted(inventory: Inventory, *people: Person) -> Inventory:
    signers = tuple(person.signer for person in people)
    return inventory.model_copy(update={"require_second": True, "allowed_signers": signers})


@pytest.fixture
def inventory(anna: Person, ben: Person) -> Inventory:
    plain = Inventory.model_validate(
        {
            "cluster": "lab",
            "production": False,
            "s3": {"bucket": "backups"},
            "nodes": [{"name": "n1", "host": "h"}],
        }
    )
    return two_wanted(plain, anna, ben)


@pytest.fixture
def plan(tmp_path: Path) -> PlanFile:
    path = tmp_path / "plan.yml"
    save_plan(make_plan_of(), path)
    return load_plan_file(path)


async def lacking(inventory: Inventory, file: PlanFile | None) -> Lacking:
    with pytest.raises(SecondMissing) as caught:
        await seen(inventory, file)
    assert caught.value.exit_status == 3
    assert caught.value.advice
    return Lacking(caught.value.lacking)


async def test_a_right_signature(inventory: Inventory, plan: PlanFile, ben: Person) -> None:
    found = await seen(inventory, replace(plan, signature=ben.sign(plan.text)))
    assert found is not None
    assert (found.data["signer"], found.data["runners"]) == ("ben", ["anna"])
    assert str(found.data["key"]).startswith("SHA256:")
    assert "ben has signed the plan" in found.message


async def test_nobody_has_to_sign_where_the_inventory_does_not_say_so(
    inventory: Inventory, plan: PlanFile
) -> None:
    assert await seen(inventory.model_copy(update={"require_second": False}), plan) is None


async def test_what_is_no_signature_of_another(
    inventory: Inventory, plan: PlanFile, anna: Person, ben: Person, tmp_path: Path
) -> None:
    good = ben.sign(plan.text)
    eve = Person.made("eve", tmp_path / "keys")
    cases: dict[Lacking, list[bytes | None]] = {
        Lacking.SIGNATURE: [None],
        Lacking.KNOWN_KEY: [eve.sign(plan.text)],
        Lacking.ANOTHER: [anna.sign(plan.text)],
        Lacking.GOOD_SIGNATURE: [
            b"",
            b"hello",
            b"\xff\x00" * 50,
            good[:60] + good[90:],
            ben.sign(plan.text + b"\n"),
            ben.sign(plan.text, namespace="git"),
        ],
    }
    for expected, given in cases.items():
        for signature in given:
            assert await lacking(inventory, replace(plan, signature=signature)) is expected, signature
    assert await lacking(inventory, None) is Lacking.SIGNATURE


async def test_broken_glass_is_said_of_no_plan_that_is_signed(
    inventory: Inventory, plan: PlanFile, anna: Person, ben: Person
) -> None:
    found = await seen(inventory, replace(plan, signature=ben.sign(plan.text)), break_glass=True)
    assert found is not None
    assert found.data["second"] == "signed"
    found = await seen(inventory, replace(plan, signature=anna.sign(plan.text)), break_glass=True)
    assert found is not None
    assert found.data["second"] == "break-glass"
    assert "anna has signed this plan, and runs it as well" in str(found.data["answer"])


async def test_a_plan_that_was_changed_after_it_was_signed(
    inventory: Inventory, plan: PlanFile, ben: Person
) -> None:
    changed = plan.text.replace(b"op@desk", b"me@desk")
    assert changed != plan.text
    file = replace(plan, text=changed, signature=ben.sign(plan.text))
    assert await lacking(inventory, file) is Lacking.GOOD_SIGNATURE


async def test_who_runs_it_is_known_by_a_key(
    inventory: Inventory, plan: PlanFile, anna: Person, ben: Person, home: Path
) -> None:
    file = replace(plan, signature=ben.sign(plan.text))
    for path in (home / ".ssh").iterdir():
        path.unlink()
    (home / ".ssh/authorized_keys").write_text(ben.public + "\n")  # who may log in here is not who is here
    (home / ".ssh/key_of_ben.pub").write_text(ben.public + "\n")
    assert await lacking(inventory, file) is Lacking.KNOWN_RUNNER
    named = inventory.model_copy(update={"ssh": inventory.ssh.model_copy(update={"key_file": anna.key})})
    assert await seen(named, file) is not None


async def test_the_agents_keys_are_those_of_who_runs_it(
    inventory: Inventory, plan: PlanFile, ben: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a key that lies in no file here: an agent that was forwarded has it."""
    file = replace(plan, signature=ben.sign(plan.text))
    with FakeAgent(tmp_path / "agent", Ed25519Key(filename=str(ben.key))) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
        assert await lacking(inventory, file) is Lacking.ANOTHER
    assert await seen(inventory, file) is not None  # an agent that is gone holds nothing


async def test_another_key_of_the_same_person_is_no_other_person(
    inventory: Inventory, plan: PlanFile, anna: Person, ben: Person, tmp_path: Path
) -> None:
    token = Person.made("token", tmp_path / "keys")
    signers = (*inventory.allowed_signers, token.signer.model_copy(update={"name": "anna"}))
    inventory = inventory.model_copy(update={"allowed_signers": signers})
    assert await lacking(inventory, replace(plan, signature=token.sign(plan.text))) is Lacking.ANOTHER


@pytest.mark.parametrize("body", [None, "exit 1", "sleep 300"])
async def test_a_tool_that_is_missing_fails_or_hangs(
    inventory: Inventory,
    plan: PlanFile,
    ben: Person,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    body: str | None,
) -> None:
    file = replace(plan, signature=ben.sign(plan.text))
    if body == "sleep 300":
        monkeypatch.setattr(signatures, "_SECONDS", 0.5)
    tools = tmp_path / "tools"
    tools.mkdir()
    if body is not None:
        (tools / "ssh-keygen").write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n")
        (tools / "ssh-keygen").chmod(0o700)
    monkeypatch.setenv("PATH", str(tools))
    expected = Lacking.GOOD_SIGNATURE if body == "exit 1" else Lacking.TOOL
    assert await lacking(inventory, file) is expected


def test_the_form_of_a_signature(ben: Person) -> None:
    key = key_of(ben.sign(b"x"))
    assert ben.public.startswith(key.line)
    assert key.blob == ben.signer.blob
    for other in (
        b"",
        b"-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----",
        ben.public.encode(),
    ):
        with pytest.raises(ValueError):
            key_of(other)


# ── in a run ────────────────────────────────────────────────────────────────────────────────────────────────


async def signed_run(cluster: LocalCluster, person: Person | None) -> Run:
    plan = await cluster.plan()
    text = dump_plan(plan).encode() + b"# read by two\n"
    signature = person.sign(text) if person is not None else None
    return cluster.store.create(
        plan, cluster.inventory_path, PlanFile(Path("plan.yml"), plan, text, signature)
    )


async def signed_and_stopped(make_cluster: Make, anna: Person, ben: Person) -> tuple[LocalCluster, Run]:
    """Ben has signed the run's plan, and it is stopped with the services down."""
    cluster = make_cluster()
    cluster.inventory = two_wanted(cluster.inventory, anna, ben)
    run = await signed_run(cluster, ben)
    stops = Scripted({StepName.CONFIG: Go.STOP})
    assert await cluster.runner(run, operator=stops).restore() is Outcome.STOPPED
    return cluster, run


async def test_a_run_is_refused_before_anything_begins(make_cluster: Make, anna: Person, ben: Person) -> None:
    cluster = make_cluster()
    cluster.inventory = two_wanted(cluster.inventory, anna, ben)
    for run in (await cluster.run(), await signed_run(cluster, None), await signed_run(cluster, anna)):
        fleet = cluster.fleet()
        with pytest.raises(SecondMissing) as caught:
            await cluster.runner(run, fleet).restore()
        assert caught.value.safe == "Nothing was changed."
        assert not fleet.ran
        assert run.events() == ()


async def test_a_signed_run_goes_through_and_says_who_signed(
    make_cluster: Make, anna: Person, ben: Person
) -> None:
    cluster, run = await signed_and_stopped(make_cluster, anna, ben)
    assert run.plan_path.read_bytes().endswith(b"# read by two\n")
    assert await cluster.runner(cluster.store.open(run.id)).restore() is Outcome.RESTORED
    decided = [event for event in run.events() if event.data.get("second")]
    assert [event.kind for event in decided] == [EventKind.DECISION] * 2
    assert {event.data["signer"] for event in decided} == {"ben"}
    assert "signed by ben with SHA256:" in render(run, "md")


async def test_a_plan_of_a_run_that_was_changed_is_not_gone_on_with(
    make_cluster: Make, anna: Person, ben: Person
) -> None:
    cluster, run = await signed_and_stopped(make_cluster, anna, ben)
    run.plan_path.write_bytes(run.plan_path.read_bytes() + b"\n")
    with pytest.raises(SecondMissing) as caught:
        await cluster.runner(cluster.store.open(run.id)).restore()
    assert Lacking(caught.value.lacking) is Lacking.GOOD_SIGNATURE
    assert caught.value.safe != "Nothing was changed."  # services are stopped by now
    assert (
        await cluster.runner(cluster.store.open(run.id)).rollback() is Outcome.ROLLED_BACK
    )  # which needs nobody


async def test_who_signed_may_help_out_with_a_run_of_another(
    make_cluster: Make, anna: Person, ben: Person, home: Path
) -> None:
    cluster = make_cluster()
    cluster.inventory = two_wanted(cluster.inventory, anna, ben)
    run = await signed_run(cluster, ben)
    assert (
        await cluster.runner(run, operator=Scripted({StepName.CONFIG: Go.STOP})).restore() is Outcome.STOPPED
    )
    for path in (home / ".ssh").iterdir():
        path.unlink()
    ben.sits_here(home)
    assert await cluster.runner(cluster.store.open(run.id)).restore() is Outcome.RESTORED


async def test_break_glass_is_noted_and_holds_for_the_whole_run(
    make_cluster: Make, anna: Person, ben: Person
) -> None:
    cluster = make_cluster()
    cluster.inventory = two_wanted(cluster.inventory, anna, ben)
    run = await cluster.run()
    runner = cluster.runner(run, operator=Scripted({StepName.CONFIG: Go.STOP}), break_glass=True)
    assert await runner.restore() is Outcome.STOPPED
    assert await cluster.runner(cluster.store.open(run.id)).restore() is Outcome.RESTORED
    assert "a second pair of eyes: break glass" in render(run, "md")


async def taken_over(cluster: LocalCluster, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The run in another home, by what its nodes hold."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "second"))
    fleet = cluster.fleet()
    found = await find_run(fleet, cluster.inventory, run.id)
    record = see_that_it_may_be(found, although_at_work=True)
    return (await take_run(fleet, run.inventory_path.read_bytes(), found, record, "carla@second")).run


@pytest.mark.slow
async def test_a_run_that_is_taken_over_is_still_signed(
    make_cluster: Make, anna: Person, ben: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = make_cluster()
    cluster.inventory = two_wanted(cluster.inventory, anna, ben)
    run = await signed_run(cluster, ben)
    operator = Scripted({StepName.CONFIG: Go.STOP})
    assert await cluster.runner(run, operator=operator).restore() is Outcome.STOPPED
    taken = await taken_over(cluster, run, tmp_path, monkeypatch)
    assert taken.folder != run.folder
    assert taken.plan_path.read_bytes() == run.plan_path.read_bytes()
    assert await cluster.runner(taken).restore() is Outcome.RESTORED


async def test_glass_that_was_broken_elsewhere_is_broken_once_more(
    make_cluster: Make, anna: Person, ben: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal came from the nodes: who is root there could have written it so."""
    cluster = make_cluster()
    cluster.inventory = two_wanted(cluster.inventory, anna, ben)
    run = await cluster.run()
    operator = Scripted({StepName.CONFIG: Go.STOP})
    assert await cluster.runner(run, operator=operator, break_glass=True).restore() is Outcome.STOPPED
    taken = await taken_over(cluster, run, tmp_path, monkeypatch)
    with pytest.raises(SecondMissing):
        await cluster.runner(taken).restore()
    assert await cluster.runner(taken, break_glass=True).restore() is Outcome.RESTORED
