"""Several scripts in one round trip: each has its own arguments and output, and a failure ends them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loomtui.errors import NodeUnreachable, ScriptFailed
from loomtui.fleet.batch import Change, Look, batch_text, outputs_of
from loomtui.fleet.facts import read_facts
from loomtui.fleet.fleet import Fleet, WritableFleet
from loomtui.fleet.scripts import ChangeScript, InspectScript, Ran
from tests.fleet.place import Place
from tests.fleet.shells import SHELLS, Shell

RIGHTS, STAGED = Look(InspectScript("rights")), InspectScript("staged_file")
RUN = "20260101-120000-abcd"

Locked = Callable[[], Path]


@pytest.fixture
def locked(place: Place) -> Path:
    """The working directory, held by RUN."""
    work = place.working_directory
    (work / ".loomtui/runs" / RUN / "stage").mkdir(parents=True)
    (work / ".loomtui/lock").write_text(f'{{"run": "{RUN}"}}')
    return work


def staged(work: Path, name: str) -> Look:
    return Look(STAGED, (str(work), RUN, name))


def stage(work: Path, *args: str, accept: tuple[int, ...] = (0,)) -> Change:
    """A change that wants no input of the batch: its standard input is empty."""
    return Change(ChangeScript("stage_file"), (str(work), RUN, *args), accept)


EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


# ── the text ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_each_part_has_its_own_arguments_in_any_shell(shell: Shell, locked: Path) -> None:
    (locked / f".loomtui/runs/{RUN}/stage/a b").write_text("there")
    parts = (staged(locked, "a b"), stage(locked, "$new;\n'x'", EMPTY), RIGHTS, staged(locked, "$new;\n'x'"))
    args = [arg for part in parts for arg in part.args]
    command = [*shell, "-c", batch_text(parts), "loomtui", *args]
    done = subprocess.run(command, input=b"not for the parts", capture_output=True, check=True)
    ended = outputs_of(done.stdout)
    assert [status for _, status in ended] == [0, 0, 0, 0]
    assert read_facts(ended[0][0]).text("text") == "there"
    assert "user" in read_facts(ended[2][0])
    assert read_facts(ended[3][0]).text("text") == ""


def test_a_lock_that_cannot_be_taken_names_the_cause(locked: Path, tmp_path: Path) -> None:
    (locked / f".loomtui/runs/{RUN}/busy").mkdir()  # nothing can be written there
    df = tmp_path / "full/df"
    df.parent.mkdir()
    df.write_text(
        "#!/bin/sh\necho 'Filesystem Blocks Used Available Capacity Mounted'\necho 'disk 9 9 0 100% /'\n"
    )
    df.chmod(0o755)
    part = stage(locked, "one", EMPTY)
    command = ["sh", "-c", batch_text((part,)), "loomtui", *part.args]
    path = f"{df.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"runs/{RUN}: no space is left on the disk of {locked}" in done.stderr


def test_the_lock_is_held_from_the_first_change_to_the_last(locked: Path) -> None:
    """Otherwise what a killed loomtui left could go on between the scripts of the one that resumes."""
    text = batch_text((stage(locked, "one", EMPTY), stage(locked, "two", EMPTY)))
    assert text.count("lock_owned=yes") == 1
    assert text.index("lock_owned=yes") < text.index("STAGE" if "STAGE" in text else "# stage_file.sh")
    held = subprocess.Popen(
        ["flock", str(locked / f".loomtui/runs/{RUN}/busy"), "sh", "-c", "echo; read -r line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert held.stdout
    held.stdout.readline()
    args = [str(locked), RUN, "one", EMPTY, str(locked), RUN, "two", EMPTY]
    hasty = text.replace("flock -w 100", "flock -w 0")
    done = subprocess.run(["sh", "-c", hasty, "loomtui", *args], capture_output=True)
    held.communicate(b"\n")
    assert done.returncode == 74
    assert outputs_of(done.stdout) == ()
    assert subprocess.run(["sh", "-c", hasty, "loomtui", *args], capture_output=True).returncode == 0


def test_what_a_part_prints_is_not_taken_for_its_end() -> None:
    assert outputs_of(b"a =1\npart.end =0\nx part.end =7\n part.end =7\npart.end =75\nrest") == (
        (b"a =1\n", 0),
        (b"x part.end =7\n part.end =7\n", 75),
    )


# ── over SSH ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_looks_are_one_round_trip(place: Place, fleet: Fleet, locked: Path) -> None:
    n1 = fleet.session("n1")
    await n1.rights()
    commands = len(place.behaviour.commands)
    rights, missing = await n1.inspect_all(RIGHTS, staged(locked, "nothing"))
    assert (rights.status, missing.status) == (0, 0)
    assert "user" in read_facts(rights.stdout)
    assert missing.stdout == b""
    assert len(place.behaviour.commands) == commands + 1
    assert [ran.name for ran in fleet.ran] == ["rights", "rights", "staged_file"]


async def test_a_batch_ends_at_the_first_part_that_fails(writable: WritableFleet, locked: Path) -> None:
    n1 = writable.session("n1")
    with pytest.raises(ScriptFailed, match="one did not arrive whole"):
        await n1.change_all(stage(locked, "one", "wrong"), stage(locked, "two", EMPTY))
    assert not (locked / f".loomtui/runs/{RUN}/stage/two").exists()


async def test_a_status_that_a_part_accepts_ends_the_batch_without_a_failure(
    writable: WritableFleet, locked: Path
) -> None:
    n1 = writable.session("n1")
    parts = stage(locked, "one", EMPTY), stage(locked, "two", "wrong", accept=(0, 1)), RIGHTS
    outputs = await n1.change_all(*parts)
    assert [output.status for output in outputs] == [0, 1]
    (locked / ".loomtui/lock").unlink()
    with pytest.raises(ScriptFailed, match="lock of this run is gone"):
        await n1.change_all(stage(locked, "one", EMPTY, accept=(0, 73)))
    assert list(writable.ran)[-1] == Ran("n1", "change", "stage_file")


async def test_a_batch_that_looks_is_repeated_and_one_that_changes_is_not(
    place: Place, writable: WritableFleet, locked: Path
) -> None:
    n1 = writable.session("n1")
    await n1.require_root()
    place.behaviour.drop_next_exec = 1
    assert len(await n1.inspect_all(RIGHTS, RIGHTS)) == 2
    place.behaviour.drop_next_exec = 1
    with pytest.raises(NodeUnreachable) as caught:
        await n1.change_all(stage(locked, "one", EMPTY), RIGHTS)
    assert "not known" in caught.value.safe


async def test_a_look_of_several_takes_no_change(fleet: Fleet, writable: WritableFleet, locked: Path) -> None:
    """The types forbid it; whoever passes them over is refused by the session."""
    change: Any = stage(locked, "one", EMPTY)
    look: Any = InspectScript("rights")
    for session in (fleet.session("n1"), writable.session("n1")):
        with pytest.raises(TypeError):
            await session.inspect_all(change)
    with pytest.raises(TypeError):
        await writable.session("n1").change_all(look)
    assert not fleet.ran
    assert not writable.ran


async def test_a_node_that_says_less_than_was_asked_is_an_error(place: Place, fleet: Fleet) -> None:
    """Whatever a node prints, no look goes on with less than it asked for."""
    n1 = fleet.session("n1")
    await n1.rights()
    place.command("sh", 'echo "$4"; echo "$4" >&2; echo "part.end =0"')
    with pytest.raises(ScriptFailed):
        await n1.inspect_all(RIGHTS, RIGHTS)
