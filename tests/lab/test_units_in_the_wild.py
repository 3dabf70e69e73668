"""Units as they are found: an environment file, a start script, a log file, under a real systemd."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote

from loomtui.fleet.fleet import WritableFleet
from loomtui.fleet.probes.log_tail import LogLine, tail
from loomtui.fleet.probes.looks import look_at
from loomtui.loom.units import EffectiveUnit, PeerFlag
from loomtui.restore.planning.identities import gather, service_fixes
from tests.lab.client import Lab
from tests.lab.watching import healthy
from tests.loom.test_launch import ENVIRONMENT_FILES

NODE = "val-2"
DROP_INS = "/etc/systemd/system/loom.service.d"
LOG = "/var/log/loom-in-the-wild.log"


def put(lab: Lab, path: str, text: str, mode: str = "644") -> None:
    lab.run(NODE, f"mkdir -p $(dirname {path}) && printf '%s' {quote(text)} > {path} && chmod {mode} {path}")


@contextmanager
def started_otherwise(lab: Lab, settings: str, **files: str) -> Iterator[None]:
    """The service with these settings; it is as it was afterwards. `files` are in /opt/wild."""
    for name, text in files.items():
        put(lab, f"/opt/wild/{name}", text, "755")
    put(lab, f"{DROP_INS}/10-wild.conf", f"[Service]\n{settings}")
    try:
        lab.run(NODE, "systemctl daemon-reload && systemctl restart loom")
        yield
    finally:
        lab.run(NODE, f"rm -rf {DROP_INS} /opt/wild {LOG}; systemctl daemon-reload && systemctl restart loom")


async def unit_of(fleet: WritableFleet) -> EffectiveUnit:
    status = await look_at(fleet.session(NODE), None)
    assert status.unit is not None
    return status.unit


def peers_of(unit: EffectiveUnit) -> str:
    assert unit.peers_unknown == ""
    (value,) = unit.peer_values
    assert value.flag is PeerFlag.PERSISTENT
    return value.value


async def is_right(lab: Lab, fleet: WritableFleet) -> None:
    """What is read is what the running loom was given, and nothing has to change."""
    unit = await unit_of(fleet)
    command = lab.run(NODE, "tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID loom)/cmdline").stdout.split(
        "\n"
    )
    assert command[command.index("--persistent-peers") + 1] == peers_of(unit)
    report, failed = await gather(lab.inventory(), fleet)
    assert (report.ok, report.unknown, dict(failed)) == (True, (), {})
    assert not any(fix.needed for fix in service_fixes(report))
    await healthy(fleet)


async def test_peers_in_an_environment_file(shared: Lab, fleet: WritableFleet) -> None:
    peers = peers_of(await unit_of(fleet))
    settings = (
        "EnvironmentFile=-/no/such/file\nEnvironmentFile=/opt/wild/*.env\n"
        "ExecStart=\nExecStart=/usr/bin/loom run $OPTIONS --persistent-peers ${PEERS}\n"
    )
    with started_otherwise(shared, settings, **{"loom.env": f'# peers\nPEERS="{peers}"\nOPTIONS=\n'}):
        unit = await unit_of(fleet)
        await is_right(shared, fleet)
    assert (unit.peer_values[0].file, unit.peer_values[0].line) == ("/opt/wild/loom.env", 2)


async def test_a_start_script_that_logs_to_a_file(shared: Lab, fleet: WritableFleet) -> None:
    peers = peers_of(await unit_of(fleet))
    script = (
        "#!/bin/bash\nset -euo pipefail\nsource /opt/wild/peers.sh\n"
        'exec nice -n 1 loom run --persistent-peers "$PEERS" >> /home/ubuntu/wild.log 2>&1\n'
    )
    files = {"start-loom.sh": script, "peers.sh": f"export PEERS={peers}\n"}
    try:
        with started_otherwise(shared, "ExecStart=\nExecStart=/opt/wild/start-loom.sh\n", **files):
            await is_right(shared, fleet)
            shared.run(NODE, "echo 'E[2026-01-01|10:00:00.000] a line of its own' >> /home/ubuntu/wild.log")
            lines = await logged(fleet)
    finally:
        shared.run(NODE, "rm -f /home/ubuntu/wild.log")
    assert "E[2026-01-01|10:00:00.000] a line of its own" in [line.text for line in lines if not line.notice]
    (notice,) = [line.text for line in lines if line.notice]
    assert notice.startswith(f"{NODE} logs to /home/ubuntu/wild.log: not in the journal")


async def test_a_unit_that_appends_to_a_log_file(shared: Lab, fleet: WritableFleet) -> None:
    with started_otherwise(shared, f"StandardOutput=append:{LOG}\n"):
        await healthy(fleet)
        shared.run(NODE, f"echo a line of its own >> {LOG}")
        lines = await logged(fleet)
    assert "a line of its own" in [line.text for line in lines if not line.notice]
    assert any(line.text.startswith("Started ") for line in lines)  # systemd's own lines are in the journal
    (notice,) = [line.text for line in lines if line.notice]
    assert notice.startswith(f"{NODE} logs to {LOG}: not in the journal (StandardOutput=)")


async def test_a_log_that_loom_itself_writes(shared: Lab, fleet: WritableFleet) -> None:
    config, log = "/home/ubuntu/loom.yml", "/home/ubuntu/loom.log"
    old = "I[2026-01-01|10:00:00.000] " + "of an earlier run " * 2000
    shared.run(
        NODE, f"cp -p {config} {config}.kept && printf '%s\n' {quote(old)} > {log} && chown ubuntu {log}"
    )
    settings = "s|^(LogDestination:).*|\\1 file://loom.log|; s|^(BlockchainLogLevel:).*|\\1 info|"
    try:
        shared.run(NODE, f"sed -E -i {quote(settings)} {config} && systemctl restart loom")
        await healthy(fleet)
        lines = await logged(fleet)
    finally:
        shared.run(NODE, f"cp -p {config}.kept {config}; rm -f {log} {config}.kept; systemctl restart loom")
    told = [line.text for line in lines if not line.notice and line.text.startswith("I[")]
    assert told
    assert not any("of an earlier run" in text for text in told)
    (notice,) = [line.text for line in lines if line.notice]
    assert notice == f"{NODE} logs to {log} (LogDestination of {config})."


async def logged(fleet: WritableFleet) -> list[LogLine]:
    async with asyncio.timeout(60):
        return [line async for batch in tail(fleet, [NODE], follow=False, lines=50) for line in batch]


def test_environment_files_are_read_as_systemd_reads_them(shared: Lab) -> None:
    put(shared, "/run/wild.sh", 'printf %s "${A-none}" > /run/wild.got\n')
    for text, value in ENVIRONMENT_FILES:
        put(shared, "/run/wild.env", text)
        shared.run(NODE, "systemd-run --wait -q -p EnvironmentFile=/run/wild.env sh /run/wild.sh")
        got = shared.run(NODE, "cat /run/wild.got").stdout
        assert got == ("none" if value is None else value), text
