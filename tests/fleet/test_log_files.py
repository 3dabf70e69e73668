"""The log of a service that logs to files: StandardOutput=, a redirection, LogDestination."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.log_files import FileLines, look_for_files
from loomtui.fleet.probes.log_tail import LogLine, tail
from loomtui.fleet.scripts import InspectScript, script_text
from loomtui.fleet.session import Session
from tests.fleet.machine import USER, Machine, install
from tests.fleet.place import Place
from tests.fleet.test_logs import cluster, entry, journal, next_lines, prints

DIRECT = "loom run --persistent-peers x"
TIMES = ("E[2026-01-01|10:00:00.000] one", "  of one", "E[2026-01-01|10:00:02.000] two")


@pytest.fixture
def node(place: Place) -> Machine:
    machine = install(place)
    journal(place, 1, "exit 0")
    return machine


def unit(machine: Machine, command: str, settings: str = "") -> None:
    text = f"[Service]\nUser={USER}\nWorkingDirectory={machine.dir}\n{settings}ExecStart={command}\n"
    (machine.place.root / "cat").write_text(f"# /etc/systemd/system/loom.service\n{text}")
    (machine.place.root / "show").write_text(f"WorkingDirectory={machine.dir}\nUser={USER}\nMainPID=0\n")


def script(machine: Machine, text: str) -> Path:
    path = machine.place.root / "start-loom.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    return path


async def lines_of(place: Place) -> list[LogLine]:
    async with cluster(place, 1) as fleet:
        return await read(fleet)


async def read(fleet: Fleet, lines: int = 200, since: datetime | None = None) -> list[LogLine]:
    batches = tail(fleet, ["n1"], follow=False, lines=lines, since=since)
    return [line async for batch in batches for line in batch]


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines if not line.notice]


def notices(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines if line.notice]


@pytest.mark.parametrize("how", ["append", "truncate", "file", "script", "exec", "shell", "tee"])
async def test_a_log_in_a_file_is_read_and_its_place_is_told(node: Machine, place: Place, how: str) -> None:
    """A service whose start script redirects had an empty log, and nothing told why."""
    log = place.root / "loom.log"
    log.write_text("\n".join(TIMES) + "\n")
    bodies = {"script": f"exec {DIRECT} >> {log} 2>&1", "exec": f"exec >> {log} 2>&1; cd /; {DIRECT}"}
    shells = {
        "shell": f'/bin/bash -c "exec {DIRECT} >>{log} 2>&1"',
        "tee": f"/bin/sh -c '{DIRECT} 2>&1 | tee -a {log}'",
    }
    if how in bodies:
        unit(node, str(script(node, bodies[how])))
    elif how in shells:
        unit(node, shells[how])
    else:
        unit(node, f"/usr/bin/{DIRECT}", f"StandardOutput={how}:{log}\n")
    lines = await lines_of(place)
    assert texts(lines) == [text.rstrip() for text in TIMES]
    assert [line.at.second for line in lines if not line.notice] == [0, 0, 2]
    (notice,) = [line for line in lines if line.notice]
    assert notice.text.startswith(f"n1 logs to {log}: not in the journal (")
    assert notice.place


async def test_lines_of_the_journal_and_of_a_file_are_merged(node: Machine, place: Place) -> None:
    journal(place, 1, prints(entry(1, "Started loom.", 1), entry(2, "Stopped loom.", 5)))
    log = place.root / "loom.log"
    log.write_text("2026-01-01T00:00:03Z in between\n")
    unit(node, f"/usr/bin/{DIRECT}", f"StandardError=append:{log}\n")
    lines = await lines_of(place)
    assert texts(lines) == ["Started loom.", "2026-01-01T00:00:03Z in between", "Stopped loom."]
    assert f"n1 logs to {log} (StandardError=)." in notices(lines)


async def test_only_so_many_lines_and_those_from_a_time_on(node: Machine, place: Place) -> None:
    log = place.root / "loom.log"
    log.write_text("".join(f"2026-01-01T00:00:{n:02}Z line {n}\n" for n in range(60)))
    unit(node, f"/usr/bin/{DIRECT}", f"StandardOutput=append:{log}\n")
    async with cluster(place, 1) as fleet:
        assert texts(await read(fleet, 2)) == [f"2026-01-01T00:00:{n}Z line {n}" for n in (58, 59)]
        since = datetime(2026, 1, 1, 0, 0, 57, tzinfo=UTC)
        assert len(texts(await read(fleet, since=since))) == 3
        assert texts(await read(fleet, 0)) == []


@pytest.mark.parametrize(
    ("settings", "command", "said"),
    [
        ("StandardOutput=null\n", f"/usr/bin/{DIRECT}", "n1 logs to nowhere, StandardOutput= says so"),
        ("StandardOutput=tty\n", f"/usr/bin/{DIRECT}", "n1 logs to tty, StandardOutput= says so"),
        ("", f"/bin/sh -c '{DIRECT} 2>&1 | rotatelogs /x 5'", "n1 logs to `rotatelogs`"),
        ("LogNamespace=loom\n", f"/usr/bin/{DIRECT}", "journalctl --namespace=loom on the node shows it"),
        (
            "StandardOutput=append:/no/such/file\n",
            f"/usr/bin/{DIRECT}",
            "n1 logs to /no/such/file, which is not there",
        ),
        ("StandardOutput=append:/dev\n", f"/usr/bin/{DIRECT}", "n1 logs to /dev, which is no regular file"),
    ],
)
async def test_a_log_that_cannot_be_read_is_named(
    node: Machine, place: Place, settings: str, command: str, said: str
) -> None:
    unit(node, command, settings)
    lines = await lines_of(place)
    assert texts(lines) == []
    assert any(said in notice for notice in notices(lines)), notices(lines)


@contextlib.contextmanager
def a_process_writing(path: Path, text: str) -> Iterator[int]:
    """Writes from the file's beginning, as Loom does, and keeps it open."""
    program = (
        f"import os, sys; f = os.open({str(path)!r}, os.O_WRONLY); os.write(f, {text.encode()!r});"
        " print('written', flush=True);"
        " [os.write(f, line.encode()) for line in sys.stdin]"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.stdin.close()


async def test_log_destination_is_read_as_far_as_loom_has_come(node: Machine, place: Place) -> None:
    """Loom writes over the file from its beginning at each start: what stands behind is old."""
    log = node.write("loom.log", "E[2026-01-01|10:00:00.000] old one\nE[2026-01-01|10:00:01.000] old two\n")
    node.write("loom.yml", "# x\nLogDestination: file://loom.log\n")
    unit(node, f"/usr/bin/{DIRECT}")
    show = f"WorkingDirectory={node.dir}\nUser={USER}\nMainPID="
    async with cluster(place, 1) as fleet:
        with a_process_writing(log, "E[2026-02-01|10:00:00.000] new\n") as pid:
            (place.root / "show").write_text(f"{show}{pid}\n")
            lines = await read(fleet)
        assert texts(lines) == ["E[2026-02-01|10:00:00.000] new"]
        assert notices(lines) == [f"n1 logs to {log} (LogDestination of {node.dir}/loom.yml)."]
        (place.root / "show").write_text(f"{show}0\n")
        assert "its last lines may be old" in notices(await read(fleet))[0]


@pytest.mark.parametrize(
    ("named_in", "file", "reader"),
    [
        ("unit", "/etc/passwd", []),
        ("unit", "link", ["loom"]),
        ("script", "/etc/passwd", ["loom"]),
        ("config", "/etc/passwd", ["loom"]),
    ],
)
def test_root_reads_as_the_user_who_could_have_chosen_the_file(
    node: Machine, place: Place, named_in: str, file: str, reader: list[str]
) -> None:
    """A start script of the service's user, or their link, could name a file that only root may read."""
    (place.root / "link").symlink_to("/etc/passwd")
    unit(node, f"/usr/bin/{DIRECT}")
    place.command("id", "case $1 in -u) echo 0 ;; *) echo root ;; esac")
    place.command("runuser", f'echo "$2" >> {place.root}/readers; shift 3; exec "$@"')
    path = file if file.startswith("/") else str(place.root / file)
    shown = node.run("log_file", "loom.service", path, "loom", named_in, "once", "5").stdout
    assert shown.startswith(b"log good ")
    found = place.root / "readers"
    assert sorted({*found.read_text().split()} if found.exists() else ()) == reader


async def test_a_loom_yml_that_is_a_pipe_is_not_waited_for(node: Machine) -> None:
    config = node.dir / "loom.yml"
    config.unlink()
    os.mkfifo(config)
    unit(node, f"/usr/bin/{DIRECT}")
    async with asyncio.timeout(10):
        look = await asyncio.create_subprocess_exec(
            "sh", stdin=subprocess.PIPE, env={**os.environ, "PATH": f"{node.place.bin}:/usr/bin:/bin"}
        )
        text = script_text(InspectScript("log_places"))
        try:
            await look.communicate(f"set -- loom.service {node.dir}\n{text}".encode())
        finally:
            os.close(os.open(config, os.O_RDWR))  # lets go whoever waits for it
    assert look.returncode == 0


async def test_a_file_is_followed_over_its_rotation(node: Machine, place: Place) -> None:
    log = place.root / "loom.log"
    log.write_text("one\n")
    unit(node, f"/usr/bin/{DIRECT}", f"StandardOutput=append:{log}\n")
    journal(place, 1, 'case "$*" in *-f) exec sleep 60 ;; esac')
    async with cluster(place, 1) as fleet:
        stream = tail(fleet, ["n1"], follow=True, lines=10)
        notice, one = sorted(await next_lines(stream, 2), key=lambda line: not line.notice)
        assert (notice.place, one.text) == (True, "one")
        with log.open("a") as more:
            more.write("two\n")
        assert texts(await next_lines(stream, 1)) == ["two"]
        log.rename(place.root / "loom.log.1")
        log.write_text("three\n")
        assert texts(await next_lines(stream, 1)) == ["three"]
        await stream.aclose()


async def test_the_file_of_a_node_that_comes_back_is_followed(
    node: Machine, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that could not be reached at first was followed by its journal only."""
    monkeypatch.setattr("loomtui.fleet.probes.log_tail._RETRY_SECONDS", (0.05,))
    log = place.root / "loom.log"
    log.write_text("one\n")
    unit(node, f"/usr/bin/{DIRECT}", f"StandardOutput=append:{log}\n")
    journal(place, 1, 'case "$*" in *-f) exec sleep 60 ;; esac')
    tries = []

    async def away_at_first(session: Session) -> tuple[list[FileLines], list[LogLine]]:
        tries.append(session)
        if len(tries) < 3:
            raise NodeUnreachable("it is away.", node="n1")
        return await look_for_files(session)

    monkeypatch.setattr("loomtui.fleet.probes.log_tail.look_for_files", away_at_first)
    async with cluster(place, 1) as fleet:
        stream = tail(fleet, ["n1"], follow=True, lines=10)
        assert texts(await next_lines(stream, 2)) == ["one"]
        await stream.aclose()
    assert len(tries) == 3


async def test_one_file_that_fails_does_not_end_the_other(
    node: Machine, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [place.root / name for name in ("out.log", "err.log")]
    for file in files:
        file.write_text("one\n")
    unit(node, f"/usr/bin/{DIRECT}", f"StandardOutput=append:{files[0]}\nStandardError=append:{files[1]}\n")
    journal(place, 1, 'case "$*" in *-f) exec sleep 60 ;; esac')
    read_file = FileLines.read

    def fails_once(self: FileLines, **how: Any) -> AsyncGenerator[tuple[LogLine, ...]]:
        if self._file.path == str(files[0]):
            raise LoomtuiError("sudo refuses.", node="n1")
        return read_file(self, **how)

    monkeypatch.setattr(FileLines, "read", fails_once)
    async with cluster(place, 1) as fleet:
        stream = tail(fleet, ["n1"], follow=True, lines=10)
        lines = await next_lines(stream, 3)
        assert "sudo refuses." in notices(lines)
        with files[1].open("a") as more:
            more.write("two\n")
        assert texts(await next_lines(stream, 1)) == ["two"]
        await stream.aclose()
        assert not any("_follow_file" in repr(task) for task in asyncio.all_tasks())


async def test_a_follower_that_ends_is_told_of_and_begins_again(
    node: Machine, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.fleet.probes.log_tail._RETRY_SECONDS", (0.05,))
    log = place.root / "loom.log"
    log.write_text("one\n")
    unit(node, f"/usr/bin/{DIRECT}", f"StandardOutput=append:{log}\n")
    journal(place, 1, 'case "$*" in *-f) exec sleep 60 ;; esac')
    place.command(
        "tail", f'[ -e {place.root}/twice ] || exec /usr/bin/tail -n 10 {log}; exec /usr/bin/tail "$@"'
    )
    async with cluster(place, 1) as fleet:
        stream = tail(fleet, ["n1"], follow=True, lines=10)
        lines = await next_lines(stream, 3)
        (place.root / "twice").touch()
        with log.open("a") as more:
            more.write("two\n")
        while "two" not in texts(lines):
            lines += await next_lines(stream, 1)
        await stream.aclose()
    assert texts(lines) == ["one", "two"]
    assert any(f"the reading of {log} ended. Trying again." in notice for notice in notices(lines))


async def test_nothing_is_told_twice_after_a_lost_connection(
    node: Machine, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.fleet.probes.log_tail._RETRY_SECONDS", (0.05,))
    log = place.root / "loom.log"
    log.write_text("one\ntwo\n")
    unit(node, f"/usr/bin/{DIRECT}", f"StandardOutput=append:{log}\n")
    journal(place, 1, 'case "$*" in *-f) exec sleep 60 ;; esac')
    async with cluster(place, 1) as fleet:
        stream = tail(fleet, ["n1"], follow=True, lines=10)
        assert texts(await next_lines(stream, 3)) == ["one", "two"]
        with log.open("a") as more:
            more.write("three\n")
        assert texts(await next_lines(stream, 1)) == ["three"]
        place.servers[0].drop()
        with log.open("a") as more:
            more.write("four\n")
        found = await next_lines(stream, 2)
        await stream.aclose()
    assert texts(found) == ["four"]


async def test_log_destination_stands_in_the_file_that_loom_reads(node: Machine, place: Place) -> None:
    log = node.write("loom.log", "E[2026-01-01|10:00:00.000] one\n")
    node.write("config/loom.yml", "LogDestination: file://loom.log\n")
    unit(node, f"/usr/bin/{DIRECT}")
    (node.dir / "loom.yml").unlink(missing_ok=True)
    assert (
        f"n1 logs to {log} (LogDestination of {node.dir}/config/loom.yml)."
        in notices(await lines_of(place))[0]
    )


async def test_a_pipe_in_the_place_of_loom_yml_is_not_waited_for(node: Machine, place: Place) -> None:
    (node.dir / "loom.yml").unlink(missing_ok=True)
    os.mkfifo(node.dir / "loom.yml")
    unit(node, f"/usr/bin/{DIRECT}")
    async with asyncio.timeout(15):
        assert notices(await lines_of(place)) == []
