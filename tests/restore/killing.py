"""Kills a headless restore at its n-th event, and looks at what the nodes hold afterwards, byte for byte."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loomtui.backups.catalogue import Catalogue
from loomtui.drill.practice import Practice
from loomtui.inventory.load import load
from loomtui.loom.databases import ADDRBOOK, STATE_NAMES, VALIDATOR
from loomtui.restore.planning.planfile import load_plan

#: What a running node itself goes on writing; beyond the restored bytes these differ from run to run.
_WRITTEN_BY_NODES = tuple(name for name in STATE_NAMES if "*" not in name)


@dataclass(frozen=True)
class FileState:
    digest: str
    mode: int
    modified_ns: int


class Restorer:
    """Runs `loomtui` as an operator's shell would, against one practice cluster."""

    def __init__(self, cluster: Practice, home: Path) -> None:
        self.cluster = cluster
        self.plan = home / "plan.yml"
        self.environment = {
            **os.environ,
            **cluster.environment,
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "LOOMTUI_INVENTORY": str(cluster.inventory_path),
        }

    def _command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "loomtui", *args]

    def call(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*args),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            start_new_session=True,
        )

    def begin(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command(*args),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def make_plan(self, *extra: str) -> None:
        made = self.call("plan", "-o", str(self.plan), *extra)
        assert made.returncode == 0, made.stderr

    def restore(self) -> tuple[str, list[dict[str, Any]]]:
        """The run and its events, undisturbed."""
        done = self.call("restore", "--plan", str(self.plan), "--yes", "--json")
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in done.stdout.splitlines()]
        return str(events[0]["run"]), events

    def kill_at(self, number: int) -> tuple[str, str]:
        """Starts a restore and kills it with SIGKILL at its n-th event; the run and what the event was."""
        process = subprocess.Popen(
            self._command("restore", "--plan", str(self.plan), "--yes", "--json"),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        event: dict[str, Any] = {}
        with process.stdout:
            seen = 0
            for line in process.stdout:
                event = json.loads(line)
                seen += bool(counts(event))
                if seen >= number:
                    break
            process.send_signal(signal.SIGKILL)
        process.wait(30)
        assert event, "the run said nothing before it ended"
        return str(event["run"]), _name_of(event)

    def resume(self, run: str) -> None:
        """A run that was killed after its last event has nothing left to resume: refused, and restored."""
        done = self.call("resume", run, "--yes", "--json")
        if done.returncode == 3:
            assert json.loads(done.stdout.splitlines()[-1])["outcome"] == "restored", done.stderr
            return
        assert done.returncode == 0, done.stderr + done.stdout[-2000:]

    def is_on_nodes(self, run: str) -> bool:
        """Whether a node knows of the run."""
        return any(
            (self.cluster.working_directory(name) / ".loomtui/runs" / run).is_dir()
            for name in self.cluster.names
        )

    def suspend_at(self, number: int, seconds: float) -> tuple[subprocess.Popen[str], str, str]:
        """Suspends a new restore so long after its n-th event, or after the first one that a node knows of.

        Gives its process, the run and what the event was.
        """
        process = self.begin("restore", "--plan", str(self.plan), "--yes", "--json")
        assert process.stdout is not None
        event: dict[str, Any] = {}
        seen = 0
        for line in process.stdout:
            event = json.loads(line)
            seen += bool(counts(event))
            if seen >= number and self.is_on_nodes(str(event["run"])):
                break
        with contextlib.suppress(subprocess.TimeoutExpired):  # a moment between two events, or the end
            process.wait(seconds)
        process.send_signal(signal.SIGSTOP)
        return process, str(event["run"]), _name_of(event)

    def forget(self) -> None:
        """What the first loomtui kept is gone: from here on this is another home."""
        shutil.rmtree(self.environment["XDG_STATE_HOME"], ignore_errors=True)

    def take_over(self, run: str, *options: str) -> frozenset[str]:
        """From a home that does not know of the run; its first loomtui may show signs of life.

        Gives the same as `rollback`, where the options have it rolled back.
        """
        living = ("--although-at-work", f"practice-{self.cluster.scenario.name}")
        done = self.call("take-over", run, "--yes", "--json", *living, *options)
        if done.returncode == 3 and not options:
            assert json.loads(done.stdout.splitlines()[-1])["outcome"] == "restored", done.stderr
            return frozenset()
        assert done.returncode == 0, done.stderr + done.stdout[-2000:]
        return kept_signing_states(map(json.loads, done.stdout.splitlines()))

    def rollback(self, run: str) -> frozenset[str]:
        """Gives the signing states that it kept."""
        done = self.call("rollback", run, "--yes", "--json")
        assert done.returncode == 0, done.stderr + done.stdout[-2000:]
        return kept_signing_states(map(json.loads, done.stdout.splitlines()))


def kept_signing_states(events: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Those that a rollback kept because they grew, by their names in `state_of`.

    On a slow machine the restored chain may come as far as the old one was.
    """
    kept = {
        event["node"] for event in events if "keeps its present signing state" in str(event.get("message"))
    }
    return frozenset(f"{name}:home/ubuntu/{VALIDATOR}" for name in kept)


def kind_and_step(event: Mapping[str, Any]) -> str:
    return f"{event.get('kind')} {event.get('step') or ''}".strip()


def _name_of(event: Mapping[str, Any]) -> str:
    return f"{kind_and_step(event)} {event.get('node') or ''}".strip()


def counts(event: Mapping[str, Any]) -> bool:
    """Progress comes by the clock, so it is no fixed point of a run."""
    return event.get("kind") != "task-progress" and not (event.get("data") or {}).get("live")


def state_of(cluster: Practice) -> dict[str, FileState]:
    """Every file of every node but the runs' own folder: content, mode and time."""
    found = {}
    for name in cluster.names:
        for top in (cluster.working_directory(name), cluster.unit_path(name).parent):
            for path in sorted(top.rglob("*")):
                if ".loomtui" in path.parts or not path.is_file() or path.is_symlink():
                    continue
                found[f"{name}:{path.relative_to(cluster.node_root(name))}"] = file_state(path)
    return found


def not_as_before(before: dict[str, FileState], cluster: Practice, kept: frozenset[str]) -> tuple[str, ...]:
    """What a rollback left otherwise. The signing states that it kept count as before from then on."""
    found = state_of(cluster)
    for name in kept & set(differences(before, found)):
        before[name] = found[name]
    return differences(before, found)


def file_state(path: Path) -> FileState:
    info = path.stat()
    return FileState(_digest(path.read_bytes()), info.st_mode, info.st_mtime_ns)


def restored_state_of(cluster: Practice, sizes: Mapping[str, int]) -> dict[str, str]:
    """What a restore put on the nodes: content by file, without what the running nodes added since.

    `sizes`: the stored size of each restored database file, relative to the working directory.
    """
    found = {}
    for name in cluster.names:
        work = cluster.working_directory(name)
        for path in sorted(work.rglob("*")):
            relative = str(path.relative_to(work))
            if ".loomtui" in path.parts or not path.is_file() or relative == ADDRBOOK:
                continue
            data = path.read_bytes()
            if relative == VALIDATOR:
                data = _identity(data)
            elif relative.startswith(_WRITTEN_BY_NODES):
                if relative not in sizes:
                    continue
                data = data[: sizes[relative]]
            found[f"{name}:{relative}"] = _digest(data)
        found[f"{name}:unit"] = _digest(cluster.unit_path(name).read_bytes())
        drop_ins = cluster.unit_path(name).parent / "loom.service.d"
        found[f"{name}:held"] = str(drop_ins.exists())
    return found


def differences(expected: Mapping[str, object], found: Mapping[str, object]) -> tuple[str, ...]:
    """The names under which not the same is found."""
    return tuple(name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name))


def restored_sizes(restorer: Restorer) -> dict[str, int]:
    """The size of each database file as the data archive holds it, by its name on a node."""
    data = load_plan(restorer.plan).nodes[0].data
    assert data is not None
    key = data.key

    async def sizes() -> dict[str, int]:
        catalogue = Catalogue(load(restorer.cluster.inventory_path).s3)
        try:
            contents = await catalogue.look(await catalogue.find(key))
        finally:
            await catalogue.close()
        return {
            member.path.replace(item.source, item.target, 1): member.size
            for member in contents.members
            for item in contents.data_items
            if member.path.startswith(item.source + "/")
        }

    before = dict(os.environ)
    os.environ.update(restorer.environment)
    try:
        return asyncio.run(sizes())
    finally:
        os.environ.clear()
        os.environ.update(before)


def _identity(data: bytes) -> bytes:
    document = json.loads(data)
    return json.dumps([document["address"], document["pub_key"], document["priv_key"]]).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
