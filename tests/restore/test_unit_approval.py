"""A unit is changed as it was approved, edited or not: in the journal, after a crash, and back again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.errors import LoomtuiError, StepFailed
from loomtui.inventory.model import Role
from loomtui.loom.identity import NodeFacts
from loomtui.loom.references import compare
from loomtui.loom.units import read_unit
from loomtui.restore.events import Event, EventKind, Json, Outcome, StepName
from loomtui.restore.planning.identities import ServiceFix, digest_of, service_fixes
from loomtui.restore.record.run_store import Run
from loomtui.restore.report import Form, chronicle_of, render
from loomtui.restore.running.approvals import approved
from loomtui.restore.running.operator import OnFailure
from loomtui.restore.running.unit_edits import judge, why_locked
from tests.restore.cluster import LocalCluster
from tests.restore.local_fleet import LocalFleet
from tests.restore.material import NOW, Key, make_plan_of, node_key_of, node_plan, unit_text
from tests.restore.scripted import Scripted

Make = Callable[..., LocalCluster]
FORMS: tuple[Form, ...] = ("md", "html", "json")


def wrong(cluster: LocalCluster, number: int = 1, extra: str = "") -> None:
    """The unit of this node's backup has the other node's address, with a key that it never had."""
    other = 3 - number
    text = unit_text(cluster.machines[f"n{number}"], f"tcp://{Key(77).node_id}@10.0.0.{other}:46656")
    cluster.add_config_backup(number, files={"loom.service": text + extra})
    cluster.spoil_unit(number)


def nice(text: str) -> str:
    """An edit that leaves the peers alone."""
    return text.replace("RestartSec=2\n", "RestartSec=7\nNice=5\n")


def unit_of(cluster: LocalCluster, name: str = "n1") -> str:
    return cluster.machines[name].unit.read_text()


def decisions(run: Run) -> list[Mapping[str, Json]]:
    events = (event for event in run.events() if event.kind is EventKind.DECISION)
    return [event.data for event in events if event.data["asked"] == "change of the unit"]


async def failing(cluster: LocalCluster, run: Run, operator: Scripted) -> LoomtuiError:
    with pytest.raises(LoomtuiError) as caught:
        await cluster.runner(run, operator=operator).restore()
    return caught.value


# ── what is recorded ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_a_yes_is_in_the_journal_and_in_the_report(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    wrong(cluster)
    run = await cluster.run()
    assert await cluster.runner(run, operator=Scripted()).restore() is Outcome.RESTORED
    (yes,) = decisions(run)
    assert (yes["answer"], yes["by"]) == ("yes", "test")
    assert yes["digest"] == digest_of(unit_of(cluster))
    (decision,) = [one for one in chronicle_of(run).decisions if one.asked == "change of the unit"]
    assert (decision.node, decision.answer, decision.by) == ("n1", "yes", "test")
    (event,) = [event for event in run.events() if event.data == yes]
    assert decision.at == event.at
    for form in FORMS:
        assert "change of the unit" in render(run, form)


@pytest.mark.slow
async def test_an_edited_yes_is_recorded_with_what_it_changed(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    wrong(cluster)
    run = await cluster.run()
    operator = Scripted(edits={"n1": nice})
    assert await cluster.runner(run, operator=operator).restore() is Outcome.RESTORED
    assert unit_of(cluster) == nice(operator.drafts["n1"].text)
    assert f"tcp://{node_key_of(2).node_id}@10.0.0.2:46656" in unit_of(cluster)
    (yes,) = decisions(run)
    assert (yes["answer"], yes["by"]) == ("yes, edited", "test")
    assert yes["digest"] == digest_of(unit_of(cluster))
    assert {"+Nice=5", "-RestartSec=2"} <= set(str(yes["diff"]).splitlines())
    entries = json.loads(render(run, "json"))["decisions"]
    assert [(one["digest"], one["diff"]) for one in entries if one["diff"]] == [(yes["digest"], yes["diff"])]
    assert "+Nice=5" in render(run, "md")
    assert "+Nice=5" in render(run, "html")


@pytest.mark.slow
async def test_nothing_is_edited_without_a_person(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    wrong(cluster)
    run = await cluster.run()
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    assert [one["answer"] for one in decisions(run)] == ["yes"]


# ── after a crash ───────────────────────────────────────────────────────────────────────────────────────────


class Killed(Exception):
    """No LoomtuiError: nothing may catch it."""


def killing(cluster: LocalCluster, at: str, time: int = 1) -> LocalFleet:
    """A fleet that is gone when n1 is to run this script so many times; every later script is gone, too."""
    fleet = cluster.fleet()
    scripts: list[str] = []

    def before(node: str, script: str) -> None:
        scripts.append(f"{node} {script}")
        if scripts.count(f"n1 {at}") >= time:
            raise Killed

    fleet.faults.before = before
    return fleet


@pytest.mark.slow
@pytest.mark.parametrize("at", ["stage_file", "verify_unit"])
@pytest.mark.parametrize("edit", [None, nice], ids=["as proposed", "edited"])
async def test_what_was_approved_before_a_crash_is_done_and_not_asked_again(
    make_cluster: Make, at: str, edit: Callable[[str], str] | None
) -> None:
    cluster = make_cluster(2)
    wrong(cluster)
    before = cluster.live()
    run = await cluster.run()
    first = Scripted(edits={"n1": edit} if edit else {})
    with pytest.raises(Killed):
        await cluster.runner(run, killing(cluster, at), first).restore()
    assert cluster.live() == before
    (yes,) = decisions(run)

    second = Scripted(approves=False)
    assert await cluster.runner(run, operator=second).restore() is Outcome.RESTORED
    assert second.asked == []
    assert "as test approved it" in second.previews[StepName.SERVICES]["n1"].text
    assert digest_of(unit_of(cluster)) == yes["digest"]
    assert ("Nice=5" in unit_of(cluster)) is (edit is not None)
    assert ("+Nice=5" in second.previews[StepName.SERVICES]["n1"].diff) is (edit is not None)

    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before


@pytest.mark.slow
async def test_an_edited_unit_that_is_in_place_is_left_alone_by_a_resumed_run(make_cluster: Make) -> None:
    """Even where loomtui would have written it otherwise: it has the node's own entry, which is harmless."""
    cluster = make_cluster(2)
    wrong(cluster)
    before = cluster.live()
    run = await cluster.run()

    def with_itself(text: str) -> str:
        return text.replace("--persistent-peers ", f"--persistent-peers {own},")

    own = f"tcp://{node_key_of(1).node_id}@10.0.0.1:46656"
    fleet = cluster.fleet()

    def after(node: str, script: str) -> None:
        if script == "reload" and own in unit_of(cluster):
            raise Killed

    fleet.faults.after = after
    with pytest.raises(Killed):
        await cluster.runner(run, fleet, Scripted(edits={"n1": with_itself})).restore()
    second = Scripted(approves=False)
    assert await cluster.runner(run, operator=second).restore() is Outcome.RESTORED
    assert second.asked == []
    assert second.previews[StepName.SERVICES]["n1"].already
    assert own in unit_of(cluster)
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before


@pytest.mark.slow
async def test_a_unit_that_changed_since_it_was_approved_is_asked_about_again(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    wrong(cluster)
    run = await cluster.run()
    operator = Scripted(edits={"n1": nice})
    with pytest.raises(Killed):  # when the approved unit is to be put in, after the config
        await cluster.runner(run, killing(cluster, "replace", 2), operator).restore()
    cluster.machines["n1"].write_unit(unit_of(cluster) + "# edited by somebody\n")
    second = Scripted()
    assert await cluster.runner(run, operator=second).restore() is Outcome.RESTORED
    (asked,) = second.asked
    assert "what test approved before is not done" in asked.text
    assert "# edited by somebody" in unit_of(cluster)
    assert any("is not done" in event.message for event in run.events() if event.kind is EventKind.NOTE)


@pytest.mark.slow
async def test_a_no_is_asked_again(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    wrong(cluster)
    run = await cluster.run()
    await failing(cluster, run, Scripted(approves=False))
    second = Scripted()
    assert await cluster.runner(run, operator=second).restore() is Outcome.RESTORED
    assert [preview.node for preview in second.asked] == ["n1"]
    assert [one["answer"] for one in decisions(run)] == ["no", "yes"]


@pytest.mark.slow
async def test_what_systemd_refuses_is_asked_about_again_and_can_be_edited(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    wrong(cluster, extra="# BROKEN\n")
    run = await cluster.run()
    error = await failing(cluster, run, Scripted())
    assert "systemd refuses the new unit" in error.what

    def mended(text: str) -> str:
        return text.replace("# BROKEN\n", "")

    second = Scripted(edits={"n1": mended})
    assert await cluster.runner(run, operator=second).restore() is Outcome.RESTORED
    assert "BROKEN" not in unit_of(cluster)
    assert [one["answer"] for one in decisions(run)] == ["yes", "yes, edited"]


# ── what is refused ─────────────────────────────────────────────────────────────────────────────────────────


async def test_an_edit_that_must_not_be_is_refused_whoever_asks_for_it(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    wrong(cluster)
    before = cluster.live()
    run = await cluster.run()
    operator = Scripted(
        edits={"n1": lambda text: text.replace("User=", "User=someone-else")},
        on_failure=[(OnFailure.STOP, None)],
    )
    error = await failing(cluster, run, operator)
    assert isinstance(error, StepFailed)
    assert "the restored files belong to" in error.what
    assert decisions(run) == []
    assert cluster.live() == before


@pytest.mark.slow
async def test_a_unit_with_a_password_is_not_edited_and_the_password_is_in_no_record(
    make_cluster: Make,
) -> None:
    cluster = make_cluster(2)
    wrong(cluster, extra="Environment=REDIS_PASSWORD=hunter2\n")
    run = await cluster.run()
    operator = Scripted(edits={"n1": lambda text: text + "Nice=5\n"})
    error = await failing(cluster, run, operator)
    draft = operator.drafts["n1"]
    assert draft.text == ""
    assert "Line 12 of" in draft.locked
    assert draft.locked in error.what
    assert await cluster.runner(run, operator=Scripted()).restore() is Outcome.RESTORED
    assert "hunter2" in unit_of(cluster)
    assert "hunter2" not in run.journal_path.read_text()
    for form in FORMS:
        assert "hunter2" not in render(run, form)


# ── the judgement ───────────────────────────────────────────────────────────────────────────────────────────

UNIT = "/etc/systemd/system/loom.service"
PEER2 = f"tcp://{node_key_of(2).node_id}@10.0.0.2:46656"
TEXT = (
    "[Unit]\nDescription=Loom\n\n[Service]\nType=simple\nUser=loom\nGroup=loom\nWorkingDirectory=/var/lib/loom\n"
    f"ExecStart=/usr/bin/loom run --persistent-peers tcp://{Key(77).node_id}@10.0.0.2:46656\nRestart=always\n"
)


def facts(number: int, text: str) -> NodeFacts:
    return NodeFacts(
        f"n{number}",
        Role.VALIDATOR,
        f"10.0.0.{number}",
        46656,
        node_key_of(number).node_id,
        unit=read_unit(UNIT, text),
    )


NODES = (facts(1, TEXT), facts(2, TEXT.replace("10.0.0.2", "10.0.0.1")))
FIX = service_fixes(compare(NODES))[0]
PLAN = make_plan_of(node_plan("n1", working_directory="/var/lib/loom", user="loom", group="loom")).nodes[0]


def problems(text: str, fix: ServiceFix = FIX) -> str:
    return " ".join(judge(text, fix, NODES[0], NODES, PLAN).problems)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("ExecStart=", "# ExecStart=", "There is no ExecStart="),
        ("Restart=always", "Restart always", "neither a section nor a setting"),
        ("[Service]", "Service", "There is no ExecStart="),
        ("--persistent-peers ", "--persistent-peers '", "a quote is opened and never closed"),
        (PEER2, PEER2.replace("46656", "46657"), "has port 46657 for n2"),
        (PEER2, PEER2.replace("10.0.0.2", "10.0.0.9"), "peers dial it at 10.0.0.2"),
        (node_key_of(2).node_id, Key(55).node_id, "the key of n2 makes"),
        (f"--persistent-peers {PEER2}", "", "n1 does not list n2"),
        ("User=loom", "User=root", "the restored files belong to loom"),
        ("User=loom\n", "", "the restored files belong to loom"),
        ("Group=loom", "Group=wheel", "the restored files belong to loom"),
        (
            "WorkingDirectory=/var/lib/loom",
            "WorkingDirectory=/srv",
            "the restored data lies in /var/lib/loom",
        ),
        ("Restart=always", "Environment=API_TOKEN=abc", "Line 10 holds a password"),
        ("Restart=always", "Restart=always\x1b[2J", "Line 10 holds"),
        ("Restart=always\n", "Restart=always\r\n", "Line 10 holds"),
        ("Restart=always\n", "# x\n" * 20_000, "longer than 65,536"),
    ],
)
def test_edits_that_are_refused(old: str, new: str, why: str) -> None:
    assert old in FIX.after
    assert why in problems(FIX.after.replace(old, new))


def test_without_the_unit_of_the_node_no_edit_is_judged_right() -> None:
    judged = judge(FIX.after, FIX, replace(NODES[0], unit=None), NODES, PLAN)
    assert "could not be read" in " ".join(judged.problems)


def test_an_edit_that_is_worth_a_warning() -> None:
    other = "tcp://" + "c" * 40 + "@10.9.9.9:46656"
    edited = FIX.after.replace(PEER2, f"{PEER2},{other},odd").replace("/usr/bin/loom", "/opt/loom")
    judged = judge(edited, FIX, NODES[0], NODES, PLAN)
    assert judged.problems == ()
    assert "a peer that is not in the inventory" in " ".join(judged.warnings)
    assert "loom skips it" in " ".join(judged.warnings)
    assert "another program: /opt/loom instead of /usr/bin/loom" in " ".join(judged.warnings)
    assert f"+ExecStart=/opt/loom run --persistent-peers {PEER2},{other},odd" in judged.diff.splitlines()


def test_what_was_wrong_before_is_no_fault_of_the_edit() -> None:
    fix = ServiceFix("n1", UNIT, TEXT + "junk\n", FIX.after + "junk\n", "")
    assert problems(fix.after + "# a remark\n", fix) == ""


def test_the_proposal_itself_has_nothing_against_it() -> None:
    judged = judge(FIX.after, FIX, NODES[0], NODES, PLAN)
    assert (judged.problems, judged.warnings) == ((), ())
    assert judged.diff == FIX.diff


@given(st.text() | st.lists(st.sampled_from([*TEXT, "\\", "'", '"', "$", ";"])).map("".join))
def test_any_text_can_be_judged(text: str) -> None:
    judge(text, FIX, NODES[0], NODES, PLAN)


def test_what_cannot_be_shown_is_not_edited() -> None:
    assert why_locked(FIX) == ""
    for hidden in ("Environment=DB_PASSWORD=x\n", "# \x1b[2J\n", "# a\r\n"):
        fix = ServiceFix("n1", UNIT, TEXT + hidden, FIX.after + hidden, "")
        assert f"Line 11 of {UNIT}" in why_locked(fix)


# ── the journal, read back ──────────────────────────────────────────────────────────────────────────────────


def test_a_text_that_is_not_what_was_approved_is_not_taken() -> None:
    def event(digest: str) -> Event:
        data: dict[str, Json] = {"asked": "change of the unit", "answer": "yes, edited", "by": "me"}
        data |= {"before": "b", "text": "x", "digest": digest}
        return Event(1, NOW, "run", EventKind.DECISION, "", StepName.SERVICES, "n1", data)

    assert approved([event(digest_of("x"))])["n1"].text == "x"
    assert approved([event(digest_of("y"))]) == {}
