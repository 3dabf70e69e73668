"""lock.sh, unlock.sh, clean.sh: whose the node is."""

from __future__ import annotations

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which

import pytest

from loomtui.fleet.facts import read_facts
from loomtui.fleet.scripts import ChangeScript
from tests.restore.interrupting import Call, Interruptions, state
from tests.restore.local import RUN, LocalNode

OTHER = "20260101-120000-ffff"


def owner(run: str = RUN) -> str:
    return json.dumps({"run": run, "who": "op", "from": "desk", "since": "2026-01-01T12:00:00+00:00"})


def test_the_first_run_gets_the_node_and_may_take_it_again(node: LocalNode) -> None:
    for _ in range(2):
        node.done("lock", owner())
        assert json.loads(node.lock.read_text())["run"] == RUN
    assert oct(node.run_folder().stat().st_mode)[-3:] == "700"


def test_another_run_is_told_who_holds_the_node(node: LocalNode) -> None:
    node.done("lock", owner())
    outcome = node.run("lock", owner(OTHER), run=OTHER)
    assert outcome.returncode == 73
    assert json.loads(read_facts(outcome.stdout).text("owner") or "")["run"] == RUN
    assert json.loads(node.lock.read_text())["run"] == RUN


def test_of_many_at_once_exactly_one_gets_the_node(node: LocalNode) -> None:
    runs = [f"20260101-120000-{number:04x}" for number in range(6)]
    with ThreadPoolExecutor(len(runs)) as pool:
        outcomes = list(pool.map(lambda run: node.run("lock", owner(run), run=run).returncode, runs))
    assert sorted(outcomes) == [0] + [73] * (len(runs) - 1)
    assert json.loads(node.lock.read_text())["run"] == runs[outcomes.index(0)]


def test_lock_killed_at_every_point_and_repeated(tmp_path: Path) -> None:
    root = tmp_path / "n1"
    Interruptions(root, lambda machine: None, Call("lock", (owner(),))).check_repeated()


def test_a_lock_that_cannot_be_written_is_not_taken(node: LocalNode) -> None:
    (node.run_folder() / "owner.new").mkdir(parents=True)
    assert node.run("lock", owner()).returncode == 1
    assert not node.lock.exists()


def test_a_missing_or_diverted_folder_is_refused(node: LocalNode, tmp_path: Path) -> None:
    (node.workdir / ".loomtui").symlink_to(tmp_path)
    outcome = node.run("lock", owner())
    assert outcome.returncode == 1
    assert b"symbolic link" in outcome.stderr
    (node.workdir / ".loomtui").unlink()
    node.workdir.rmdir()
    assert b"does not exist" in node.run("lock", owner()).stderr
    assert not node.workdir.exists()


def test_only_the_run_itself_gives_the_node_back(node: LocalNode) -> None:
    node.done("lock", owner())
    before = state(node)
    node.done("unlock", run=OTHER)
    assert state(node) == before
    node.done("unlock")
    assert not node.lock.exists()
    node.done("unlock")
    node.done("lock", owner(OTHER), run=OTHER)


def test_unlock_killed_at_every_point_and_repeated(tmp_path: Path) -> None:
    def build(machine: LocalNode) -> None:
        machine.done("lock", owner())

    Interruptions(tmp_path / "n1", build, Call("unlock", ())).check_repeated(at_least=1)


def test_giving_the_node_back_ends_its_fetches_and_nothing_else(node: LocalNode) -> None:
    node.done("lock", owner())
    job = node.run_folder() / "job/data"
    job.mkdir()
    (job / "job.sh").write_text("sleep 60\n")
    mine = subprocess.Popen(["/bin/sh", str(job / "job.sh")], start_new_session=True)
    stranger = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
    try:
        (job / "pid").write_text(f"{mine.pid}\n")
        (node.run_folder() / "job/config").mkdir()
        (node.run_folder() / "job/config/pid").write_text(f"{stranger.pid}\n")
        node.done("unlock")
        assert mine.wait(10) == -15
        assert stranger.poll() is None
    finally:
        for process in (mine, stranger):
            process.kill()
            process.wait()


def test_a_script_waits_for_an_earlier_one_of_the_same_run(node: LocalNode) -> None:
    """Its loomtui was killed, or its connection cut: the script itself goes on."""
    node.add_tool("flock")
    node.write_unit("[Service]\nExecStart=/bin/true\n")
    node.take()
    slow = f'[ ! -f "{node.root}/slow" ] || sleep 0.5; exec "{node.bin}/systemctl-itself" "$@"'
    (node.bin / "systemctl").rename(node.bin / "systemctl-itself")
    node.write_tool("systemctl", slow)
    (node.root / "slow").touch()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(node.done, "reload")
        while not (node.run_folder() / "busy").exists():
            time.sleep(0.01)
        (node.root / "slow").unlink()
        node.done("reload")
        assert first.done()


# ── clean ───────────────────────────────────────────────────────────────────────────────────────────────────


def kept(node: LocalNode, run: str = RUN) -> None:
    folder = node.run_folder(run) / "replaced/data/app.db"
    folder.mkdir(parents=True)
    (folder / "000001.log").write_bytes(b"x" * 100_000)


def test_cleaning_frees_what_a_finished_run_kept(node: LocalNode) -> None:
    kept(node)
    (node.workdir / "app.db").mkdir()
    freed = read_facts(node.done("clean")).number("freed")
    assert freed is not None
    assert freed >= 100_000
    assert [path.name for path in node.workdir.iterdir()] == ["app.db"]


def test_cleaning_leaves_other_runs_alone(node: LocalNode) -> None:
    kept(node)
    kept(node, OTHER)
    node.done("clean")
    assert (node.run_folder(OTHER) / "replaced/data/app.db/000001.log").exists()


def test_cleaning_where_nothing_is_frees_nothing(node: LocalNode) -> None:
    assert read_facts(node.done("clean")).number("freed") == 0


def test_cleaning_is_refused_while_the_run_holds_the_node(node: LocalNode) -> None:
    kept(node)
    node.lock.write_text(owner())
    outcome = node.run("clean")
    assert outcome.returncode == 73
    assert (node.run_folder() / "replaced/data/app.db/000001.log").exists()


@pytest.mark.parametrize("point", range(1, 4))
def test_clean_killed_and_repeated(node: LocalNode, point: int) -> None:
    kept(node)
    node.set_trap(point)
    node.run("clean")
    node.set_trap(0)
    node.done("clean")
    assert not (node.workdir / ".loomtui").exists()


# ── taken over ──────────────────────────────────────────────────────────────────────────────────────────────

SECOND, OTHER_SECOND = f"{RUN}/2-aaaa", f"{RUN}/2-bbbb"


def record(text: bytes = b"one\n", offset: int = 0) -> tuple[str, ...]:
    return ("journal.jsonl", str(offset), str(len(text)))


def test_after_a_take_over_the_first_loomtui_changes_nothing(node: LocalNode) -> None:
    node.write_unit("[Service]\nExecStart=/bin/true\n")
    node.take()
    node.done("lock", owner(SECOND), run=SECOND)
    before = state(node)
    for script, args in (
        ("lock", (owner(),)),
        ("hold", node.held()),
        ("stop", (node.unit.name, "1")),
        ("keep_record", ("working", *record())),
    ):
        outcome = node.run(script, *args, stdin=b"one\n")
        assert (script, outcome.returncode) == (script, 78)
    node.done("unlock")  # which does nothing, as of any run's lock but its own
    after = state(node)
    for left in ("owner.new", "busy"):
        after.pop(str(node.run_folder() / left), None)
        before.pop(str(node.run_folder() / left), None)
    assert after == before
    node.done("hold", *node.held(), run=SECOND)
    node.done("unlock", run=SECOND)
    assert node.run("lock", owner()).returncode == 78, "also when the lock is given back"


def test_of_two_that_take_over_at_once_one_gets_the_run(node: LocalNode) -> None:
    node.done("lock", owner())
    takers = [f"{RUN}/2-{number:04x}" for number in range(6)]
    with ThreadPoolExecutor(len(takers)) as pool:
        outcomes = list(pool.map(lambda run: node.run("lock", owner(run), run=run), takers))
    won = [taker for taker, outcome in zip(takers, outcomes, strict=True) if outcome.returncode == 0]
    assert sorted(outcome.returncode for outcome in outcomes) == [0] + [78] * (len(takers) - 1)
    assert json.loads(node.lock.read_text())["run"] == won[0]
    told = {read_facts(outcome.stdout).text("owner") for outcome in outcomes if outcome.returncode}
    assert [json.loads(text or "")["run"] for text in told] == won


def test_a_take_over_of_a_take_over(node: LocalNode) -> None:
    node.done("lock", owner())
    node.done("lock", owner(SECOND), run=SECOND)
    third = f"{RUN}/3-cccc"
    node.done("lock", owner(third), run=third)
    assert node.run("lock", owner(SECOND), run=SECOND).returncode == 78
    assert node.run("unlock", run=OTHER_SECOND).returncode == 0
    assert json.loads(node.lock.read_text())["run"] == third


def test_no_other_run_is_taken_over(node: LocalNode) -> None:
    node.done("lock", owner(OTHER), run=OTHER)
    assert node.run("lock", owner(SECOND), run=SECOND).returncode == 73
    assert json.loads(node.lock.read_text())["run"] == OTHER


def test_a_take_over_killed_at_every_point_and_repeated(tmp_path: Path) -> None:
    def build(machine: LocalNode) -> None:
        machine.done("lock", owner())

    class Taking(Interruptions):
        def run(self, machine: LocalNode) -> int:
            return machine.run("lock", owner(SECOND), run=SECOND).returncode

        def again(self, machine: LocalNode) -> None:
            machine.done("lock", owner(SECOND), run=SECOND)

    Taking(tmp_path / "n1", build, Call("lock", ())).check_repeated()


def test_a_script_that_hangs_is_ended_by_a_take_over(node: LocalNode) -> None:
    """Its loomtui was suspended: what it sends to the script never comes to an end."""
    node.add_tool("flock")
    node.write_tool(
        "flock", f'case $1 in -w) shift 2; set -- -w 0.2 "$@" ;; esac; exec {which("flock")} "$@"'
    )
    node.done("lock", owner())
    text = node.text(ChangeScript("stage_file"))
    hung = subprocess.Popen(
        ["/bin/sh", "-c", text, "loomtui", node.workdir, RUN, "config/loom.yml", "0" * 64],
        stdin=subprocess.PIPE,
        env=node.environment(),
        start_new_session=True,
    )
    try:
        while not (node.run_folder() / "stage/config").exists():
            time.sleep(0.01)
        node.done("lock", owner(SECOND), run=SECOND)
        assert hung.wait(10) != 0
    finally:
        hung.kill()
        hung.communicate()
    assert not (node.run_folder() / "stage/config/loom.yml").exists()


def test_a_cleaned_run_that_was_taken_over_is_not_begun_again_by_the_first(node: LocalNode) -> None:
    node.done("lock", owner())
    node.done("lock", owner(SECOND), run=SECOND)
    node.done("unlock", run=SECOND)
    kept(node)
    node.done("clean", run=SECOND)
    assert [path.name for path in node.run_folder().iterdir()] == ["taken.2"]
    assert node.run("lock", owner()).returncode == 78
    node.done("lock", owner(OTHER), run=OTHER)


# ── the record ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_record_comes_with_the_lock_and_grows(node: LocalNode) -> None:
    node.done("lock", owner(), *record(), stdin=b"one\n")
    journal = node.run_folder() / "record/journal.jsonl"
    assert journal.read_bytes() == b"one\n"
    assert (oct(journal.stat().st_mode)[-3:], (node.run_folder() / "alive").exists()) == ("600", True)
    node.done("keep_record", "working", *record(b"two\n", 4), stdin=b"two\n")
    assert journal.read_bytes() == b"one\ntwo\n"
    node.done("keep_record", "over")
    assert not (node.run_folder() / "alive").exists()
    assert journal.read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("args", "stdin"),
    [
        (("journal.jsonl", "4", "9"), b"short"),
        (("journal.jsonl", "99", "1"), b"x"),
        (("../was", "0", "1"), b"x"),
        (("journal.jsonl", "0", "9000000"), b"x"),
        (("journal.jsonl", "0", "-1"), b"x"),
    ],
)
def test_a_record_that_does_not_arrive_whole_leaves_the_one_before(
    node: LocalNode, args: tuple[str, ...], stdin: bytes
) -> None:
    node.done("lock", owner(), *record(), stdin=b"one\n")
    assert node.run("keep_record", "working", *args, stdin=stdin).returncode == 1
    assert (node.run_folder() / "record/journal.jsonl").read_bytes() == b"one\n"
    assert not (node.run_folder() / "was").exists()


def test_a_node_that_the_run_never_took_keeps_nothing(node: LocalNode) -> None:
    assert node.done("keep_record", "working", *record(), stdin=b"one\n") == b""
    assert not (node.workdir / ".loomtui").exists()
