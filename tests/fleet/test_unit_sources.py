"""What lies around a unit, read by the real script over real SSH."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.looks import look_at
from loomtui.loom.launch.sources import Absence, SourceFile
from loomtui.loom.unit_change import change_of
from loomtui.loom.units import EffectiveUnit, PeerFlag
from tests.fleet.machine import ID, PRIVATE, SEED, Machine, install, node_key
from tests.fleet.place import Place

LIST = "tcp://34750f98bd59fcfc946da45aaabe933be154a4b5@10.2.0.4:46656"


@pytest.fixture
def machine(place: Place) -> Machine:
    return install(place)


async def unit_of(machine: Machine, fleet: Fleet, command: str, settings: str = "") -> EffectiveUnit:
    text = f"[Service]\nWorkingDirectory={machine.dir}\n{settings}ExecStart={command}\n"
    (machine.place.root / "cat").write_text(f"# /etc/systemd/system/loom.service\n{text}")
    status = await look_at(fleet.session("n1"), None)
    assert status.unit is not None
    return status.unit


def values(unit: EffectiveUnit) -> dict[PeerFlag, str]:
    assert unit.peers_unknown == ""
    return {value.flag: value.value for value in unit.peer_values}


def write(place: Place, name: str, text: str) -> Path:
    path = place.root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


async def test_an_environment_file_is_read_and_nothing_else_of_it_is_sent(
    machine: Machine, place: Place, fleet: Fleet
) -> None:
    env = write(
        place,
        "loom.env",
        f'# A=b\nHSM_PASSWORD=hunter2\nMORE="x \\\n  hunter3"\n\n PEERS="{LIST}"\nLAST=hunter4\n',
    )
    unit = await unit_of(machine, fleet, "/usr/bin/loom run --peers $PEERS", f"EnvironmentFile={env}\n")
    assert values(unit) == {PeerFlag.PEERS: LIST}
    assert (unit.peer_values[0].file, unit.peer_values[0].line) == (str(env), 6)
    assert unit.source_text(str(env)) == f'\n\n\n\n\n PEERS="{LIST}"\n\n'


async def test_globs_and_files_that_may_be_missing(machine: Machine, place: Place, fleet: Fleet) -> None:
    write(place, "env/1.env", "PEERS=old\n")
    write(place, "env/2.env", f"PEERS={LIST}\n")
    settings = (
        f"EnvironmentFile=-/no/such\nEnvironmentFile={place.root}/env/*.env\nEnvironmentFile=/nor/this\n"
    )
    unit = await unit_of(machine, fleet, "/usr/bin/loom run --peers ${PEERS}", settings)
    assert values(unit) == {PeerFlag.PEERS: LIST}
    assert unit.missing_files == ("/nor/this",)


async def test_a_start_script_and_what_it_reads(machine: Machine, place: Place, fleet: Fleet) -> None:
    env = write(place, "peers.sh", f"TOKEN=hunter2\nexport PEERS={LIST}\n")
    script = write(place, "start.sh", f'#!/bin/bash\nset -e\n. {env}\nexec "$LOOM" run --peers "$PEERS"\n')
    unit = await unit_of(machine, fleet, str(script), "Environment=LOOM=/usr/bin/loom\n")
    assert values(unit) == {PeerFlag.PEERS: LIST}
    assert (unit.peer_values[0].file, unit.peer_values[0].line) == (str(env), 2)
    assert "hunter2" not in str(unit.sources)


async def test_the_managers_variables(machine: Machine, place: Place, fleet: Fleet) -> None:
    systemctl = (place.bin / "systemctl").read_text()
    place.command(
        "systemctl", f"[ $1 != show-environment ] || {{ echo PEERS={LIST}; echo A=hunter2; exit; }}"
    )
    with (place.bin / "systemctl").open("a") as more:
        more.write(systemctl)
    unit = await unit_of(machine, fleet, "/usr/bin/loom run --peers $PEERS", "PassEnvironment=PEERS\n")
    assert values(unit) == {PeerFlag.PEERS: LIST}
    assert "hunter2" not in str(unit.sources)


@pytest.mark.parametrize(
    ("content", "why"), [(b"\x7fELF\0\0", "a program and no script"), (b"x" * 70_000, "too large to be one")]
)
async def test_what_is_no_script(
    machine: Machine, place: Place, fleet: Fleet, content: bytes, why: str
) -> None:
    path = place.root / "start"
    path.write_bytes(content)
    unit = await unit_of(machine, fleet, str(path))
    assert f"{path}, which is {why}" in unit.peers_unknown


async def test_a_running_loom_is_evidence(machine: Machine, place: Place, fleet: Fleet) -> None:
    script = write(place, "start.sh", "#!/bin/sh\nexec loom run --peers $(sed 1q /etc/x)\n")
    with running(LIST) as pid:
        shown = (place.root / "show").read_text()
        (place.root / "show").write_text(f"MainPID={pid}\n{shown}")
        unit = await unit_of(machine, fleet, str(script))
    assert unit.peers_unknown == "--peers comes from what a command in it prints."
    assert unit.sources.running == {"--peers": LIST}


@contextlib.contextmanager
def running(peers: str) -> Iterator[int]:
    """A process that is called as loom is."""
    program = "import sys; sys.stdin.read()"
    words = [sys.executable, "-c", program, "run", "--peers", peers, "--secret", "hunter2"]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:
        yield process.pid
        assert process.stdin is not None
        process.stdin.close()


async def test_an_environment_file_that_the_script_reads_too(
    machine: Machine, place: Place, fleet: Fleet
) -> None:
    """As an environment file all but a few of its lines are left out; the script reads the whole of it."""
    env = write(place, "loom.env", f"HOST=10.2.0.4\nexport LIST={LIST}\nMORE=x\n")
    debug = '[ -z "$DEBUG" ] || set -x'
    script = write(
        place, "start.sh", f'#!/bin/sh\n{debug}\n. {env}\nexec loom run --peers "$LIST" --x "$OTHER"\n'
    )
    settings = f"EnvironmentFile=-{env}\n"
    unit = await unit_of(machine, fleet, f"{script} $WHATEVER", settings)
    assert values(unit) == {PeerFlag.PEERS: LIST}
    (value,) = unit.peer_values
    assert (value.file, value.line) == (str(env), 2)
    assert unit.source_text(str(env)) is not None
    with pytest.raises(ValueError, match="does not change that file") as told:
        change_of(unit, unit.files[0].path, {PeerFlag.PEERS: "new"})
    assert f"Now: export LIST={LIST} Has to be: export LIST=new" in str(told.value)


@pytest.mark.parametrize(
    "secret", [node_key(), PRIVATE, f"{SEED.hex()}\n", "-----BEGIN EC PRIVATE KEY-----\nhunter2\n"]
)
async def test_a_key_that_a_script_reads_stays_on_the_node(
    machine: Machine, place: Place, fleet: Fleet, secret: str
) -> None:
    path = write(place, "of-the-node", secret)
    peers = write(place, "peers", f"{LIST}\n")
    script = write(
        place, "start.sh", f"#!/bin/sh\nexport K=$(cat {path})\nexec loom run --peers $(cat {peers})\n"
    )
    unit = await unit_of(machine, fleet, str(script))
    assert values(unit) == {PeerFlag.PEERS: LIST}
    assert unit.sources.scripts[str(path)] == SourceFile(str(path), absence=Absence.KEY)


async def test_the_id_of_a_node_is_no_key(machine: Machine, place: Place, fleet: Fleet) -> None:
    path = write(place, "node-id", f"{ID}\n")
    script = write(place, "start.sh", f"exec loom run --peers $(cat {path})@h:1\n")
    unit = await unit_of(machine, fleet, f"/bin/sh {script}")
    assert values(unit) == {PeerFlag.PEERS: f"{ID}@h:1"}
