from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.drill.bin import journalctl
from loomtui.drill.systemd.journal import Journal
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.log_tail import LogLine, read_entry, tail
from tests.fleet.machine import RECORDED, Machine
from tests.fleet.place import Place
from tests.fleet.sshd import Sshd
from tests.fleet.waiting import until

JOURNAL = (RECORDED / "journal.jsonl").read_bytes().splitlines()
START = datetime(2026, 1, 1, tzinfo=UTC)


def test_entries_as_journalctl_prints_them() -> None:
    lines = [line for entry in JOURNAL for line in read_entry("n1", entry)]
    assert [line.text for line in lines] == [
        "E[2018-09-26|12:54:56.000] Error dialing peer                           module=p2p "
        'err="dial tcp 10.2.0.4:46656: connect: connection refused"',
        "hi\ufffd!",
        "panic: one",
        "goroutine 1 [running]:",
        "\tmain.main()",
    ]
    assert lines[0].at == datetime(2018, 9, 26, 12, 54, 56, 1, tzinfo=UTC)
    assert {line.cursor for line in lines[2:]} == {"s=1;i=3"}
    assert not any(line.notice for line in lines)


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"-- No entries --", b'{"MESSAGE":"x"}', b'{"__REALTIME_TIMESTAMP":"1"}']
)
def test_what_is_no_entry(line: bytes) -> None:
    assert read_entry("n1", line) == ()


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.text() | st.integers(),
)
def test_no_message_breaks_the_reader(message: object, stamp: object) -> None:
    entry = {"MESSAGE": message, "__REALTIME_TIMESTAMP": stamp, "__CURSOR": message}
    for line in read_entry("n1", json.dumps(entry).encode()):
        assert "\x1b" not in line.text
        assert "\n" not in line.text


def entry(number: int, text: str, seconds: float) -> str:
    stamp = int((START + timedelta(seconds=seconds)).timestamp() * 1e6)
    return json.dumps({"__CURSOR": f"c{number}", "__REALTIME_TIMESTAMP": str(stamp), "MESSAGE": text})


@contextlib.asynccontextmanager
async def cluster(place: Place, count: int, *ports: int) -> AsyncIterator[Fleet]:
    with contextlib.ExitStack() as stack:
        for number in range(1, count + 1):
            folder = place.root / f"n{number}"
            folder.mkdir()
            (folder / "journalctl").write_text(f'#!/bin/sh\nexec sh {place.root}/journalctl.{number} "$@"\n')
            (folder / "journalctl").chmod(0o755)
            server = Sshd(place.behaviour, place.host_key, f"{folder}:{place.bin}")
            place.servers.append(stack.enter_context(server))
        listening = tuple(server.port for server in place.servers)
        place.knows(*listening)
        async with Fleet(place.inventory(*listening, *ports, connect_timeout=2), place.person) as fleet:
            yield fleet


def journal(place: Place, number: int, text: str) -> None:
    (place.root / f"journalctl.{number}").write_text(text)


def prints(*entries: str) -> str:
    return "".join(f"cat <<'EOF'\n{entry}\nEOF\n" for entry in entries)


async def test_logs_of_all_nodes_are_merged_by_time(place: Place) -> None:
    for number in (1, 2, 3):
        mine = [entry(i, f"n{number} line {i}", i + number / 10) for i in range(300)]
        journal(place, number, prints(*mine))
    async with cluster(place, 3) as fleet:
        batches = [batch async for batch in tail(fleet, fleet.names, follow=False)]
    lines = [line for batch in batches for line in batch]
    assert [line.text for line in lines] == [f"n{n} line {i}" for i in range(300) for n in (1, 2, 3)]
    assert max(map(len, batches)) <= 200


async def test_what_journalctl_is_asked(place: Place) -> None:
    journal(place, 1, f'echo "$*" >> {place.root}/asked')
    async with cluster(place, 1) as fleet:
        for lines, since in ((200, None), (None, None), (5, START)):
            assert [
                batch async for batch in tail(fleet, ["n1"], follow=False, lines=lines, since=since)
            ] == []
    base = "-u loom.service -o json --no-pager -q -a"
    assert (place.root / "asked").read_text().splitlines() == [
        f"{base} -n 200",
        f"{base} --no-tail",
        f"{base} --since=@{START.timestamp():.0f} -n 5",
    ]


async def test_a_dead_node_never_stops_the_others(place: Place) -> None:
    journal(place, 1, prints(entry(1, "alive", 1)))
    journal(place, 2, "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1")
    async with cluster(place, 2, 1) as fleet:
        lines = [line async for batch in tail(fleet, fleet.names, follow=False) for line in batch]
    assert [line.text for line in lines if not line.notice] == ["alive"]
    notices = {line.node: line.text for line in lines if line.notice}
    assert "insufficient permissions" in notices["n2"]
    assert "refused" in notices["n3"]


FOLLOWED = """
echo "$*" >> {root}/asked
case "$*" in *-f) ;; *) {first}
exit ;; esac
while [ ! -e {root}/go ]; do sleep 0.02; done
{later}
exec sleep 60
"""


async def next_lines(stream: object, count: int) -> list[LogLine]:
    found: list[LogLine] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found += await anext(stream)  # type: ignore[call-overload]
    return found


async def test_following_goes_on_where_it_was_after_a_lost_connection(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.fleet.probes.log_tail._RETRY_SECONDS", (0.05,))
    text = FOLLOWED.format(
        root=place.root, first=prints(entry(7, "one", 1)), later=prints(entry(8, "two", 2))
    )
    journal(place, 1, text)
    async with cluster(place, 1) as fleet:
        stream = tail(fleet, ["n1"], follow=True, lines=10)
        [one] = await next_lines(stream, 1)
        assert (one.text, one.cursor) == ("one", "c7")
        await until(lambda: len((place.root / "asked").read_text().splitlines()) == 2)  # it follows
        place.servers[0].drop()
        (notice,) = await next_lines(stream, 1)
        assert notice.notice
        assert "Trying again" in notice.text
        (place.root / "go").touch()
        assert [line.text for line in await next_lines(stream, 1)] == ["two"]
        await stream.aclose()
    base = "-u loom.service -o json --no-pager -q -a"
    assert (place.root / "asked").read_text().splitlines() == [
        f"{base} -n 10",
        f"{base} --cursor=c7 --no-tail -f",
        f"{base} --cursor=c7 --no-tail",
        f"{base} --cursor=c7 --no-tail -f",
    ]


async def test_nothing_is_lost_or_told_twice_over_a_reboot(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was said before the reboot while nobody listened, and the first that is said after it."""
    monkeypatch.setattr("loomtui.fleet.probes.log_tail._RETRY_SECONDS", (0.05,))
    node = Journal(place.root, "host-1")
    reads = f'exec {sys.executable} {journalctl.__file__} {place.root} "$@"'
    journal(place, 1, f'echo "$*" >> {place.root}/asked\n{reads}')

    def say(text: str) -> None:
        node.write("loom.service", text, pid=7, name="loom")

    say("first boot")
    node.boot()
    say("second boot")
    async with cluster(place, 1) as fleet:
        stream = tail(fleet, ["n1"], follow=True, lines=10)
        lines = await next_lines(stream, 2)
        await until(lambda: len((place.root / "asked").read_text().splitlines()) == 2)  # it follows
        place.servers[0].drop()
        say("going down")
        node.boot()
        say("up again")
        lines += await next_lines(stream, 3)
        say("and on")
        lines += await next_lines(stream, 1)
        await stream.aclose()
    said = [line.text for line in lines if not line.notice]
    assert said == ["first boot", "second boot", "going down", "up again", "and on"]


async def test_nothing_is_lost_when_it_reboots_between_the_two_looks(place: Place) -> None:
    """The log as it is was read, and what follows is of the next boot alone."""
    node = Journal(place.root, "host-1")
    reads = f'{sys.executable} {journalctl.__file__} {place.root} "$@"'
    journal(
        place,
        1,
        f"""{reads} || exit
        case "$*" in *-f) ;; *) while [ ! -e {place.root}/rebooted ]; do sleep 0.02; done ;; esac""",
    )

    def say(text: str) -> None:
        node.write("loom.service", text, pid=7, name="loom")

    say("before")
    async with cluster(place, 1) as fleet:
        stream = tail(fleet, ["n1"], follow=True, lines=10)
        lines = await next_lines(stream, 1)
        say("going down")
        node.boot()
        say("up again")
        (place.root / "rebooted").touch()
        lines += await next_lines(stream, 2)
        say("and on")
        lines += await next_lines(stream, 1)
        await stream.aclose()
    assert [line.text for line in lines] == ["before", "going down", "up again", "and on"]


async def test_following_several_nodes_in_order(place: Place) -> None:
    for number in (1, 2):
        first = prints(*(entry(i, f"n{number} {i}", i + number / 10) for i in range(3)))
        journal(place, number, FOLLOWED.format(root=place.root, first=first, later=""))
    async with cluster(place, 2) as fleet:
        stream = tail(fleet, fleet.names, follow=True)
        lines = await next_lines(stream, 6)
        await stream.aclose()
    assert [line.text for line in lines] == [f"n{n} {i}" for i in range(3) for n in (1, 2)]


async def test_a_journalctl_that_follows_ends_with_its_listener(machine: Machine, place: Place) -> None:
    """journalctl would not notice before its next line that nobody listens."""
    journal(place, 1, f"echo $$ > {place.root}/pid\n{prints(entry(1, 'one', 1))}\nexec sleep 60")
    async with cluster(place, 1) as fleet:
        stream = tail(fleet, ["n1"], follow=True)
        await next_lines(stream, 1)
        await stream.aclose()
        pid = int((place.root / "pid").read_text())
        async with asyncio.timeout(10):
            await asyncio.to_thread(_ended, pid)


def _ended(pid: int) -> None:
    while _alive(pid):
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone before the open, or before the read
        return False
