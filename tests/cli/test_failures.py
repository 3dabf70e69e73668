"""The one place where every call ends."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from loomtui.cli import failures
from loomtui.cli.output import say, table
from loomtui.cli.settings import Settings
from loomtui.errors import (
    ArchiveRejected,
    CallError,
    HostKeyRefused,
    InventoryError,
    LockHeld,
    NodeUnreachable,
    Problem,
    StoreUnreachable,
)
from tests.cli.conftest import ROOT, command
from tests.drill.looking import until


def ending(work: Callable[[], object], settings_run: str | None = None) -> int:
    """The exit status of a command that does this."""

    @click.command()
    @click.pass_obj
    def doing(settings: Settings) -> object:
        settings.run = settings_run
        return work()

    return failures.call(doing, [])


def raising(error: BaseException) -> Callable[[], object]:
    def work() -> object:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ArchiveRejected("it is torn"), 1),
        (CallError("wrong"), 2),
        (InventoryError((Problem("f", 3, "x", "a", "b"),)), 2),
        (HostKeyRefused("changed", node="n1"), 3),
        (LockHeld("held", node="n2"), 3),
        (NodeUnreachable("gone", node="n1"), 4),
        (StoreUnreachable("gone"), 4),
        (ExceptionGroup("two", [NodeUnreachable("gone", node="n1"), CallError("x")]), 4),
        (click.UsageError("no"), 2),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
    ],
)
def test_exit_status_of_each_error(
    error: BaseException, status: int, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    assert ending(raising(error)) == status
    assert "Traceback" not in capsys.readouterr().err


def test_status_of_the_command_is_the_exit_status() -> None:
    assert ending(lambda: 3) == 3
    assert ending(lambda: None) == 0


def test_error_says_node_safety_and_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    ending(
        raising(NodeUnreachable("it does not answer.", node="n2", safe="Nothing moved.", advice="Start it."))
    )
    assert capsys.readouterr().err == "Error: n2: it does not answer.\n  Nothing moved.\n  Start it.\n"


def test_every_error_of_a_group_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    group = ExceptionGroup("x", [NodeUnreachable("a", node="n1"), ExceptionGroup("y", [CallError("b")])])
    ending(raising(group))
    err = capsys.readouterr().err
    assert "n1: a" in err
    assert "Error: b" in err


def test_interrupt_names_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(raising(KeyboardInterrupt()), settings_run="20260101-000000-abcd") == 130
    assert "Interrupted. Resume with: loomtui resume 20260101-000000-abcd" in capsys.readouterr().err


def test_a_fault_of_our_own_leaves_a_private_log_and_one_sentence(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    assert ending(raising(ZeroDivisionError("\x1b[2Jten"))) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "ZeroDivisionError: ten" in err
    (log,) = (home / ".local/state/loomtui/crashes").iterdir()
    assert str(log) in err
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_a_fault_whose_log_cannot_be_written_is_still_told(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / ".local").write_text("in the way", encoding="utf-8")
    assert ending(raising(ZeroDivisionError())) == 1
    assert "could not be written" in capsys.readouterr().err


def test_an_unknown_error_among_known_ones_is_not_lost(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    group = ExceptionGroup("x", [NodeUnreachable("a", node="n1"), ZeroDivisionError("b")])
    assert ending(raising(group)) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_end_a_command_in_order(number: signal.Signals, home: Path, tmp_path: Path) -> None:
    """`inventory check` of a pipe that nobody writes to waits; then the signal comes."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(
        command("inventory", "check", str(pipe)),
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        writer = os.open(pipe, os.O_WRONLY)  # returns when the command has opened the other end
        until(
            lambda: sleeps(process.pid)
        )  # a signal between Python's last look for one and read(2) would be lost
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        os.close(writer)
    assert process.returncode == 130
    assert err.strip() == "Interrupted."


def sleeps(pid: int) -> bool:
    """proc_pid_stat(5): the state stands behind the program's name, which is in parentheses."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


_IGNORING = """
import os, signal, sys
signal.signal(int(sys.argv[1]), signal.SIG_IGN)
os.execv(sys.argv[2], sys.argv[2:])
"""


def ignoring(number: signal.Signals, *args: str) -> subprocess.Popen[str]:
    """`loomtui …` as a shell starts it under nohup, or in the background of a script."""
    return subprocess.Popen(
        [sys.executable, "-c", _IGNORING, str(int(number)), *command(*args)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_sigterm_ends_a_job_in_the_background(tmp_path: Path, home: Path) -> None:
    """There SIGINT is ignored from the start."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ignoring(signal.SIGINT, "inventory", "check", str(pipe)) as process:
        writer = os.open(pipe, os.O_WRONLY)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        os.close(writer)
    assert (process.returncode, err.strip()) == (130, "Interrupted.")


def test_nohup_is_obeyed(tmp_path: Path, home: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ignoring(signal.SIGHUP, "inventory", "check", str(pipe)) as process:
        writer = os.open(pipe, os.O_WRONLY)
        process.send_signal(signal.SIGHUP)
        os.write(writer, b"cluster: 1")
        os.close(writer)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err


def test_a_reader_that_goes_away_ends_it_quietly(home: Path) -> None:
    with subprocess.Popen(
        command("inventory", "schema"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert (process.wait(), err) == (failures.READER_GONE, "")


def _styled(args: list[str], color: bool | None, env: dict[str, str]) -> str:
    from click.testing import CliRunner

    from loomtui.cli.app import app

    return CliRunner().invoke(app, args, color=bool(color), env=env).output


def test_colour_only_where_it_is_wanted(home: Path) -> None:
    assert "\x1b[" in _styled(["drill", "--list"], True, {})
    assert "\x1b[" not in _styled(["drill", "--list"], False, {})
    assert "\x1b[" not in _styled(["drill", "--list"], True, {"NO_COLOR": "1"})


def test_hostile_text_is_cleaned_and_columns_stay_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b]52;c;aGk=\x07b")
    table(("X", "Y"), [("\x1b[2Jlong\nvalue", "1"), ("s", "\x1b[31m2")])
    assert capsys.readouterr().out == "a]52;c;aGk=b\nX           Y\nlong value  1\ns           2\n"
