"""Backups in S3, proved: a good one brings its chain back, a bad one is told with the reason."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from loomtui.drill.proof import proving, unpacking
from tests.ability import root
from tests.cli.conftest import ROOT, Done, Run
from tests.drill.proof import packets
from tests.drill.proof.backups import CLUSTER, GOOD, NO_EVM, TORN, TRUNCATED, Backups, make

Prove = Callable[..., Done]

_STEPS = ["read", "fit", "prepare", "start", "move"]


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Backups:
    return make(tmp_path_factory.mktemp("backups"))


@pytest.fixture
def prove(loomtui: Run, backups: Backups, tmp_path: Path) -> Prove:
    """`loomtui drill --from …`: it leaves nothing in its folder, and S3 as it is."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def run(*args: str) -> Done:
        own = {**backups.environment, "TMPDIR": str(temporary)}
        before = backups.objects()
        done = loomtui("drill", "--from", str(backups.inventory), *args, env=own)
        assert list(temporary.iterdir()) == []
        assert backups.objects() == before
        return done

    return run


@pytest.mark.slow
def test_each_backup_is_judged(prove: Prove, backups: Backups, tmp_path: Path) -> None:
    junit, metrics = tmp_path / "proof.xml", tmp_path / "proof.prom"
    done = prove("--backup", "each", "--json", "--junit", str(junit), "--prometheus", str(metrics))
    *proofs, outcome = done.lines
    assert done.status == 1
    told = {proof["backup"]: proof for proof in proofs}
    assert set(told) == set(backups.keys.values())
    good = told[backups.keys[GOOD]]
    assert (good["passed"], good["wrong"], good["height"]) == (True, [], GOOD)
    assert [(step["name"], step["outcome"]) for step in good["steps"]] == [(name, "done") for name in _STEPS]
    assert good["reached_height"] >= GOOD + 2
    assert good["data_loss_seconds"] > 30 * 60
    assert (good["program"], good["isolation"]) == ("stand-in", "namespace")
    assert {"own-keys", "own-validators", "loom"} <= {gap["what"] for gap in good["not_proved"]}
    assert re.search("it is truncated: it ends at byte", told[backups.keys[TRUNCATED]]["wrong"][0])
    assert "it has no evm.db" in told[backups.keys[NO_EVM]]["wrong"][0]
    assert "App block height (52) is higher than core (50)" in told[backups.keys[TORN]]["wrong"][0]
    assert outcome["failed"] == [backups.keys[height] for height in (TRUNCATED, NO_EVM, TORN)]
    assert 'tests="4" failures="3"' in junit.read_text()
    text = metrics.read_text()
    assert f'loomtui_proof_success{{cluster="{CLUSTER}"}} 0\n' in text
    assert f'loomtui_proof_backups{{cluster="{CLUSTER}",result="bad"}} 3\n' in text
    assert metrics.stat().st_mode & 0o777 == 0o644


@pytest.mark.slow
def test_a_program_that_is_given_runs_where_there_is_no_network(
    prove: Prove, backups: Backups, tmp_path: Path
) -> None:
    """It sees the loopback device alone, no key of the cluster, and no address of it in any file.

    No packet of it goes anywhere but to itself.
    """
    root()
    seen = tmp_path / "seen"
    program = tmp_path / "loom"
    search = shlex.quote(":".join([str(ROOT), *sys.path]))
    program.write_text(
        "#!/bin/sh\n"
        f"mkdir {seen} && cat /proc/net/dev > {seen}/devices && cat /proc/net/route > {seen}/routes\n"
        f"env > {seen}/environment && cp -r . {seen}/home\n"
        f"{sys.executable} {packets.__file__} {seen}/packets &\n"
        f"until grep -q listening {seen}/packets; do sleep 0.05; done\n"
        f'PYTHONPATH={search} exec {sys.executable} -m loomtui.drill.node "$@"\n'
    )
    program.chmod(0o755)
    done = prove("--loom-binary", str(program), "--json")
    good, outcome = done.lines
    assert (done.status, good["program"], good["isolation"], outcome["passed"]) == (
        0,
        "loom",
        "namespace",
        True,
    )
    devices = [line.split(":")[0].strip() for line in (seen / "devices").read_text().splitlines()[2:]]
    assert devices == ["lo"]
    assert len((seen / "routes").read_text().splitlines()) <= 1, "a head and no route"
    captured = (seen / "packets").read_text().split("\n")[1:-1]
    assert captured, "the nodes of the proof talk to each other"
    assert all(line.startswith("lo 127.") for line in captured), captured
    assert "AWS" not in (seen / "environment").read_text()
    config = [path for path in (seen / "home").rglob("*") if path.suffix in (".json", ".yml", ".toml")]
    assert len(config) == 7
    for path in config:
        text = path.read_text()
        assert not [address for address in backups.addresses if address in text], path
        assert "redis" not in text
        hosts = set(re.findall(r"[0-9]+(?:\.[0-9]+){3}", "".join(_settings(text))))
        assert all(host.startswith("127.") or host == "0.0.0.0" for host in hosts), (path, hosts)
    assert not (seen / "home/chaindata/data/cs.wal").exists()
    everything = b"".join(path.read_bytes() for path in (seen / "home").rglob("*") if path.is_file())
    assert b"PrivKeyEd25519" in everything, "it has keys of its own"
    assert not [key for key in backups.private_keys if key.encode() in everything]


def _settings(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.slow
def test_what_the_program_ends_with_is_the_reason(prove: Prove, tmp_path: Path) -> None:
    root()
    program = tmp_path / "loom"
    program.write_text(
        "#!/bin/sh\necho starting\necho 'Error: failed to load EVM root for version 55' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    done = prove("--loom-binary", str(program))
    assert done.status == 1
    told = "BAD: the node ended with status 1 at its start: Error: failed to load EVM root for version 55"
    assert told in done.out


@pytest.mark.slow
def test_what_the_stand_in_cannot_read_is_not_started(prove: Prove, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "is_practice_chain", lambda _folder, _height: False)
    proof, _ = prove("--json").lines
    assert (proof["passed"], proof["program"], proof["reached_height"]) == (True, "none", None)
    assert "real-data" in {gap["what"] for gap in proof["not_proved"]}


@pytest.mark.slow
def test_a_program_is_not_started_where_there_is_a_network(
    prove: Prove, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = proving.open_chamber

    @contextmanager
    def with_a_network() -> Iterator[proving.Chamber]:
        with made() as chamber:
            yield replace(chamber, is_isolated=False)

    monkeypatch.setattr(proving, "open_chamber", with_a_network)
    done = prove("--loom-binary", sys.executable)
    assert done.status == 3
    assert "only where it has no network" in done.err
    proof, _ = prove("--json").lines
    assert proof["isolation"] == "configuration"


@pytest.mark.slow
def test_a_disk_without_room_says_nothing_of_the_backup(
    prove: Prove, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(unpacking, "RESERVE_BYTES", 2**60)
    done = prove("--prometheus", str(tmp_path / "proof.prom"))
    assert done.status == 3
    assert "there is no room to unpack the backup" in done.err
    assert not (tmp_path / "proof.prom").exists()


@pytest.mark.slow
def test_an_archive_can_be_judged_without_a_start(prove: Prove, backups: Backups) -> None:
    done = prove("--backup", backups.keys[GOOD], "--no-start")
    assert done.status == 0
    assert f"Good: the archive is whole, up to block {GOOD}." in done.out
    assert "That a node starts with it: nothing was started." in done.out


def test_a_key_that_is_not_there_is_told(prove: Prove) -> None:
    assert prove("--backup", "nightly/none.tar.bz2").status in (1, 2)


@pytest.mark.parametrize(
    "options",
    [
        ("--backup", "latest"),
        ("--no-start",),
        ("--from", "x.yml", "--nodes", "2"),
        ("--from", "x.yml", "--auto"),
    ],
)
def test_options_that_mean_nothing_together_are_refused(loomtui: Run, options: tuple[str, ...]) -> None:
    done = loomtui("drill", *options)
    assert done.status == 2
    assert "--from" in done.err


def test_a_program_that_cannot_be_started_is_told(prove: Prove, tmp_path: Path) -> None:
    (tmp_path / "loom").touch(0o600)
    done = prove("--loom-binary", str(tmp_path / "loom"), "--json")
    assert done.status == 2
    assert "loom is no program that can be started" in done.err


def test_the_outcome_is_one_document_a_line(prove: Prove, backups: Backups) -> None:
    lines = prove("--backup", backups.keys[TRUNCATED], "--json").out.splitlines()
    assert [json.loads(line)["passed"] for line in lines] == [False, False]
