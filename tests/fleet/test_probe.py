"""The scripts that look, run for real on a stand-in machine, and what is made of their findings."""

from __future__ import annotations

import base64
import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loomtui.fleet import session
from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.holder import Holder, lock_words, read_holder
from loomtui.fleet.probes.node_status import UNKNOWN_RUN, Active, NodeStatus
from loomtui.fleet.probes.probe import look, look_at
from loomtui.fleet.probes.status_facts import read_chain, read_key, read_node_status, read_validator_facts
from loomtui.fleet.scripts import InspectScript, script_text
from loomtui.inventory.model import Node, Role
from loomtui.loom.databases import NEEDED_DATABASES
from loomtui.loom.validator import SigningState
from tests.fleet.machine import (
    ID,
    OTHER_KEY,
    PRIVATE,
    PUBLIC,
    RECORDED,
    SEED,
    VERSIONS,
    Machine,
    node_key,
    validator,
)
from tests.fleet.sshd import Sshd


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_look_over_ssh(machine: Machine, fleet: Fleet, version: str) -> None:
    machine.systemd(version)
    before = machine.files()
    seen = await look(fleet)
    [status] = seen.nodes
    assert status.error is None
    assert status.reachable
    assert status.service
    assert status.unit
    assert status.unit.working_directory == str(machine.dir)
    assert len(status.unit.peer_values) == 1
    assert status.node_key
    assert status.node_key.node_id == ID
    assert status.validator
    assert status.validator.signing == SigningState(120455, 1, 3)
    assert status.validator.problem is None
    assert status.chain
    assert (status.chain.height, status.chain.peers, status.chain.catching_up) == (19, 1, False)
    assert status.chain_error is None
    assert status.version == "1.2.3+build.456"
    assert status.disk_total_bytes
    assert status.disk_free_bytes is not None
    assert status.clock_offset_seconds is not None
    assert abs(status.clock_offset_seconds) < 1
    assert status.load_average is not None
    assert status.load_average >= 0
    assert machine.files() == before
    assert [(ran.kind, ran.name) for ran in fleet.ran] == [("inspect", "rights"), ("inspect", "status")]


async def test_the_program_is_asked_its_version_once(machine: Machine, fleet: Fleet) -> None:
    calls = machine.place.root / "loom.calls"
    for _ in range(2):
        assert (await look(fleet)).node("n1").version == "1.2.3+build.456"
    assert calls.read_text() == "version\n"
    machine.place.command("loom", "echo panic: 5 is too old >&2; echo 2.0.0")
    assert (await look(fleet)).node("n1").version == "2.0.0"


async def test_a_wrapper_is_not_run(machine: Machine, fleet: Fleet) -> None:
    machine.place.command("start-node.sh", f"touch {machine.place.root}/started")
    show = machine.place.root / "show"
    show.write_text(show.read_text().replace("/loom ;", "/start-node.sh ;"))
    assert (await look(fleet)).node("n1").version is None
    assert not (machine.place.root / "started").exists()


async def test_a_service_that_flaps_and_one_that_is_held(machine: Machine, fleet: Fleet) -> None:
    first = await look(fleet)
    show = machine.place.root / "show"
    show.write_text(show.read_text().replace("1427", "1500").replace("10250345", "20250345"))
    second = await look(fleet, first)
    third = await look(fleet, second)
    services = [seen.node("n1").service for seen in (first, second, third)]
    active = [service.active if service is not None else None for service in services]
    assert active == [Active.ACTIVE, Active.FLAPPING, Active.ACTIVE]
    hold = machine.place.root / "units" / "loom.service.d" / "99-loomtui-hold.conf"
    hold.parent.mkdir()
    hold.write_text("# held by loomtui run R-1: a restore is not finished\n")
    machine.write(".loomtui/lock", '{"run": "R-1", "who": "ann", "from": "desk", "since": "2026-11-22"}\n')
    machine.write(".loomtui/runs/R-1/jobs/5f/what", "crontab\n/etc/cron.d/loom\n\n")
    status = (await look(fleet)).node("n1")
    assert status.suspended == ("R-1 crontab /etc/cron.d/loom",)
    assert status.service
    assert status.service.held_by == "R-1"
    assert status.service.held_since is not None
    assert abs(status.service.held_since - datetime.now(UTC)) < timedelta(hours=1)
    assert status.lock == "run R-1 of ann@desk, since 2026-11-22"


async def test_which_databases_are_missing_is_seen(machine: Machine, fleet: Fleet) -> None:
    assert set(NEEDED_DATABASES) >= set((await look(fleet)).node("n1").missing_databases or ())
    for name in NEEDED_DATABASES:
        machine.write(f"{name}/CURRENT", "MANIFEST-000000\n")
    assert (await look(fleet)).node("n1").missing_databases == ()
    shutil.rmtree(machine.dir / "app.db")
    assert (await look(fleet)).node("n1").missing_databases == ("app.db",)


async def test_the_set_of_validators_is_asked_of_the_nodes_own_chain(machine: Machine, fleet: Fleet) -> None:
    said = {"result": {"validators": [{"address": "A" * 40, "voting_power": "1250000182331"}]}}
    (machine.place.root / "validators.json").write_text(json.dumps(said))
    machine.place.command(
        "curl",
        f"for word; do case $word in */validators) cat '{machine.place.root}/validators.json' ;; "
        f"http*) cat '{RECORDED}'/\"${{word##*/}}.json\" ;; *) continue ;; esac; "
        "echo; echo '-- answered'; done",
    )
    chain = (await look(fleet)).node("n1").chain
    assert chain
    assert chain.members == (("A" * 40, 1250000182331),)
    (machine.place.root / "validators.json").write_text('{"error": {"message": "no"}}')
    chain = (await look(fleet)).node("n1").chain
    assert chain
    assert chain.members == (), "an error leaves the set unknown, and the rest known"


def test_a_lock_that_holds_anything() -> None:
    assert lock_words(None) is None
    assert lock_words("") == "a lock that nobody can read: it is empty"
    assert lock_words("[1]") == "a lock that nobody can read: [1]"
    assert read_holder("[1]") is None
    assert read_holder('{"run": "R-1", "who": 1}') == Holder("R-1", who="1")
    assert "\x1b" not in (lock_words('{"run":"\\u001b[2J","who":"","from":"","since":""}') or "")


def test_a_run_that_was_taken_over_names_its_generation() -> None:
    holder = read_holder('{"run": "R-1/12-0af3", "who": "ann", "from": "desk", "since": "today"}')
    assert holder == Holder("R-1", "12-0af3", "ann", "desk", "today")
    assert (holder.number, Holder("R-1").number) == (12, 1)
    assert "12-0af3" not in holder.words
    assert read_holder('{"run": "R-1/../etc"}') is None


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("2026-01-01T12:00:00+02:00", "2026-01-01 10:00:00 UTC"),
        ("2026-01-01", "2026-01-01"),
        ("today", "today"),
        ("0001-01-01T00:00:00+23:00", "0001-01-01T00:00:00+23:00"),
    ],
)
def test_since_when_a_lock_is_held(told: str, shown: str) -> None:
    """What is no moment that a calendar has in UTC is told as it stands there."""
    holder = Holder("R-1", since=told)
    assert holder.since_when == shown
    assert holder.words == f"run R-1 of somebody@somewhere, since {shown}"


async def test_what_a_node_says_stays_data(machine: Machine, fleet: Fleet) -> None:
    root = machine.place.root
    (root / "cat").write_text(
        "# /x/loom.service\n[Service]\nExecStart=/usr/bin/loom run\x1b]52;c;x\x07 [/]\n"
    )
    (root / "show").write_text("SubState=run\x1b[2Jning\nActiveState=\x1b[31mactive\nLoadState=a\x00b\n")
    machine.place.command("loom", "printf '1.0\\033[2J\\n'")
    machine.write("loom.yml", "RPCListenAddress: $(touch /tmp/x)`id`;id\n")
    machine.place.command("curl", "printf '\\033[2J' >&2; exit 7")
    status = (await look(fleet)).node("n1")
    assert status.service
    assert (status.service.sub, status.service.load_state) == ("running", "ab")
    assert status.chain is None
    assert "\x1b" not in f"{status.version}{status.chain_error}{status.service}"


# ── nodes that cannot be looked at ──────────────────────────────────────────────────────────────────────


async def test_a_look_never_raises_and_the_dead_do_not_hold_up_the_living(
    machine: Machine, sshd: Sshd, silent: tuple[int, object]
) -> None:
    place = machine.place
    inventory = place.inventory(sshd.port, silent[0], connect_timeout=0.5)
    seen: list[NodeStatus] = []
    async with Fleet(inventory, place.person) as fleet:
        first = await look(fleet, on_status=seen.append)
        assert [node.reachable for node in first.nodes] == [True, False]
        assert {node.name for node in seen} == {"n1", "n2"}
        assert "not an SSH server" in (first.node("n2").error or "")
        assert first.node("n2").role is Role.VALIDATOR


async def test_a_node_that_was_away_is_not_waited_for(
    machine: Machine, silent: tuple[int, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loomtui.fleet.probes.looks._PATIENCE_SECONDS", 0.2)
    away = NodeStatus("n1", Role.VALIDATOR, datetime.now(UTC), False, error="gone since noon")
    async with Fleet(machine.place.inventory(silent[0], connect_timeout=60), machine.place.person) as fleet:
        begun = time.monotonic()
        status = await look_at(fleet.session("n1"), away)
        assert time.monotonic() - begun < 5
        assert (status.reachable, status.error) == (False, "gone since noon")


async def test_a_node_whose_systemd_does_not_answer(machine: Machine, fleet: Fleet) -> None:
    machine.place.command("systemctl", "echo 'Failed to connect to bus' >&2; exit 1")
    status = (await look(fleet)).node("n1")
    assert status.reachable
    assert status.error == "systemctl show loom.service failed"


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────────

SHORT = base64.b64encode(SEED).decode()
SWAPPED = base64.b64encode(base64.b64decode(PUBLIC) + SEED).decode()
ZERO = base64.b64encode(SEED + bytes(32)).decode()
SHAPES = {
    "normal": (node_key(), ID),
    "pretty": (json.dumps(json.loads(node_key()), indent=2), ID),
    "windows": (json.dumps(json.loads(node_key()), indent=2).replace("\n", "\r\n"), ID),
    "extra": (node_key()[:-1] + ', "comment": "x"}', ID),
    "seed only": (node_key(SHORT), None),
    "no padding": (node_key(PRIVATE.rstrip("=")), None),
    "cut": (node_key()[:-3], None),
    "long": (node_key(base64.b64encode(SEED * 3).decode()), None),
    "zero": (node_key(ZERO), None),
    "empty": ("", None),
    "brace": ("{", None),
    "garbage": ("garbage", None),
    "list": (f'["{PRIVATE}"]', None),
    "no key": ("{}", None),
    "null": ('{"priv_key":null}', None),
    "other type": (node_key().replace("Ed25519", "Secp256k1"), None),
    "bare": (f'{{"priv_key":"{PRIVATE}"}}', None),
    "nested": (f'{{"priv_key":{{"type":"x","value":{{"value":"{PRIVATE}"}}}}}}', None),
    "large": (node_key() + " " * 70_000, None),
}


def leaks(output: bytes) -> bool:
    """Whether anything of the secret half is in what a node printed, as text or as a fact."""
    facts = read_facts(output)
    everything = output + b"".join(value for name in facts for value in facts.all(name))
    secrets = (SEED, SHORT[:-2].encode(), PRIVATE[:42].encode(), SEED.hex().encode(), OTHER_KEY[:42].encode())
    return any(secret in everything for secret in secrets)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_identity_of_a_node_and_no_private_key_leaves_it(machine: Machine, shape: str) -> None:
    text, expected = SHAPES[shape]
    machine.write("chaindata/config/node_key.json", text)
    machine.write("chaindata/config/priv_validator.json", text)
    done = machine.run("status", *machine.arguments)
    facts = read_key(read_facts(done.stdout))
    assert facts.node_id == expected
    assert bool(facts.problem) is (expected is None)
    assert not leaks(done.stdout)
    assert not leaks(done.stderr)


def test_the_leak_detector_detects() -> None:
    assert leaks(b"x " + base64.b64encode(b"..." + SEED))
    assert leaks(PRIVATE.encode())
    assert not leaks(PUBLIC.encode())


VALIDATORS = {
    "normal": (validator(), SigningState(120455, 1, 3), None, False),
    "pretty": (json.dumps(json.loads(validator()), indent=4), SigningState(120455, 1, 3), None, False),
    "numbers": (
        validator(last_height=7, last_round=0, last_step="2"),
        SigningState(7, 0, 2),
        "Tendermint wants",
        False,
    ),
    "nothing signed": (
        validator(last_signature=None, last_signbytes=None, last_height="0", last_round="0", last_step=0),
        SigningState(0, 0, 0),
        None,
        False,
    ),
    "tendermint 0.22": (
        validator(last_signature={"type": "tendermint/SignatureEd25519", "value": "c2ln"}),
        SigningState(120455, 1, 3),
        None,
        False,
    ),
    "another address behind": (
        validator(more={"address": "B" * 40}),
        SigningState(120455, 1, 3),
        None,
        False,
    ),
    "hsm": (validator(priv_key=None, key_id=7), SigningState(120455, 1, 3), None, True),
    "other key": (
        validator(priv_key={"type": "tendermint/PrivKeyEd25519", "value": OTHER_KEY}),
        SigningState(120455, 1, 3),
        "not a pair",
        False,
    ),
    "seed as public key": (
        validator(priv_key=None, pub_key={"type": "x", "value": OTHER_KEY}),
        SigningState(120455, 1, 3),
        "pub_key is not",
        False,
    ),
    "cut": (validator()[:60], None, "not a whole JSON object", False),
    "short key": (
        validator(priv_key={"type": "x", "value": SHORT}),
        SigningState(120455, 1, 3),
        "priv_key is not",
        False,
    ),
}


@pytest.mark.parametrize("shape", VALIDATORS)
def test_the_signing_state(machine: Machine, shape: str) -> None:
    text, signing, problem, hsm = VALIDATORS[shape]
    machine.write("chaindata/config/priv_validator.json", text)
    output = machine.run("status", *machine.arguments).stdout
    facts = read_validator_facts(read_facts(output))
    assert facts.signing == signing
    assert facts.hsm is hsm
    assert (problem in (facts.problem or "")) if problem else facts.problem is None
    assert not leaks(output)


@pytest.mark.parametrize("name", ["node_key", "priv_validator"])
def test_files_that_are_none(machine: Machine, name: str) -> None:
    path = machine.dir / f"chaindata/config/{name}.json"

    def problem() -> str | None:
        facts = machine.status()
        return read_key(facts).problem if name == "node_key" else read_validator_facts(facts).problem

    path.unlink()
    assert problem() == "missing"
    path.mkdir()
    assert problem() == "not a regular file"


def test_what_a_look_does_not_tell_whole_was_not_seen(machine: Machine) -> None:
    """It must not be taken for a file that is missing, or for a signing state of nothing."""
    told = machine.status()
    assert not read_validator_facts(told).closed
    assert read_key(told).node_id == ID
    for lost in ("validator.state", "validator.public", "validator.private", "validator.signing"):
        validator_seen = read_validator_facts(without(told, lost))
        assert (validator_seen.closed, validator_seen.absent, validator_seen.signing) == (True, False, None)
        assert "the node did not tell all of it" in (validator_seen.problem or "")
    for lost in ("node_key.state", "node_key.public"):
        assert read_key(without(told, lost)).closed
    assert read_chain(Facts(iter(()))) == (None, None)


def without(facts: Facts, lost: str) -> Facts:
    return Facts((name, facts[name]) for name in facts if name != lost)


@pytest.mark.parametrize("program", ["sed", "base64"])
def test_a_node_that_starts_no_more_programs_has_not_told_its_keys(machine: Machine, program: str) -> None:
    machine.place.command(program, "exit 254")
    facts = machine.status()
    assert read_key(facts).closed
    validator_seen = read_validator_facts(facts)
    assert (validator_seen.closed, validator_seen.absent) == (True, False)


def test_a_hold_that_could_not_be_read_holds_all_the_same() -> None:
    facts = Facts(iter([("show", b"ActiveState=inactive\n"), ("hold.since", b"1700000000")]))
    node = Node(name="n1", host="10.2.0.1")
    service = read_node_status(node, "loom.service", facts, 1.7e9, None).service
    assert service is not None
    assert service.held_by == UNKNOWN_RUN


# ── the chain ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("config", "address"),
    [
        ("", "127.0.0.1:46657"),
        ("RPCListenAddress: tcp://0.0.0.0:1234\n", "127.0.0.1:1234"),
        ('RPCListenAddress: "tcp://10.2.0.4:1234"  # a comment\r\n', "10.2.0.4:1234"),
        ("# RPCListenAddress: tcp://10.2.0.4:1234\n", "127.0.0.1:46657"),
        ("rpclistenaddress: ':99'\n", "127.0.0.1:99"),
        ("RPCListenAddress: tcp://[::1]:99\n", "[::1]:99"),
        ("RPCListenAddress: tcp://[::]:99\n", "127.0.0.1:99"),
        ("RPCListenAddress: tcp://host\n", "127.0.0.1:46657"),
        ("RPCListenAddress: tcp://a b;id:12x\n", "127.0.0.1:46657"),
    ],
)
def test_where_the_rpc_is_asked(machine: Machine, config: str, address: str) -> None:
    machine.write("loom.yml", config)
    assert machine.status().line("rpc.address") == address


def test_an_rpc_that_does_not_answer(machine: Machine) -> None:
    machine.write("loom.yml", "RPCListenAddress: tcp://127.0.0.1:1\n")
    assert read_chain(machine.status()) == (None, "curl: (7) Failed to connect")


def _curl(machine: Machine, body: str) -> Path:
    """A curl whose calls are noted, one a line."""
    calls = machine.place.root / "curl.calls"
    machine.place.command("curl", f"printf '%s\\n' \"$*\" >>'{calls}'\n{body}")
    return calls


def test_an_rpc_that_does_not_answer_is_waited_for_once(machine: Machine) -> None:
    """As that of a node that hangs: each further question would take as long again."""
    calls = _curl(machine, "echo 'curl: (28) Operation timed out' >&2; echo; echo '-- answered'; exit 28")
    assert read_chain(machine.status()) == (None, "curl: (28) Operation timed out")
    (call,) = calls.read_text().splitlines()
    assert "--fail-early" in call


@pytest.mark.parametrize(
    "refused",
    [
        # of before 7.52
        "case $* in *--fail-early*) echo 'curl: option --fail-early: is unknown' >&2; exit 2 ;; esac",
        # what is asked beside the state is not to be had
        "case $* in */status*/validators) echo '{'; echo 'curl: (28) Timed out' >&2; exit 28 ;; esac",
    ],
    ids=["old curl", "half an answer"],
)
def test_what_cannot_be_had_at_once_is_asked_one_by_one(machine: Machine, refused: str) -> None:
    _curl(machine, f"{refused}\nfor last; do :; done; cat '{RECORDED}'/\"${{last##*/}}.json\"")
    chain, error = read_chain(machine.status())
    assert error is None
    assert chain
    assert (chain.height, chain.peers) == (19, 1)


def test_an_rpc_that_answers_nonsense(machine: Machine) -> None:
    machine.place.command("curl", "echo '<html>'")
    chain, error = read_chain(machine.status())
    assert chain is None
    assert error


async def test_a_node_without_curl_and_wget_is_asked_through_ssh(
    machine: Machine, fleet: Fleet, rpc_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(script: InspectScript) -> str:
        return script_text(script).replace("have curl || have wget", "false")

    monkeypatch.setattr(session, "script_text", without)
    machine.write("loom.yml", f"RPCListenAddress: tcp://127.0.0.1:{rpc_port}\n")
    status = (await look(fleet)).node("n1")
    assert status.chain
    assert (status.chain.height, status.chain.peers) == (19, 1)
    machine.write("loom.yml", "RPCListenAddress: tcp://127.0.0.1:1\n")
    status = (await look(fleet)).node("n1")
    assert status.chain is None
    assert "cannot be reached from the node" in (status.chain_error or "")


@pytest.mark.parametrize(
    ("file", "value"), [("3.25 2.10 1.05 2/345 6789\n", 3.25), ("[2J oops\n", None), ("", None), (None, None)]
)
async def test_the_load_of_a_machine(
    machine: Machine,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    file: str | None,
    value: float | None,
) -> None:
    path = machine.place.root / "loadavg"
    if file is not None:
        path.write_text(file)

    def elsewhere(script: InspectScript) -> str:
        return script_text(script).replace("/proc/loadavg", str(path))

    monkeypatch.setattr(session, "script_text", elsewhere)
    status = (await look(fleet)).node("n1")
    assert status.error is None
    assert status.load_average == value


# ── clocks ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_clock_that_is_off_and_a_state_that_lasts(machine: Machine, fleet: Fleet) -> None:
    machine.place.command("date", '[ "$1" = +%s.%N ] && echo "$(($(/bin/date +%s) + 3600)).5"')
    show = machine.place.root / "show"
    begun = int((time.clock_gettime(time.CLOCK_BOOTTIME) - 60) * 1e6)
    show.write_text(show.read_text().replace("10250412", str(begun)))
    status = (await look(fleet)).node("n1")
    assert status.clock_offset_seconds == pytest.approx(3600, abs=3)
    assert status.service
    assert status.service.since
    here = status.service.since - timedelta(seconds=3600)
    assert abs((datetime.now(UTC) - here).total_seconds() - 60) < 5
