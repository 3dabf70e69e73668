"""A fetch is a unit of the node's systemd: it outlives the connection, sshd and the operator's program."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tarfile

from loomtui.fleet.fleet import Refuse, WritableFleet
from loomtui.fleet.scripts import script_text
from loomtui.restore.running.node_run import FETCH, FETCH_JOB, RUN_STATE
from tests.lab import nodes
from tests.lab.client import Lab
from tests.lab.grip import HOLD_FILE, RUN, WORKDIR, Grip, gripped
from tests.lab.slow_s3 import SlowStore, slow_store
from tests.lab.watching import until

_FOLDER = f"{WORKDIR}/.loomtui/runs/{RUN}"


def _archive() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:bz2") as archive:
        for name, content in {"app.db/CURRENT": b"MANIFEST-000001\n", "not-wanted": bytes(300_000)}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


async def _fetch(grip: Grip, store: SlowStore, digest: str) -> None:
    job = script_text(FETCH_JOB)
    await grip.change(
        FETCH,
        "data",
        "bzip2",
        digest,
        str(store.size),
        "0",
        "app.db",
        stdin=f"{store.url}\netag-of-the-plan\n{job}".encode(),
    )
    assert await asyncio.to_thread(store.half_sent.wait, 30)


def _units(lab: Lab, node: str) -> str:
    """The job's units, running or failed."""
    return lab.run(node, "systemctl list-units --all --no-legend --plain 'loomtui-*'").stdout


async def _no_units(lab: Lab, node: str) -> None:
    async def units() -> str:
        return _units(lab, node)

    await until(units, lambda seen: not seen)


async def _ended(lab: Lab, node: str) -> str:
    async def status() -> str:
        return lab.run(
            node, f"cat {_FOLDER}/job/data/rc && cat {_FOLDER}/job/data/message", check=False
        ).stdout

    return await until(status, bool)


async def test_fetch_outlives_the_connection_and_sshd(shared: Lab, fleet: WritableFleet) -> None:
    body = _archive()
    async with gripped(fleet, "val-1"):
        with slow_store(shared.here, body) as store:
            async with WritableFleet(shared.inventory(), Refuse()) as short_lived:
                await _fetch(Grip(short_lived, "val-1"), store, hashlib.sha256(body).hexdigest())
            shared.run("val-1", "systemctl restart ssh; pkill -x sshd -u oncall || :")
            during = _units(shared, "val-1")
            weights = shared.run("val-1", "systemctl show 'loomtui-*' -p CPUWeight -p IOWeight").stdout
            nicer = shared.run("val-1", f"ps -o ni= -p 1,$(cat {_FOLDER}/job/data/pid)").stdout.split()
            group = shared.run("val-1", f"cat /proc/$(cat {_FOLDER}/job/data/pid)/cgroup").stdout
            store.go_on.set()
            ended = await _ended(shared, "val-1")
        facts = (
            await fleet.session("val-1").inspect(RUN_STATE, WORKDIR, RUN, nodes.UNIT.name, HOLD_FILE)
        ).stdout
        unpacked = shared.run("val-1", f"find {_FOLDER}/raw/data -type f -printf '%P\\n'").stdout
        kept = shared.run("val-1", f"grep -rl lab-secret {_FOLDER} || :").stdout
        await _no_units(shared, "val-1")

    assert during.startswith(f"loomtui-{RUN}-data-")
    assert f"/system.slice/loomtui-{RUN}-data-" in group
    assert set(weights.split()) == {"CPUWeight=20", "IOWeight=20"}
    assert int(nicer[1]) - int(nicer[0]) == 10
    assert ended.startswith("0\n")
    assert store.asked == ['"etag-of-the-plan"']
    assert unpacked == "app.db/CURRENT\n"
    assert b"job.data" in facts
    assert kept == ""


async def test_presigned_url_is_never_an_argument(shared: Lab, fleet: WritableFleet) -> None:
    body = _archive()
    async with gripped(fleet, "val-2") as grip:
        with slow_store(shared.here, body) as store:
            await _fetch(grip, store, hashlib.sha256(body).hexdigest())
            processes = shared.run(
                "val-2", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' ' '"
            ).stdout
            readable = shared.run("val-2", f"su oncall -c 'cat {_FOLDER}/job/data/url'", check=False)
            store.go_on.set()
            await _ended(shared, "val-2")

    assert "curl" in processes
    assert "lab-secret" not in processes
    assert readable.returncode != 0


async def test_another_object_than_the_plans_is_refused(shared: Lab, fleet: WritableFleet) -> None:
    async with gripped(fleet, "val-3") as grip:
        with slow_store(shared.here, _archive()) as store:
            store.go_on.set()
            await _fetch(grip, store, hashlib.sha256(b"the plan's").hexdigest())
            ended = await _ended(shared, "val-3")
        await _no_units(shared, "val-3")  # a failed one would stay for ever

    assert ended.startswith("2\n")
    assert "not the one of the plan" in ended
