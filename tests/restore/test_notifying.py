"""What is told to those who are not at the keyboard, and that nothing of it harms a run."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loomtui.errors import ScriptFailed, StepFailed
from loomtui.inventory.model import NotifySettings
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.running import notifier as notifier_module
from loomtui.restore.running.notices import About, Happening, Notice, document
from loomtui.restore.running.notifier import Notifier
from loomtui.restore.running.operator import Go
from tests.restore.cluster import LocalCluster
from tests.restore.local_fleet import fail_always
from tests.restore.scripted import Scripted

Make = Callable[..., LocalCluster]
ABOUT = About("lab", True, "20260101-120000-abcd", "me@desk", "desk")
WAITS = Notice(Happening.WAITS, "waits before the stop", StepName.STOP, ("n1",), "Answer it.")


def shell(script: str, *, timeout: float = 30) -> NotifySettings:
    return NotifySettings(command=("/bin/sh", "-c", script), timeout=timeout)


def keeping(folder: Path) -> NotifySettings:
    """Each document is a line of `told`."""
    return shell(f"cat >> {folder}/told")


def told(folder: Path) -> list[dict[str, Any]]:
    path = folder / "told"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


async def problems_of(settings: NotifySettings | None, *notices: Notice) -> list[str]:
    problems: list[str] = []
    notifier = Notifier(settings, ABOUT, problems.append)
    for notice in notices:
        notifier.post(notice)
    await notifier.flush()
    return problems


def test_the_document() -> None:
    at = datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)
    assert document(WAITS, ABOUT, at, 2) == {
        "version": 1,
        "event": "waits",
        "text": "lab: restore 20260101-120000-abcd waits before the stop",
        "cluster": "lab",
        "production": True,
        "run": "20260101-120000-abcd",
        "operator": "me@desk",
        "host": "desk",
        "at": "2026-01-01T12:00:01Z",
        "step": "stop",
        "nodes": ["n1"],
        "advice": "Answer it.",
        "passed_over": 2,
    }


def test_the_document_is_bounded_and_one_line() -> None:
    notice = Notice(Happening.FAILED, "a\x1b[2J\nb" + "x" * 9_000, None, ("n\n1",) * 500)
    written = document(notice, ABOUT, datetime.now(UTC), 0)
    assert len(str(written["text"])) < 1_100
    assert "\n" not in str(written["text"])
    assert "\x1b" not in json.dumps(written)
    assert len(json.dumps(written)) < 10_000


async def test_it_gets_the_document_on_its_standard_input(tmp_path: Path) -> None:
    assert await problems_of(keeping(tmp_path), WAITS) == []
    (one,) = told(tmp_path)
    assert (one["event"], one["passed_over"]) == ("waits", 0)
    assert await problems_of(None, WAITS) == []


async def test_arguments_are_no_shell_and_have_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    program = tmp_path / "tell"
    program.write_text('#!/bin/sh\nprintf "%s|" "$@" > "$HOME/words"\n')
    program.chmod(0o700)
    settings = NotifySettings(command=("~/tell", "$(touch canary)", "a b", "~/x", "a~/b"))
    assert await problems_of(settings, WAITS) == []
    assert (tmp_path / "words").read_text() == f"$(touch canary)|a b|{tmp_path}/x|a~/b|"
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (shell(r"printf 'no \033[2Jsuch host' >&2; exit 7"), "ended with status 7: no such host"),
        (shell("exit 1"), "/bin/sh ended with status 1"),
        (shell("yes >&2", timeout=0.3), "it took more than 0.3 s: y y"),
        (shell("sleep 300 & wait", timeout=0.3), "/bin/sh was ended: it took more than 0.3 s"),
        (NotifySettings(command=("/no/such/program",)), "cannot be started: No such file"),
    ],
)
async def test_its_failure_is_told_in_short(settings: NotifySettings, expected: str) -> None:
    begun = time.monotonic()
    (problem,) = await problems_of(settings, WAITS)
    assert expected in problem
    assert len(problem) < 500
    assert "\x1b" not in problem
    assert time.monotonic() - begun < 60


async def test_what_it_prints_goes_nowhere_and_harms_nothing(tmp_path: Path) -> None:
    assert await problems_of(shell(f"head -c 3000000 /dev/zero; cat >> {tmp_path}/told"), WAITS) == []
    assert len(told(tmp_path)) == 1


async def test_a_flood_is_one_command_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is told, and of the others the last, with their number."""
    monkeypatch.setattr(notifier_module, "_APART_SECONDS", 0.0)
    problems: list[str] = []
    notifier = Notifier(shell(f"cat >> {tmp_path}/told; cat {tmp_path}/go"), ABOUT, problems.append)
    notifier.post(WAITS)
    await asyncio.sleep(0)  # the first is taken
    for number in range(1_000):
        notifier.post(Notice(Happening.FAILED, f"has failed {number}"))
    await notifier.flush()
    first, last = told(tmp_path)
    assert (first["event"], first["passed_over"]) == ("waits", 0)
    assert last["text"].endswith("has failed 999")
    assert last["passed_over"] == 999
    assert len(problems) == 2  # there is no such file


# ── in a run ────────────────────────────────────────────────────────────────────────────────────────────────


def with_notify(cluster: LocalCluster, settings: NotifySettings) -> LocalCluster:
    cluster.inventory = cluster.inventory.model_copy(update={"notify": settings})
    return cluster


async def test_a_run_that_fails_or_ends_is_told(make_cluster: Make, tmp_path: Path) -> None:
    cluster = with_notify(make_cluster(), keeping(tmp_path))
    run, fleet = await cluster.run(), cluster.fleet()
    fail_always(fleet, "hold")
    with pytest.raises((ScriptFailed, StepFailed)):
        await cluster.runner(run, fleet, Scripted()).restore()
    assert await cluster.runner(run, cluster.fleet(), Scripted({StepName.CONFIG: Go.STOP})).restore() is (
        Outcome.STOPPED
    )
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    failed, stopped, restored = told(tmp_path)
    assert (failed["event"], failed["run"], failed["step"]) == ("failed", run.id, "stop")
    assert failed["advice"]
    assert stopped["event"] == "stopped"
    assert f"loomtui resume {run.id}" in stopped["advice"]
    assert (restored["event"], restored["advice"]) == ("restored", "")


async def test_a_command_that_fails_is_noted_and_the_run_goes_on(make_cluster: Make) -> None:
    cluster = with_notify(make_cluster(), NotifySettings(command=("/no/such/program",)))
    run = await cluster.run()
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    notes = [event for event in run.events() if event.kind is EventKind.NOTE]
    assert "the notify command /no/such/program cannot be started" in notes[-1].message
    assert notes[-1].data["severity"] == "warning"


async def test_what_was_not_begun_is_not_told(make_cluster: Make, tmp_path: Path) -> None:
    cluster = with_notify(make_cluster(), keeping(tmp_path))
    run = await cluster.run()
    cluster.inventory = cluster.inventory.model_copy(update={"cluster": "another"})
    with pytest.raises(Exception, match="the plan is for"):
        await cluster.runner(run).restore()
    assert told(tmp_path) == []
