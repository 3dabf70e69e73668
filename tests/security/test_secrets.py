"""A whole restore with marked secrets, and then a search for them wherever anything was said or written."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from loomtui.drill.practice import Practice, practice
from loomtui.engine.live import LiveEngine
from loomtui.inventory import load
from tests.cli.conftest import ROOT, command
from tests.security.marked import (
    HSM,
    HSM_YML,
    OPERATORS,
    REDIS,
    REDIS_YML,
    S3_SECRETS,
    SECRET_KEY,
    TOKEN,
    UNIT,
    UNIT_LINE,
    mark_backups,
)
from tests.security.marks import SIGNATURE, Leak, Secrets, key_values
from tests.security.onscreen import texts_of_screens
from tests.security.sampler import Sampler, Seen

pytestmark = pytest.mark.slow

_LIVE = HSM_YML + REDIS_YML


@dataclass
class Watched:
    """All that a restore said and left behind."""

    practice: Practice
    folder: Path
    secrets: Secrets
    said: dict[str, bytes] = field(default_factory=dict)
    processes: set[Seen] = field(default_factory=set)

    def run(self, *args: str, umask: int = 0o022) -> bytes:
        """`loomtui …` with the operator's own credentials in the environment; its output is noted."""
        environment = {
            **os.environ,
            **self.practice.environment,
            **OPERATORS,
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "LOOMTUI_INVENTORY": str(self.practice.inventory_path),
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            command(*args),
            env=environment,
            cwd=self.folder,
            umask=umask,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=240,
        )
        self.said[" ".join(args[:2])] = done.stdout + done.stderr
        assert done.returncode == 0, (args, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A cluster with marked secrets that was restored, looked at in every way, and rolled back."""
    folder = tmp_path_factory.mktemp("operator")
    for name in ("home", "tmp"):
        (folder / name).mkdir(mode=0o755)
    with practice("clean-restore", 1, block_seconds=0.3) as cluster:
        _mark_nodes(cluster)
        mark_backups(str(load(cluster.inventory_path).s3.endpoint), HSM_YML)
        keys = key_values(cluster)
        made = Watched(cluster, folder, Secrets(keys))
        marks = S3_SECRETS | {"HSM": HSM, "Redis": REDIS, "unit": UNIT}
        for name, secret in marks.items():
            made.secrets.add(name, secret)
        with Sampler(_on(cluster)) as sampler:
            _restore(made)
            _look(made)
        made.processes = sampler.seen
        yield made


def _mark_nodes(cluster: Practice) -> None:
    for name in cluster.names:
        with (cluster.working_directory(name) / "loom.yml").open("a") as file:
            file.write(_LIVE)
        unit = cluster.unit_path(name)
        unit.write_text(unit.read_text().replace("[Service]\n", f"[Service]\n{UNIT_LINE}\n"))
        assert cluster.shell(name, "systemctl daemon-reload").returncode == 0


def _on(cluster: Practice) -> Callable[[Path, bytes], bool]:
    """Processes of its nodes."""
    home = f"HOME={cluster.root}/".encode()
    return lambda _, environment: home in environment


def _restore(watched: Watched) -> None:
    name = load(watched.practice.inventory_path).cluster
    watched.run("plan", "--reset-signing-state", name, "-o", str(watched.folder / "plan.yml"))
    watched.run("plan", "--json", "--reset-signing-state", name)
    watched.run("restore", "--plan", str(watched.folder / "plan.yml"), "--yes", "--json")


def _look(watched: Watched) -> None:
    watched.run("status", "--json")
    watched.run("nodekeys")
    watched.run("services", "--diff")
    watched.run("runs")
    watched.run("logs", "-n", "500")
    stored = json.loads(watched.run("backups", "--json"))["backups"]
    for key in {backup["kind"]: backup["key"] for backup in stored}.values():
        watched.run("backups", "show", key)
    (run,) = json.loads(watched.run("runs", "--json"))["runs"]
    for form in ("md", "json", "html"):
        watched.run("report", f"--format={form}", run["id"])
    watched.run("rollback", run["id"])


def _found(leaks: Iterator[Leak]) -> list[Leak]:
    return sorted(set(leaks), key=str)


def test_nothing_that_is_said_or_shown_holds_a_secret(watched: Watched) -> None:
    leaks = [leak for where, said in watched.said.items() for leak in watched.secrets.within(said, where)]
    assert leaks == []
    assert not any(SIGNATURE.search(said) for said in watched.said.values())


def test_secrets_were_where_they_could_have_been_said(watched: Watched) -> None:
    """Otherwise nothing is shown by the other tests."""
    shown_diff = watched.said["plan --json"].decode("unicode_escape", "replace")
    assert "HsmAuthPassword" in shown_diff
    assert all(_LIVE.strip() in (watched.practice.working_directory(name) / "loom.yml").read_text()
               for name in watched.practice.names)  # fmt: skip


async def test_no_screen_shows_a_secret_of_a_unit(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    with practice("healthy", 1, block_seconds=1) as cluster:
        _mark_nodes(cluster)
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        secrets = Secrets({**key_values(cluster), "HSM": HSM, "Redis": REDIS, "unit": UNIT})
        texts = await texts_of_screens(LiveEngine(load(cluster.inventory_path)))
    for place, text in texts.items():
        assert _found(secrets.within(text, place)) == []


def test_no_process_on_a_node_holds_a_secret(watched: Watched) -> None:
    lists = b"\n".join(seen.text for seen in watched.processes)
    assert b"loomtui" in lists
    assert b"job.sh" in lists, "the download was not seen at work"
    found = _found(watched.secrets.within(lists, "a process list"))
    assert {leak.secret for leak in found} <= {"unit"}  # systemd gives it to loom itself
    assert not SIGNATURE.search(lists)


def test_nothing_that_is_left_on_the_operators_disk_holds_a_secret(watched: Watched) -> None:
    files = [path for path in watched.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"plan.yml", "inventory.yml", "journal.jsonl"}
    assert any("cache" in str(path) for path in files)
    assert _found(watched.secrets.in_files(watched.folder)) == []
    assert not any(SIGNATURE.search(path.read_bytes()) for path in files)


def test_nothing_that_is_left_on_a_node_lets_anybody_into_s3(watched: Watched) -> None:
    wanted = Secrets(S3_SECRETS)
    root = watched.practice.root
    assert any((root / name / "home/ubuntu/.loomtui").exists() for name in watched.practice.names)
    assert _found(wanted.in_files(root)) == []
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert not SIGNATURE.search(path.read_bytes()), path


def test_journal_of_a_node_holds_no_secret(watched: Watched) -> None:
    for name in watched.practice.names:
        journal = (watched.practice.node_root(name) / "var/log/journal.jsonl").read_bytes()
        assert journal
        assert _found(watched.secrets.within(journal, name)) == []


@pytest.mark.parametrize("wrap", [b"%s", b"curl -u x:%s", b'{"a": "%s"}'])
def test_a_planted_leak_is_found(tmp_path: Path, wrap: bytes) -> None:
    secrets = Secrets({"one": SECRET_KEY, "two": TOKEN, "three": HSM})
    for name in ("one", "two", "three"):
        for number, form in enumerate(sorted(secrets._forms[name])):
            (tmp_path / f"{number}").write_bytes(wrap % form)
            assert {leak.secret for leak in secrets.in_files(tmp_path)} == {name}, form
            (tmp_path / f"{number}").unlink()
    (tmp_path / "clean").write_bytes(b"nothing")
    assert list(secrets.in_files(tmp_path)) == []


def test_a_planted_leak_in_a_process_is_seen() -> None:
    with practice("healthy", 1) as cluster, Sampler(_on(cluster)) as sampler:
        cluster.shell("val-1", f"sleep 1; : {SECRET_KEY}")
        cluster.shell("val-1", f"MARK={TOKEN} sleep 1")
    seen = b"\n".join(one.text for one in sampler.seen)
    assert {leak.secret for leak in Secrets({"a": SECRET_KEY, "b": TOKEN}).within(seen, "")} == {"a", "b"}


# ── what is written is for its owner alone ──────────────────────────────────────────────────────────────────


def test_files_are_0600_in_folders_0700_whatever_the_umask_says(watched: Watched) -> None:
    """All that plans, a restore, looks and a rollback wrote, with umask 022."""
    made = [path for path in watched.folder.rglob("*") if path.name not in ("home", "tmp")]
    assert len(made) > 8
    odd = {
        str(path.relative_to(watched.folder)): oct(path.stat().st_mode & 0o777)
        for path in made
        if path.stat().st_mode & 0o777 != (0o700 if path.is_dir() else 0o600)
    }
    assert odd == {}


def test_what_is_written_on_a_node_is_for_root_alone(watched: Watched) -> None:
    for name in watched.practice.names:
        own = watched.practice.working_directory(name) / ".loomtui"
        assert own.stat().st_mode & 0o777 == 0o700
        for path in own.rglob("*"):
            if path.is_file() and path.parent.name == "job":
                assert path.stat().st_mode & 0o077 == 0, path
