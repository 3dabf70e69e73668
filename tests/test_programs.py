"""Programs of this machine are run with an end in time and with bounds on what they say."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loomtui.programs import run_program

LONG = 60.0


def sh(
    script: str, seconds: float = LONG, *, stdin: bytes = b"", most: int = 1_000
) -> tuple[int | None, bytes, bytes]:
    ended = run_program(["/bin/sh", "-c", script], seconds, stdin=stdin, most=most)
    return ended.status, ended.said, ended.complained


def test_what_it_says_and_how_it_ends() -> None:
    assert sh("echo out; echo err >&2; exit 3") == (3, b"out\n", b"err\n")
    assert sh("cat", stdin=b"x" * 200_000, most=300_000) == (0, b"x" * 200_000, b"")
    assert sh("echo out; echo err >&2", most=0) == (0, b"", b"err\n")


def test_one_that_reads_nothing_holds_nobody_up() -> None:
    assert sh("exit 0", stdin=b"x" * 1_000_000)[0] == 0


def test_one_that_says_too_much_is_ended() -> None:
    status, said, _ = sh("yes", most=10)
    assert (status, len(said)) == (None, 10)
    assert sh("echo 0123456789", most=10)[0] is None  # also where it ends by itself


def test_a_flood_of_complaints_is_thrown_away() -> None:
    status, said, complained = sh("head -c 3000000 /dev/zero | tr '\\0' x >&2; echo done")
    assert (status, said) == (0, b"done\n")
    assert 0 < len(complained) < 100_000


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    begun = time.monotonic()
    status, _, _ = sh(f"sleep 300 & echo $! > {tmp_path}/pid; wait", 0.5)
    assert status is None
    assert time.monotonic() - begun < LONG
    process = int((tmp_path / "pid").read_text())
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    assert select.select([descriptor], [], [], 10)[0]
    os.close(descriptor)


def test_what_it_leaves_running_is_not_waited_for() -> None:
    """It holds both outputs open, and is no part of the session any more."""
    begun = time.monotonic()
    assert sh("echo out; setsid sleep 20 & exit 0")[:2] == (0, b"out\n")
    assert time.monotonic() - begun < 15


#: Ends while a thread of it still runs a program.
LEAVING = """
import sys, threading, time
from pathlib import Path
from loomtui.programs import run_program
folder, script, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
words = ["/bin/sh", "-c", f"echo $$ > {folder}/pid; touch {folder}/begun; {script}"]
threading.Thread(target=run_program, args=(words, 60), kwargs={"last_seconds": seconds}, daemon=True).start()
while not (folder / "begun").exists():
    time.sleep(0.01)
"""


@pytest.mark.parametrize(
    ("script", "seconds", "ends"), [("sleep 300", "0.2", False), ("echo > end", "30", True)]
)
def test_nothing_outlives_us(tmp_path: Path, script: str, seconds: str, ends: bool) -> None:
    subprocess.run(
        [sys.executable, "-c", LEAVING, str(tmp_path), script, seconds],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        check=True,
        timeout=LONG,
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert (tmp_path / "end").exists() is ends


@pytest.mark.parametrize("words", [["/no/such/program"], ["/bin/sh", "a\0b"]])
def test_one_that_cannot_be_started(words: list[str]) -> None:
    with pytest.raises((OSError, ValueError)):
        run_program(words, LONG)
