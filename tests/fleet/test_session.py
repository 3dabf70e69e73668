"""Running scripts: what comes back, what goes in, and what happens when a node misbehaves."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loomtui.errors import LoomtuiError, NodeUnreachable, ScriptFailed
from loomtui.fleet import session
from loomtui.fleet.facts import read_facts
from loomtui.fleet.fleet import Fleet, WritableFleet
from loomtui.fleet.scripts import ChangeScript, InspectScript, Ran
from tests.fleet.machine import RECORDED
from tests.fleet.place import Place
from tests.fleet.sshd import Sshd
from tests.fleet.waiting import until

RIGHTS = InspectScript("rights")


# ── what comes back ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_script_gets_its_arguments_as_they_are(fleet: Fleet, script: dict[str, str]) -> None:
    script["echo"] = 'for a in "$@"; do say arg "$a"; done; say n $#'
    args = ("a b", "", "$(id)", "'quoted'", 'x"y', "*", "-n", "line\nbreak", "back\\slash", "ü")
    output = await fleet.session("n1").inspect(InspectScript("echo"), *args)
    facts = read_facts(output.stdout)
    assert [value.decode() for value in facts.all("arg")] == list(args)
    assert list(fleet.ran) == [Ran("n1", "inspect", "rights"), Ran("n1", "inspect", "echo")]


async def test_noise_of_a_login_shell_is_dropped(place: Place, fleet: Fleet) -> None:
    place.behaviour.noise_stdout = b"Welcome!\nuser =mallory\nuid =0\n"
    place.behaviour.noise_stderr = b"stty: standard input: Inappropriate ioctl for device\n"
    output = await fleet.session("n1").inspect(RIGHTS)
    assert not output.stdout.startswith(b"Welcome")
    assert read_facts(output.stdout).all("user") != (b"mallory",)
    assert b"mallory" not in output.stdout


async def test_noise_without_a_line_end(place: Place, fleet: Fleet, script: dict[str, str]) -> None:
    place.behaviour.noise_stdout = place.behaviour.noise_stderr = b"no line end"
    n1 = fleet.session("n1")
    assert b"no line end" not in (await n1.inspect(RIGHTS)).stdout
    script["bad"] = "echo one; fail 'no room left'"
    with pytest.raises(ScriptFailed) as caught:
        assert [batch async for batch in n1.follow(InspectScript("bad"))] == [(b"one",)]
    assert caught.value.what == "no room left"


async def test_a_status_that_is_not_accepted(fleet: Fleet, script: dict[str, str]) -> None:
    script["bad"] = r"""echo first >&2; printf 'no \033[31mroom\033[0m left\n\n' >&2; exit 7"""
    n1 = fleet.session("n1")
    with pytest.raises(ScriptFailed) as caught:
        await n1.inspect(InspectScript("bad"))
    assert caught.value.what == "no room left"
    assert caught.value.node == "n1"
    assert (await n1.inspect(InspectScript("bad"), accept=(0, 7))).status == 7
    script["mute"] = "exit 9"
    with pytest.raises(ScriptFailed, match="inspect/mute ended with status 9 and said nothing"):
        await n1.inspect(InspectScript("mute"))


async def test_both_outputs_are_read_at_the_same_time(fleet: Fleet, script: dict[str, str]) -> None:
    script["flood"] = (
        "head -c 6000000 /dev/zero >&2; head -c 6000000 /dev/zero; head -c 6000000 /dev/zero >&2"
    )
    output = await fleet.session("n1").inspect(InspectScript("flood"), timeout=20)
    assert len(output.stdout) == 6_000_000
    assert len(output.stderr) <= 64 * 1024


async def test_output_is_bounded(
    fleet: Fleet, script: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.fleet.ssh.channel_pool._OUTPUT_LIMIT", 100_000)
    script["endless"] = "while :; do echo endless; done"
    with pytest.raises(ScriptFailed, match="more than 100000 bytes"):
        await fleet.session("n1").inspect(InspectScript("endless"), timeout=20)
    assert (await fleet.session("n1").inspect(RIGHTS)).status == 0


async def test_a_node_without_a_posix_shell(place: Place, fleet: Fleet) -> None:
    place.command("sh", "echo 'This account is currently not available.' >&2; exit 1")
    with pytest.raises(ScriptFailed, match="did not run inspect/rights: This account is currently not"):
        await fleet.session("n1").inspect(RIGHTS)


# ── what goes in ────────────────────────────────────────────────────────────────────────────────────────

CHANGE = ChangeScript("sink")


async def test_a_large_stream_goes_in_whole(writable: WritableFleet, script: dict[str, str]) -> None:
    script["sink"] = 'say digest "$(sha256sum | cut -c 1-64)"'
    chunk = bytes(range(256)) * 4096
    digest = hashlib.sha256()

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(50):
            digest.update(chunk)
            yield chunk

    output = await writable.session("n1").change(CHANGE, stdin=stream(), timeout=60)
    assert read_facts(output.stdout).line("digest") == digest.hexdigest()


async def test_bytes_go_in_whole(writable: WritableFleet, script: dict[str, str]) -> None:
    script["sink"] = "cat"
    data = b"\0\n\xff" * 300_000
    assert (await writable.session("n1").change(CHANGE, stdin=data)).stdout == data


async def test_a_script_that_ends_before_its_stream_does(
    writable: WritableFleet, script: dict[str, str]
) -> None:
    script["sink"] = "head -c 10 > /dev/null; fail 'the disk is full'"
    ended = asyncio.Event()

    async def stream() -> AsyncIterator[bytes]:
        try:
            yield b"x" * 100_000
            await asyncio.Event().wait()  # the source stalls
        finally:
            ended.set()

    with pytest.raises(ScriptFailed, match="the disk is full"):
        await writable.session("n1").change(CHANGE, stdin=stream(), timeout=20)
    assert ended.is_set()


async def test_a_stream_that_fails_is_what_is_raised(writable: WritableFleet, script: dict[str, str]) -> None:
    script["sink"] = "cat > /dev/null"

    async def stream() -> AsyncIterator[bytes]:
        yield b"x"
        raise LoomtuiError("S3 is gone")

    with pytest.raises(LoomtuiError, match="S3 is gone"):
        await writable.session("n1").change(CHANGE, stdin=stream(), timeout=20)


# ── time ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_call_has_a_deadline(fleet: Fleet, script: dict[str, str]) -> None:
    script["sleep"] = "sleep 30"
    await fleet.session("n1").rights()
    begun = time.monotonic()
    with pytest.raises(NodeUnreachable, match=r"no answer to inspect/sleep within 0.3 s"):
        await fleet.session("n1").inspect(InspectScript("sleep"), timeout=0.3)
    assert time.monotonic() - begun < 3
    assert (await fleet.session("n1").inspect(RIGHTS)).status == 0


async def test_a_server_that_never_answers_an_exec(place: Place, sshd: Sshd, fleet: Fleet) -> None:
    place.behaviour.hang_exec = True
    async with Fleet(place.inventory(sshd.port, connect_timeout=0.4), place.person) as impatient:
        with pytest.raises(NodeUnreachable, match="no longer answers"):
            await impatient.session("n1").inspect(RIGHTS)


async def test_cancelling_frees_the_thread(fleet: Fleet, script: dict[str, str]) -> None:
    script["sleep"] = "say begun yes; sleep 60"
    n1 = fleet.session("n1")
    await n1.rights()
    lines = n1.follow(InspectScript("sleep"))
    assert await anext(lines) == (b"begun =yes",)
    waiting = asyncio.create_task(anext(lines))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    running = asyncio.create_task(n1.inspect(InspectScript("sleep"), timeout=60))
    await until(lambda: len(fleet.ran) == 3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not any(_waits_for_channel(thread) for thread in threading.enumerate()))
    assert (await n1.inspect(RIGHTS)).status == 0


def _waits_for_channel(thread: threading.Thread) -> bool:
    """Whether one of the fleet's threads is still in a paramiko call."""
    frame = sys._current_frames().get(thread.ident or 0)
    names = set()
    while frame is not None and thread.name.startswith("fleet-"):
        names.add(frame.f_code.co_name)
        frame = frame.f_back
    return bool(names & {"recv", "recv_stderr", "recv_exit_status", "sendall", "exec_command"})


STUCK = """
import asyncio, sys
from loomtui.fleet.fleet import Fleet, Refuse
from loomtui.inventory.model import Inventory, Node, S3Settings, SshSettings

ports, root = [int(port) for port in sys.argv[2:]], sys.argv[1]
inventory = Inventory(
    cluster="test", production=False, s3=S3Settings(bucket="bucket"),
    ssh=SshSettings(user="operator", key_file=root + "/id", known_hosts=root + "/known_hosts",
                    config_file=None, agent=False, connect_timeout=60),
    nodes=tuple(Node(name=f"n{port}", host="127.0.0.1", port=port) for port in ports),
)

async def main():
    async with Fleet(inventory, Refuse()) as fleet:
        looks = [asyncio.create_task(fleet.session(name).rights()) for name in fleet.names]
        await asyncio.to_thread(sys.stdin.readline)
        print("quitting", flush=True)
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

asyncio.run(main())
print("done", flush=True)
"""


def test_quitting_amid_stuck_nodes_ends_promptly(
    place: Place, sshd: Sshd, silent: tuple[int, threading.Event]
) -> None:
    """One node never answers an exec, one takes the connection and never speaks."""
    port, connected = silent
    place.behaviour.hang_exec = True
    command = [sys.executable, "-c", STUCK, str(place.root), str(sshd.port), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert sshd.hung.wait(30)
        assert connected.wait(30)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "quitting\n"
        begun = time.monotonic()
        assert process.stdout.readline() == "done\n"
        assert process.wait(10) == 0
        assert time.monotonic() - begun < 3


# ── lost connections ────────────────────────────────────────────────────────────────────────────────────


async def test_a_look_is_repeated_after_the_connection_broke(place: Place, sshd: Sshd, fleet: Fleet) -> None:
    await fleet.session("n1").inspect(RIGHTS)
    place.behaviour.drop_next_exec = 1
    assert (await fleet.session("n1").inspect(RIGHTS)).status == 0
    assert len(place.behaviour.logins) == 2


async def test_a_connection_that_was_dropped_in_between_is_made_anew(sshd: Sshd, fleet: Fleet) -> None:
    n1 = fleet.session("n1")
    await n1.inspect(RIGHTS)
    sshd.drop()
    assert (await n1.inspect(RIGHTS)).status == 0


async def test_a_change_is_never_repeated_by_itself(
    place: Place, writable: WritableFleet, script: dict[str, str]
) -> None:
    script["sink"] = "cat > /dev/null"
    n1 = writable.session("n1")
    await n1.require_root()
    place.behaviour.drop_next_exec = 1
    with pytest.raises(NodeUnreachable) as caught:
        await n1.change(CHANGE)
    assert "not known" in caught.value.safe
    assert [ran.name for ran in writable.ran] == ["rights", "sink"]
    assert (await n1.change(CHANGE)).status == 0


async def test_a_look_that_breaks_twice_is_given_up(place: Place, fleet: Fleet) -> None:
    await fleet.session("n1").inspect(RIGHTS)
    place.behaviour.drop_next_exec = 2
    with pytest.raises(NodeUnreachable, match="lost"):
        await fleet.session("n1").inspect(RIGHTS)


async def test_a_node_that_is_gone_is_tried_with_back_off(place: Place, sshd: Sshd) -> None:
    async with Fleet(place.inventory(sshd.port, connect_timeout=1), place.person) as fleet:
        n1 = fleet.session("n1")
        await n1.inspect(RIGHTS)
        sshd.stop()
        begun = time.monotonic()
        with pytest.raises(NodeUnreachable, match="refused"):
            await n1.inspect(RIGHTS)
        assert time.monotonic() - begun < 5


async def test_a_closed_session_stays_closed(fleet: Fleet) -> None:
    await fleet.session("n1").inspect(RIGHTS)
    await fleet.close()
    with pytest.raises(NodeUnreachable, match="closed"):
        await fleet.session("n1").inspect(RIGHTS)


# ── following ───────────────────────────────────────────────────────────────────────────────────────────


async def test_lines_come_in_batches(fleet: Fleet, script: dict[str, str]) -> None:
    script["count"] = 'i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); echo "line $i"; done; printf last'
    batches = [batch async for batch in fleet.session("n1").follow(InspectScript("count"))]
    lines = [line for batch in batches for line in batch]
    assert lines == [b"line %d" % number for number in range(1, 1001)] + [b"last"]
    assert max(map(len, batches)) <= 200
    assert len(batches) < 100


async def test_a_line_does_not_wait_for_the_next(fleet: Fleet, script: dict[str, str]) -> None:
    script["slow"] = "echo one; sleep 0.5; echo two; read -r never; echo over"
    lines = fleet.session("n1").follow(InspectScript("slow"))
    assert await anext(lines) == (b"one",)
    assert await anext(lines) == (b"two",)
    await lines.aclose()


async def test_what_is_left_of_a_burst_does_not_wait_for_the_next(
    fleet: Fleet, script: dict[str, str]
) -> None:
    count = 'lines=; i=0; while [ $i -lt 250 ]; do i=$((i + 1)); lines="${lines}line $i\n"; done'
    script["burst"] = f'{count}; printf "$lines"; read -r never'
    lines = fleet.session("n1").follow(InspectScript("burst"))
    found: list[bytes] = []
    async with asyncio.timeout(20):
        while len(found) < 250:
            found += await anext(lines)
    await lines.aclose()
    assert found[-1] == b"line 250"


async def test_a_followed_script_that_fails(fleet: Fleet, script: dict[str, str]) -> None:
    script["fails"] = "echo one; fail 'no journal'"
    with pytest.raises(ScriptFailed, match="no journal"):
        assert [batch async for batch in fleet.session("n1").follow(InspectScript("fails"))] == [(b"one",)]


async def test_the_end_of_the_listener_reaches_the_node(
    place: Place, fleet: Fleet, script: dict[str, str]
) -> None:
    script["lasting"] = f"echo begun; while read -r line; do :; done; echo over > {place.root}/over"
    lines = fleet.session("n1").follow(InspectScript("lasting"))
    await anext(lines)
    await lines.aclose()
    await until((place.root / "over").exists)


# ── HTTP ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_http_through_the_connection(fleet: Fleet, rpc_port: int) -> None:
    n1 = fleet.session("n1")
    assert await n1.http_get("127.0.0.1", rpc_port, "/status") == (RECORDED / "status.json").read_bytes()
    with pytest.raises(LoomtuiError, match="HTTP status 404"):
        await n1.http_get("127.0.0.1", rpc_port, "/other")


async def test_http_where_nothing_answers(
    fleet: Fleet, sshd: Sshd, silent: tuple[int, threading.Event]
) -> None:
    n1 = fleet.session("n1")
    with pytest.raises(LoomtuiError, match="cannot be reached from the node"):
        await n1.http_get("127.0.0.1", 1, "/status")
    with pytest.raises(LoomtuiError, match="no answer from"):
        await n1.http_get("127.0.0.1", silent[0], "/status", timeout=0.3)
    with pytest.raises(LoomtuiError, match="speaks no HTTP"):
        await n1.http_get("127.0.0.1", sshd.port, "/status", timeout=5)


def test_scripts_of_this_test_are_not_installed() -> None:
    remote = Path(session.__file__).parent / "remote"
    assert not (remote / "change" / "sink.sh").exists()
