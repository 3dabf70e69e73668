"""Whole practice clusters: that they behave as a real one does, and leave nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import yaml

from loomtui.drill.checks import Inspector
from loomtui.drill.logbook import Logbook
from loomtui.drill.moves import MoveKind
from loomtui.drill.people import held
from loomtui.drill.practice import Identity, Practice, PracticeError, practice
from loomtui.drill.scenarios import scenario_named
from loomtui.drill.scenarios.expectations import Check
from loomtui.errors import CallError
from loomtui.inventory import load
from loomtui.loom.validator import read_validator
from tests.drill.looking import ask, height, heights, log, peers, until
from tests.restore.material import make_plan_of

pytestmark = pytest.mark.slow

_BLOCK_SECONDS = 0.3
VALIDATORS = ("val-1", "val-2", "val-3", "val-4")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Practice]:
    """Healthy at first; a test puts back what it changes."""
    with practice("healthy", block_seconds=_BLOCK_SECONDS) as made:
        until(lambda: min(heights(made)) > 121)
        yield made


def moves(cluster: Practice) -> bool:
    before = heights(cluster)
    until(lambda: all(now > then for now, then in zip(heights(cluster), before, strict=True)))
    return True


def set_unit(cluster: Practice, name: str, text: str) -> None:
    cluster.unit_path(name).write_text(text)
    assert cluster.shell(name, "systemctl daemon-reload && systemctl restart loom").returncode == 0


def test_blocks_with_equal_app_hashes(cluster: Practice) -> None:
    assert moves(cluster)
    at = min(heights(cluster))
    blocks = [ask(cluster, name, f"block?height={at}") for name in cluster.names]
    assert len({block["block"]["header"]["app_hash"] for block in blocks}) == 1
    assert {ask(cluster, name, "status")["sync_info"]["catching_up"] for name in cluster.names} == {False}
    until(lambda: all(peers(cluster, name) == 4 for name in cluster.names))


@pytest.mark.parametrize("scenario", ["healthy", "newer-signing-states"])
def test_its_nodes_have_met_when_it_is_handed_over(tmp_path: Path, scenario: str) -> None:
    with practice(scenario, 2, tmp_path, block_seconds=_BLOCK_SECONDS) as cluster:
        assert [peers(cluster, name) for name in cluster.names] == [2, 2, 2]
        assert {ask(cluster, name, "status")["sync_info"]["catching_up"] for name in cluster.names} == {False}


def test_the_rpc_has_tendermints_shapes(cluster: Practice) -> None:
    status = ask(cluster, "val-1", "status")
    assert status["node_info"]["id"] == cluster.shell("val-1", "loom nodekey").stdout.strip()
    assert re.fullmatch(r"[0-9A-F]{64}", status["sync_info"]["latest_app_hash"])
    assert int(status["validator_info"]["voting_power"]) > 1_250_000_000_000, "it is not that of the genesis"
    assert ask(cluster, "backup-1", "status")["validator_info"]["voting_power"] == "0"
    told = ask(cluster, "val-1", "net_info")
    assert isinstance(told["n_peers"], str)
    assert re.fullmatch(r"AAAAAAAAAAAAAP//.*==", told["peers"][0]["remote_ip"])
    port = yaml.safe_load((cluster.working_directory("val-1") / "loom.yml").read_text())["RPCListenAddress"]
    url = port.replace("tcp", "http") + "/block?height=99999"
    said = cluster.shell("val-1", f"curl -s -w '%{{http_code}}' '{url}'").stdout
    assert said.endswith("200")
    assert json.loads(said[:-3])["error"]["data"].startswith("Height must be less than or equal")


def test_the_inventory_describes_it(cluster: Practice) -> None:
    inventory = load(cluster.inventory_path)
    assert inventory.names == cluster.names == (*VALIDATORS, "backup-1")
    assert inventory.cluster == "practice-healthy"
    assert not inventory.production
    assert inventory.ssh.config_file is None
    for node in inventory.nodes:
        loom = inventory.loom_of(node)
        assert Path(loom.working_directory) == cluster.working_directory(node.name)
        assert Path(loom.unit_file) == cluster.unit_path(node.name)


def test_everything_is_private_and_below_one_folder(cluster: Practice) -> None:
    assert cluster.root.stat().st_mode & 0o777 == 0o700
    assert (cluster.root / "user_key").stat().st_mode & 0o777 == 0o600
    for name in cluster.names:
        config = cluster.working_directory(name) / "chaindata/config"
        for key in ("node_key.json", "priv_validator.json"):
            assert (config / key).stat().st_mode & 0o777 == 0o600


def test_a_wrong_peer_id_is_told_by_the_node_that_dials(cluster: Practice) -> None:
    unit = cluster.unit_path("backup-1").read_text()
    real = cluster.shell("val-2", "loom nodekey").stdout.strip()
    wrong = "ab" * 20
    set_unit(cluster, "backup-1", unit.replace(real, wrong))
    line = f'err="auth failure: conn.ID ({real}) dialed ID ({wrong}) missmatch"'
    until(lambda: line in log(cluster, "backup-1"))
    assert "missmatch" not in log(cluster, "val-2")
    set_unit(cluster, "backup-1", unit.replace(real, real.upper()))
    until(lambda: f"conn.ID ({real}) dialed ID ({real.upper()}) missmatch" in log(cluster, "backup-1"))
    set_unit(cluster, "backup-1", unit)
    until(lambda: peers(cluster, "backup-1") == 4)


def test_a_node_without_its_data_syncs_again(cluster: Practice) -> None:
    home = cluster.working_directory("val-4")
    cluster.shell("val-4", "systemctl stop loom")
    until(lambda: height(cluster, "val-1") > height(cluster, "val-4") + 1)
    for name in ("app.db", "evm.db", "chaindata/data"):
        shutil.rmtree(home / name)
    cluster.shell("val-4", "systemctl start loom")
    until(lambda: height(cluster, "val-4") >= height(cluster, "val-1") - 1)
    assert moves(cluster)


def test_two_of_four_are_too_few(cluster: Practice) -> None:
    for name in ("val-3", "val-4"):
        cluster.shell(name, "systemctl stop loom")
    stopped = until(lambda: _still(cluster, "val-1"))
    assert peers(cluster, "val-1") == 2
    cluster.shell("val-3", "systemctl start loom")
    until(lambda: height(cluster, "val-1") > stopped)
    cluster.shell("val-4", "systemctl start loom")
    until(lambda: peers(cluster, "val-4") >= 3)
    assert moves(cluster)


def _still(cluster: Practice, name: str) -> int:
    """The height, if ten blocks' time has passed without one; else 0."""
    import time

    before = height(cluster, name)
    deadline = time.monotonic() + 10 * _BLOCK_SECONDS
    while time.monotonic() < deadline:
        if height(cluster, name) != before:
            return 0
        time.sleep(0.1)
    return before


def test_a_held_node_does_not_start(cluster: Practice) -> None:
    folder = cluster.unit_path("val-4").with_name("loom.service.d")
    folder.mkdir()
    hold = folder / "99-loomtui-hold.conf"
    hold.write_text("[Unit]\nAssertPathExists=!/\n")
    cluster.shell("val-4", "systemctl stop loom && systemctl daemon-reload")
    done = cluster.shell("val-4", "sudo -n systemctl start loom")
    assert (done.returncode, done.stderr) == (1, "Assertion failed on job for loom.service.\n")
    cluster.reboot("val-4")
    assert cluster.shell("val-4", "systemctl is-active loom").stdout == "inactive\n"
    hold.unlink()
    cluster.shell("val-4", "systemctl daemon-reload; systemctl start loom")
    until(lambda: peers(cluster, "val-4") >= 3)


def test_tools_can_be_hidden(cluster: Practice) -> None:
    cluster.hide("val-1", "curl", "systemd-run")
    assert cluster.shell("val-1", "command -v curl systemd-run").returncode != 0
    assert cluster.shell("val-1", "command -v tar").returncode == 0
    assert cluster.shell("val-2", "command -v curl").returncode == 0
    cluster.hide("val-1")
    assert cluster.shell("val-1", "command -v curl && systemd-run --version").returncode == 0


def test_s3_can_be_out_of_reach(cluster: Practice) -> None:
    endpoint = load(cluster.inventory_path).s3.endpoint
    get = f"curl -s -o /dev/null -m 5 {endpoint}/"
    assert cluster.shell("val-1", get).returncode == 0
    cluster.cut_off_s3("val-1")
    assert cluster.shell("val-1", get).returncode == 7
    assert cluster.shell("val-2", get).returncode == 0
    assert ask(cluster, "val-1", "status")
    cluster.cut_off_s3("val-1", off=False)
    assert cluster.shell("val-1", get).returncode == 0


def test_sudo_can_want_a_password(cluster: Practice) -> None:
    cluster.want_sudo_password("val-1", "geheim")
    assert cluster.shell("val-1", "sudo -n true").returncode == 1
    assert cluster.shell("val-1", "echo geheim | sudo -S -p '' echo yes").stdout == "yes\n"
    cluster.want_sudo_password("val-1", None)
    assert cluster.shell("val-1", "sudo -n true").returncode == 0


@pytest.mark.usefixtures("home")
def test_people_who_change_nothing_have_solved_a_healthy_cluster(cluster: Practice, tmp_path: Path) -> None:
    book = Logbook(tmp_path / "history.jsonl")
    with held(cluster, book) as drill:
        assert drill.is_played
        assert drill.next_hint is None
        assert drill.is_solved()
        told = drill.debrief()
        drill.saw_plan(make_plan_of())  # nothing counts any more
        assert drill.debrief(gave_up=True) is told
    assert (told.headline, told.lost) == ("✓ solved: 100 of 100 points", None)
    assert [move.kind for move in told.moves] == [MoveKind.OVER]
    assert book.entries() == (told.entry,)


@pytest.mark.usefixtures("home")
def test_who_gives_up_is_told_where_the_way_was_lost(cluster: Practice, tmp_path: Path) -> None:
    with held(cluster, Logbook(tmp_path / "history.jsonl")) as drill:
        drill.saw_plan(make_plan_of(made_at=drill.began + timedelta(seconds=3)))
        told = drill.debrief(gave_up=True)
    assert (told.headline, told.entry.wrong) == ("■ given up: 0 of 100 points", ("it was given up",))
    assert told.lost is not None
    assert (told.lost.kind, told.entry.score.detect_seconds) == (MoveKind.GAVE_UP, 3.0)


def test_checks_bite(cluster: Practice) -> None:
    """Each of them, on a healthy cluster with a file changed that no node reads."""
    inspector = Inspector(cluster)
    extra = cluster.unit_path("val-2").with_name("extra.service")
    extra.write_text("[Unit]\n")
    strangers = replace(cluster, identities={name: Identity("0" * 40, "") for name in cluster.names})
    wanted = [{"untouched": {}}, {"down": {}}, {"moves": {"above": 10_000}}, {"uses_redis": {"redis": "new"}}]
    found = inspector.look([Check.model_validate(check) for check in wanted], seconds=0)
    extra.unlink()
    assert [one.wrong for one in found] == [
        "val-2: etc/systemd/system/extra.service changed",
        "the service on val-1 is active",
        "val-1 has made no block above 10000",
        "val-1: its Redis is another one",
    ]
    wanted = [{"meshed": {}}, {"own_keys": {}}]
    found = Inspector(strangers).look([Check.model_validate(check) for check in wanted], seconds=0)
    assert "val-1 is not connected to" in found[0].wrong
    assert "the node key on val-1" in found[1].wrong


def test_one_validator_key_in_two_places_signs_twice(cluster: Practice) -> None:
    """Last, as it leaves its mark: the backup node gets the key of a validator."""
    config = "chaindata/config/priv_validator.json"
    cluster.shell("backup-1", "systemctl stop loom")
    shutil.copy(cluster.working_directory("val-1") / config, cluster.working_directory("backup-1") / config)
    cluster.shell("backup-1", "systemctl start loom")
    told = "Found conflicting vote from ourselves. Did you unsafe_reset a validator?"
    until(lambda: told in log(cluster, "val-1") + log(cluster, "backup-1"))
    check = Check.model_validate({"signed_once": {"nodes": "val-1, backup-1"}})
    assert "has signed one height twice" in Inspector(cluster).look([check], seconds=0)[0].wrong


# The scenarios


def test_older_data_and_newer_signing_states_stand_still_until_they_are_reset() -> None:
    with practice("newer-signing-states", block_seconds=_BLOCK_SECONDS) as cluster:
        until(lambda: all(peers(cluster, name) == 4 for name in cluster.names))
        until(
            lambda: all("Error signing vote: Height regression" in log(cluster, name) for name in VALIDATORS)
        )
        assert _still(cluster, "val-1") == cluster.scenario.data_height
        assert set(heights(cluster)) == {cluster.scenario.data_height}
        assert not ask(cluster, "val-1", "status")["sync_info"]["catching_up"]
        for name in VALIDATORS:
            assert cluster.shell(name, "systemctl is-active loom").stdout == "active\n"
            cluster.shell(name, "systemctl stop loom")
        for name in VALIDATORS:
            path = cluster.working_directory(name) / "chaindata/config/priv_validator.json"
            document = json.loads(path.read_text())
            assert int(document["last_height"]) == cluster.scenario.tip_height
            document |= {"last_height": "0", "last_round": "0", "last_step": 0}
            del document["last_signature"], document["last_signbytes"]
            path.write_text(json.dumps(document))
        for name in VALIDATORS:
            cluster.shell(name, "systemctl start loom")
        until(lambda: min(heights(cluster)) > cluster.scenario.data_height + 3)


def is_restarted(cluster: Practice, name: str) -> bool:
    return "Scheduled restart job" in log(cluster, name)


def test_clean_restore_begins_with_nodes_that_cannot_start() -> None:
    with practice("clean-restore", block_seconds=_BLOCK_SECONDS) as cluster:
        for name in ("val-1", "val-2", "val-3", "backup-1"):
            until(partial(is_restarted, cluster, name))
        assert cluster.shell("val-4", "systemctl is-active loom").stdout == "inactive\n"
        for name in VALIDATORS:
            text = (cluster.working_directory(name) / "chaindata/config/priv_validator.json").read_text()
            signing = read_validator(text).signing
            assert signing
            assert signing.height == cluster.scenario.tip_height
        assert "file missing [file=MANIFEST-000000]" in log(cluster, "val-1")
        assert "state.AppHash does not match AppHash after replay" in log(cluster, "val-2")
        assert "failed to load EVM root for version 120" in log(cluster, "val-3")
        assert "is higher than core" in log(cluster, "backup-1")


def test_moved_hosts_begins_with_fresh_machines() -> None:
    with practice("moved-hosts", nodes=3) as cluster:
        assert cluster.names == ("val-1", "val-2", "val-3", "backup-1")
        for name in cluster.names:
            home = cluster.working_directory(name)
            assert sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()) == [
                "chaindata/config/config.toml",
                "chaindata/config/node_key.json",
            ]
            assert cluster.shell(name, "systemctl is-active loom").stdout == "inactive\n"
            assert "--persistent-peers" not in cluster.unit_path(name).read_text()


def test_unknown_scenarios_and_sizes_are_refused() -> None:
    with pytest.raises(CallError, match="no scenario"):
        scenario_named("no-such")
    with pytest.raises(CallError, match="1 to 16"):
        scenario_named("healthy", 0)


# The end


def _ports(cluster: Practice) -> list[tuple[str, int]]:
    document = yaml.safe_load(cluster.inventory_path.read_text())
    host, _, port = document["s3"]["endpoint"].rpartition("/")[2].rpartition(":")
    found = [(host, int(port))]
    for node in document["nodes"]:
        found += [(node["host"], 2200), (node["host"], node["loom"]["ports"]["p2p"])]
        found += [("127.0.0.1", node["loom"]["ports"][name]) for name in ("rpc", "api")]
    return found


def _is_open(place: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(place) == 0


def _processes(root: Path) -> list[str]:
    """Those that have something of the cluster in their arguments, environment or working directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            told += os.fsencode((process / "cwd").readlink())
        except OSError:
            continue
        if os.fsencode(root) in told:
            found.append(process.name)
    return found


def test_nothing_is_left_after_the_end(tmp_path: Path) -> None:
    with practice("healthy", nodes=1, folder=tmp_path, block_seconds=_BLOCK_SECONDS) as cluster:
        until(lambda: min(heights(cluster)) > 120)
        cluster.shell("val-1", "setsid nohup sleep 300 >/dev/null 2>&1 &")
        cluster.shell("val-1", "systemd-run --unit=job --no-block sleep 300")
        cluster.shell("val-1", "mkdir x; touch x/y; chmod 0 x")
        places = _ports(cluster)
        assert all(map(_is_open, places))
        assert len(_processes(cluster.root)) >= 5
    assert list(tmp_path.iterdir()) == []
    assert _processes(cluster.root) == []
    assert not any(map(_is_open, places))


def test_an_end_that_takes_long_is_nobodys_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with practice("healthy", nodes=1, folder=tmp_path) as cluster:
        monkeypatch.setattr("loomtui.drill.guarded.STOP_SECONDS", 0.0)
    until(lambda: not cluster.root.exists())
    until(lambda: not _processes(cluster.root))


def test_nothing_is_left_after_the_parent_was_killed(tmp_path: Path) -> None:
    program = f"""
        import json, sys, time
        from pathlib import Path
        from loomtui.drill.practice import practice
        with practice("healthy", nodes=1, folder=Path({str(tmp_path)!r})) as cluster:
            cluster.shell("val-1", "setsid nohup sleep 300 >/dev/null 2>&1 &")
            print(cluster.root, flush=True)
            time.sleep(300)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        root = Path(parent.stdout.readline().decode().strip())
        assert root.parent == tmp_path
        assert root.is_dir()
        parent.send_signal(signal.SIGKILL)
    until(lambda: not root.exists())
    until(lambda: not _processes(root))


def test_what_it_cannot_do_is_told_with_what_to_do_next(cluster: Practice) -> None:
    with pytest.raises(PracticeError, match="The practice cluster says: KeyError: 'val-9'") as caught:
        cluster.freeze("val-9")
    assert "Start it again" in caught.value.advice


def test_nothing_is_left_after_the_cluster_process_was_killed(tmp_path: Path) -> None:
    with practice("healthy", nodes=1, folder=tmp_path) as cluster:
        text = "loomtui.drill.cluster"
        for process in _processes(cluster.root):
            with contextlib.suppress(OSError):  # of a script that has ended by now
                if text.encode() in (Path("/proc") / process / "cmdline").read_bytes():
                    os.kill(int(process), signal.SIGKILL)
        until(lambda: not cluster.root.exists())
        with pytest.raises(PracticeError):
            cluster.freeze("val-1")
    assert _processes(cluster.root) == []
