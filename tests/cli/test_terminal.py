"""With a person at the keyboard: questions are asked, answers count, and the screens come up."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loomtui.drill.practice import Practice, practice
from tests.cli.conftest import ROOT, Cluster, Run, command
from tests.cli.terminal import Terminal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small() -> Iterator[Practice]:
    with practice("healthy", 1, block_seconds=0.3) as cluster:
        yield cluster


@pytest.fixture
def strange(small: Practice, tmp_path: Path, loomtui: Run) -> Cluster:
    """Its inventory knows no host key yet."""
    known = str(small.root / "known_hosts")
    cluster = Cluster(small, loomtui)
    cluster.inventory_with(tmp_path, f"known_hosts: {known}", f"known_hosts: {tmp_path / 'known'}")
    return cluster


def environment(cluster: Cluster, home: Path) -> dict[str, str]:
    return {**cluster.practice.environment, "HOME": str(home)}


def test_unknown_host_key_is_refused_where_nobody_can_answer(strange: Cluster, tmp_path: Path) -> None:
    done = strange("status", "-i", str(tmp_path / "changed.yml"), "--json")
    assert done.status == 3
    assert not (tmp_path / "known").exists()


def test_unknown_host_key_is_shown_asked_about_and_remembered(
    strange: Cluster, tmp_path: Path, home: Path
) -> None:
    args = ("nodekeys", "-i", str(tmp_path / "changed.yml"))
    with Terminal(*args, env=environment(strange, home), cwd=tmp_path) as terminal:
        for _ in strange.practice.names:
            terminal.expect("SHA256:")
            terminal.expect("Type yes to trust it")
            terminal.type("yes\r")
        terminal.expect("Every reference that was seen is right.")
        assert terminal.end() == 0
    assert len((tmp_path / "known").read_text(encoding="utf-8").splitlines()) == 2
    assert strange("nodekeys", "-i", str(tmp_path / "changed.yml")).status == 0


def test_anything_but_yes_refuses_the_key(strange: Cluster, tmp_path: Path, home: Path) -> None:
    args = ("status", "-i", str(tmp_path / "changed.yml"))
    with Terminal(*args, env=environment(strange, home), cwd=tmp_path) as terminal:
        for _ in strange.practice.names:
            terminal.expect("Type yes to trust it")
            terminal.type("y\r")
        assert terminal.end() == 3
    assert not (tmp_path / "known").exists()


def test_interrupt_at_a_question(strange: Cluster, tmp_path: Path, home: Path) -> None:
    args = ("status", "-i", str(tmp_path / "changed.yml"))
    with Terminal(*args, env=environment(strange, home), cwd=tmp_path) as terminal:
        terminal.expect("Type yes to trust it")
        terminal.type("\x03")
        terminal.expect("Interrupted.")
        assert terminal.end() == 130
        assert "Traceback" not in terminal.shown


def test_read_only_screens_open_and_close(small: Practice, tmp_path: Path, home: Path) -> None:
    env = {**small.environment, "HOME": str(home)}
    with Terminal("-i", str(small.inventory_path), env=env, cwd=tmp_path) as terminal:
        terminal.expect("practice-healthy")
        terminal.type("q")
        assert terminal.end() == 0
        assert "Traceback" not in terminal.shown


def test_screens_are_not_drawn_into_a_file(tmp_path: Path, home: Path) -> None:
    program = ("/bin/sh", "-c", '"$@" 2> errors', "sh", *command("-i", str(ROOT / "sample_inventory.yml")))
    with Terminal(program=program, env={"HOME": str(home)}, cwd=tmp_path) as terminal:
        assert terminal.end() == 2
        assert terminal.shown == ""
    assert "need a terminal" in (tmp_path / "errors").read_text()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 130), (signal.SIGHUP, 129)])
def test_screens_end_when_they_are_told_to(
    small: Practice, tmp_path: Path, home: Path, number: signal.Signals, status: int
) -> None:
    env = {**small.environment, "HOME": str(home)}
    with Terminal("-i", str(small.inventory_path), env=env, cwd=tmp_path) as terminal:
        terminal.expect("practice-healthy")
        terminal.signal(number)
        assert terminal.end() == status
        assert "Traceback" not in terminal.shown


def test_drill_opens_the_screens_and_leaves_nothing(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "drills"
    folder.mkdir()
    env = {"HOME": str(home), "TMPDIR": str(folder)}
    with Terminal("drill", "--nodes", "1", env=env, cwd=tmp_path) as terminal:
        terminal.expect("Choose a drill")
        terminal.expect("clean-restore")
        terminal.type("\r")
        terminal.expect("PRACTICE")
        terminal.expect("No real node is touched")
        terminal.type("\r")
        terminal.expect("restores from a backup")  # the next act, with its key
        terminal.type("q")
        assert terminal.end() == 0
        assert "Traceback" not in terminal.shown
    left = [path for path in folder.iterdir() if path.name.startswith("loomtui")]
    assert left == []
    assert list(home.rglob("*loomtui*")) == []


def test_wrong_name_stops_a_rollback(small: Practice, tmp_path: Path, home: Path, loomtui: Run) -> None:
    cluster = Cluster(small, loomtui)
    plan = str(tmp_path / "plan.yml")
    assert cluster("plan", "--reset-signing-state", cluster.name, "-o", plan).status == 0
    lock = small.working_directory("val-1") / ".loomtui" / "lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(
        '{"run": "20260101-000000-abcd", "who": "a@b", "from": "c", "since": "x"}', encoding="utf-8"
    )
    assert cluster("restore", "--plan", plan, "--yes").status == 3  # so that there is a run
    lock.unlink()
    (run,) = cluster("runs", "--json").document["runs"]
    for verb, words in (("rollback", "is put back"), ("clean", "deleted for good"), ("resume", "goes on")):
        with Terminal(verb, run["id"], env=environment(cluster, home), cwd=tmp_path) as terminal:
            terminal.expect(words)
            terminal.expect(f"Type {cluster.name} to go on")
            terminal.type("practice\r")
            terminal.expect("nothing was done")
            assert terminal.end() == 2


def test_a_production_cluster_wants_a_second_consent(
    small: Practice, tmp_path: Path, home: Path, loomtui: Run
) -> None:
    cluster = Cluster(small, loomtui)
    plan = str(tmp_path / "plan.yml")
    assert cluster("plan", "--reset-signing-state", cluster.name, "-o", plan).status == 0
    inventory = cluster.inventory_with(tmp_path, "production: false", "production: true")
    restore = ("restore", "-i", inventory, "--plan", plan, "--yes")
    refused = cluster(*restore)
    assert refused.status == 3
    told = " ".join(refused.err.split())
    assert "is a production cluster, and --yes alone is no consent" in told
    assert f"then add: --production {cluster.name}" in told
    assert cluster(*restore, "--production", "another").status == 2
    assert cluster("runs", "--json").document == {"runs": []}
    lock = small.working_directory("val-1") / ".loomtui" / "lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text('{"run": "20260101-000000-abcd", "who": "a@b", "from": "c", "since": "x"}')
    consented = cluster(*restore, "--production", cluster.name)
    lock.unlink()
    assert "another run holds the node" in consented.err  # it began, and stopped at the lock
    (run,) = cluster("runs", "--json").document["runs"]
    with Terminal("rollback", run["id"], env=environment(cluster, home), cwd=tmp_path) as terminal:
        terminal.expect(f"Type {cluster.name} to go on")
        terminal.type(f"{cluster.name}\r")
        terminal.expect("It is a production cluster. Type production as well")
        terminal.type(f"{cluster.name}\r")
        terminal.expect("nothing was done")
        assert terminal.end() == 2


ASKING = """
import asyncio
from loomtui.cli.asking import prompter
from loomtui.fleet.ssh.prompter import Question
async def ask():
    person = prompter()
    print("heard", repr(await person.secret("n1", "password of sudo")), flush=True)
    print("heard", repr(await person.secret("n2", "password of sudo")), flush=True)
    for echo in (True, False, False):
        question = Question("jump host me@bastion:22", ("Blue one.",), "Code:", echo=echo, note="Again.")
        print("heard", repr(await person.answer(question)), flush=True)
asyncio.run(ask())
"""


def test_secret_is_asked_for_without_showing_it(tmp_path: Path, home: Path) -> None:
    with Terminal(program=[sys.executable, "-c", ASKING], env={"HOME": str(home)}, cwd=tmp_path) as terminal:
        terminal.expect("n1: password of sudo: ")
        terminal.type("hunter2\r")
        terminal.expect("heard 'hunter2'")
        assert terminal.shown.count("hunter2") == 1  # what the program printed, not what was typed
        terminal.expect("n2: password of sudo: ")
        terminal.type("\x04")
        terminal.expect("heard None")
        terminal.expect("jump host me@bastion:22 asks.")
        terminal.expect("> Blue one.")
        terminal.expect("Again.")
        terminal.expect("> Code: ")
        terminal.type("seen1\r")
        terminal.expect("seen1")
        terminal.expect("heard 'seen1'")
        terminal.expect("> Code: ")
        terminal.type("\r")
        terminal.expect("heard ''")  # which may be an answer
        terminal.expect("> Code: ")
        terminal.type("\x04")
        terminal.expect("DECLINED")
        assert terminal.end() == 0
