"""Stop: what ends a service, who decides when it does not end, and what notices that it came up again."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import pytest

from loomtui.errors import GateNotMet, StepFailed, StillRunning
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.running.operator import FailureQuestion, Go, OnFailure, Unattended
from tests.restore.cluster import LocalCluster, stopped_at
from tests.restore.local import stubborn
from tests.restore.scripted import Scripted

Make = Callable[..., LocalCluster]


async def test_a_service_that_does_not_stop_is_told(
    make_cluster: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.restore.running.steps.stop._STOP_SECONDS", 0)
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    run = await cluster.run()
    (machine.state / "stuck").touch()
    error = await stopped_at(cluster, run)
    assert "loom.service is not stopped 0 s after it was told to end (deactivating running)" in error.what
    assert "loom.service is held; nothing is killed" in error.safe
    assert "--kill" not in error.advice  # there is nothing that could be named to it
    (machine.state / "stuck").unlink()
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK


async def test_processes_that_hold_databases_are_named(
    make_cluster: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.restore.running.steps.stop._STOP_SECONDS", 0)
    cluster = make_cluster()
    with stubborn(cluster.machines["n1"]) as process:
        run = await cluster.run()
        with pytest.raises(StillRunning) as caught:
            await cluster.runner(run).restore()
        assert process.poll() is None  # nobody decided to kill it
    held = cluster.machines["n1"].workdir / "app.db/LOCK"
    assert caught.value.what == (
        f"Stop all: process {process.pid} (sleep) is not of the service and was not told to end, "
        f"and has {held} open"
    )
    assert f"Look on n1 at what was told nothing (ps -fp {process.pid}), end it there" in caught.value.advice
    assert "--kill" in caught.value.advice


@pytest.mark.slow
async def test_the_operator_may_have_them_killed(make_cluster: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loomtui.restore.running.steps.stop._STOP_SECONDS", 0)
    cluster = make_cluster()
    operator = Scripted(on_failure=[(OnFailure.RETRY, None), (OnFailure.KILL, None)])
    with stubborn(cluster.machines["n1"]) as process:
        run = await cluster.run()
        fleet = cluster.fleet(quick=False)
        assert await cluster.runner(run, fleet, operator).restore() is Outcome.RESTORED
        assert process.wait(20) == -signal.SIGKILL

    assert [set(failures) for _, failures, _ in operator.failures] == [{"n1"}, {"n1"}]
    assert all(OnFailure.KILL in choices for _, _, choices in operator.failures)
    decided = [event.data["answer"] for event in run.events() if event.data.get("asked") == "on failure"]
    assert decided == ["retry", "kill"]


async def test_nothing_is_offered_to_be_killed_where_nothing_is_named(
    make_cluster: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.restore.running.steps.stop._STOP_SECONDS", 0)
    cluster = make_cluster()
    (cluster.machines["n1"].state / "stuck").touch()
    operator = Scripted()
    await stopped_at(cluster, await cluster.run(), operator=operator)
    assert [choices for _, _, choices in operator.failures] == [
        (OnFailure.RETRY, OnFailure.STOP, OnFailure.ROLL_BACK)
    ]


async def test_nobody_there_kills_once_where_that_was_chosen_before() -> None:
    operator = Unattended("test", kill=True)
    failures = {"n1": StillRunning("still there", processes=("7:7",))}
    choices = (OnFailure.RETRY, OnFailure.KILL, OnFailure.STOP)
    question = FailureQuestion(StepName.STOP, failures, choices)
    answers = [(await operator.on_failure(question))[0] for _ in range(2)]
    assert answers == [OnFailure.KILL, OnFailure.STOP]
    assert await operator.on_failure(replace(question, choices=choices[:1])) == (OnFailure.STOP, None)


@pytest.mark.slow
@pytest.mark.parametrize("answer", [OnFailure.KILL, OnFailure.STOP])
async def test_a_rollback_asks_before_it_kills(
    make_cluster: Make, monkeypatch: pytest.MonkeyPatch, answer: OnFailure
) -> None:
    monkeypatch.setattr("loomtui.restore.running.steps.stop._STOP_SECONDS", 0)
    cluster = make_cluster()
    run = await cluster.run()
    await cluster.runner(run, operator=Scripted({StepName.VERIFY: Go.STOP})).restore()
    operator = Scripted(on_failure=[(answer, None)])
    with stubborn(cluster.machines["n1"]) as process:
        rolling_back = cluster.runner(run, operator=operator).rollback()
        if answer is OnFailure.KILL:
            assert await rolling_back is Outcome.ROLLED_BACK
            assert process.wait(20) == -signal.SIGKILL
        else:
            with pytest.raises(StillRunning):
                await rolling_back
            assert process.poll() is None


async def test_a_service_that_comes_up_again_is_noticed(make_cluster: Make) -> None:
    """By hand, by cron: whoever starts it in the middle."""
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()

    def after(node: str, script: str) -> None:
        if script == "stop":
            cluster.machines[node].set_active("active")

    fleet.faults.after = after
    assert "it is active again" in (await stopped_at(cluster, run, fleet)).what


async def test_the_gate_after_the_stop_looks_once_more(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()
    seen: list[str] = []

    def after(node: str, script: str) -> None:
        seen.append(script)
        if seen[-3:] == ["stop", "run_state", "processes"]:  # what `verify` sees is still well
            cluster.machines[node].set_active("active")
            cluster.machines[node].hold.unlink()

    fleet.faults.after = after
    error = await stopped_at(cluster, run, fleet)
    assert isinstance(error, GateNotMet)
    assert "n1 is active again and not held" in error.what


@pytest.mark.slow
@pytest.mark.parametrize("seen_last", [["stop"], ["stop", "run_state", "processes"]], ids=["check", "gate"])
async def test_who_reads_the_databases_when_the_chain_stands_is_waited_for(
    make_cluster: Make, seen_last: list[str]
) -> None:
    """As a backup job does that wakes up then: it began after the stop, and ends by itself."""
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet(quick=False)
    seen: list[str] = []
    with ExitStack() as reading:

        def after(node: str, script: str) -> None:
            seen.append(script)
            if seen[-len(seen_last) :] == seen_last and seen.count("stop") == 1:
                reading.enter_context(stubborn(cluster.machines[node]))

        def before(node: str, script: str) -> None:
            if script == "stop":
                reading.close()

        fleet.faults.after, fleet.faults.before = after, before
        assert await cluster.runner(run, fleet).restore() is Outcome.RESTORED
    assert seen.count("stop") == 2


async def test_who_begins_to_read_the_databases_and_stays_is_named(
    make_cluster: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.restore.running.steps.stop._STOP_SECONDS", 0)
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet(quick=False)
    with ExitStack() as reading:

        def after(node: str, script: str) -> None:
            if script == "stop":
                reading.enter_context(stubborn(cluster.machines[node]))
                fleet.faults.after = lambda node, script: None

        fleet.faults.after = after
        error = await stopped_at(cluster, run, fleet)
    assert isinstance(error, StillRunning)
    assert "is not of the service and was not told to end" in error.what


async def test_a_service_that_cannot_stop_keeps_its_files_in_a_rollback(
    make_cluster: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.restore.running.steps.stop._STOP_SECONDS", 0)
    cluster = make_cluster()
    run = await cluster.run()
    await cluster.runner(run).restore()
    (cluster.machines["n1"].state / "stuck").touch()
    with pytest.raises(StepFailed, match="not stopped 0 s after it was told to end"):
        await cluster.runner(run).rollback()
    assert "restored" in (cluster.machines["n1"].workdir / "app.db/LOG").read_text()
