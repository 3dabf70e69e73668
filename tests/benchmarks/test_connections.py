"""How benchmarks of connections count, and what they measure on."""

from __future__ import annotations

import os
import shutil
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from benchmarks import many_nodes, peers, start_up
from benchmarks.claims import Claim, Measurement, Options, Unavailable
from benchmarks.nodes import Nodes, addresses, inventory_text
from benchmarks.registry import CLAIMS
from benchmarks.spent import FailedError, spent
from loomtui.inventory.load import load


def _options(folder: Path) -> Options:
    return Options(small=True, rounds=3, work=folder, peers=folder / "peers", before="HEAD", shared=folder)


def _claim(name: str) -> Claim:
    return next(claim for claim in CLAIMS if claim.name == name)


def test_cpu_of_a_program_and_of_what_it_started_is_counted() -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass"
    alone = spent([sys.executable, "-c", busy])
    started = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}]); print(input())"
    through = spent([sys.executable, "-c", started], given="told")
    assert 0.2 <= alone.cpu_seconds <= alone.seconds + 0.05
    assert through.cpu_seconds >= 0.2
    assert through.output == "told\n"


def test_a_side_that_does_not_do_its_work_is_no_measurement() -> None:
    with pytest.raises(FailedError, match="ended with 3: no nodes"):
        spent(["sh", "-c", "echo no nodes >&2; exit 3"])
    with pytest.raises(FailedError, match=r"did not end within 0\.1 s"):
        spent(["sleep", "5"], seconds=0.1)
    assert issubclass(FailedError, Unavailable)


def test_nodes_have_loopback_addresses_of_their_own_and_an_inventory(tmp_path: Path) -> None:
    ours = Nodes(addresses(300), tmp_path)
    assert len(set(ours.addresses)) == 300
    assert all(ip_address(address) in ip_network("127.0.0.0/8") for address in ours.addresses)
    ours.inventory.write_text(inventory_text(ours))
    inventory = load(ours.inventory)
    assert tuple(node.host for node in inventory.nodes) == ours.addresses
    assert inventory.ssh.config_file == ours.ssh_config


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str, path: str | None = None) -> None:
        return None

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "which", none)
        with pytest.raises(Unavailable, match="sshd is not installed, and there is no apt-get"):
            peers.sshd_peer(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Unavailable, match="systemd-nspawn"):
        _claim("outage-lab").measure(_options(tmp_path))


def test_one_watch_serves_all_claims_about_many_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sample(at: int, cpu: float, megabytes: float) -> many_nodes.Sample:
        return many_nodes.Sample(at, cpu, megabytes, lines=1000)

    options = _options(tmp_path)
    many = tuple(sample(2 * number, 0.4 * number, 100 + number % 2) for number in range(11))
    few = tuple(sample(2 * number, 0.1 * number, 60) for number in range(11))
    seen = {many_nodes.many(options): many, many_nodes.few(options): few}
    monkeypatch.setattr(many_nodes, "_seen", seen)

    def measured(name: str) -> Measurement:
        return _claim(name).measure(options)

    assert measured("many-memory").ratio == pytest.approx(101 / 250)
    assert measured("many-memory-flat").ratio == pytest.approx(1, abs=0.01)
    assert measured("many-cpu-flat").ratio == pytest.approx((0.2 / 20) / (0.05 / 5))


def test_the_first_round_of_a_start_is_not_counted(tmp_path: Path) -> None:
    calls: list[str] = []

    def slow(_home: Path, environment: object) -> float:
        calls.append("slow")
        return 100.0 if len(calls) < 3 else 2.0

    def quick(_home: Path, environment: object) -> float:
        calls.append("quick")
        return 100.0 if len(calls) < 3 else 1.0

    measured = start_up.compared(("a", slow), ("b", quick), "")(_options(tmp_path))
    assert (measured.first.values, measured.second.values) == ((2.0,) * 3, (1.0,) * 3)
    assert calls == ["slow", "quick"] * 4
