"""A practice cluster made ready for faults: each node has a disk of its own, wants sudo, and S3 can go wrong.

Needs root, for disks are mounted. Every cell leaves the cluster as it was before, so one serves for many.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from loomtui.drill.practice import Practice, practice
from loomtui.drill.s3_proxy import S3Proxy
from loomtui.restore.planning.planfile import load_plan
from tests.faults.shelf import Shelf
from tests.restore.killing import (
    Restorer,
    differences,
    kept_signing_states,
    not_as_before,
    restored_sizes,
    restored_state_of,
    state_of,
)
from tests.restore.ways import Way

#: On which node the faults strike: the only validator, or the node whose unit has to be rewritten.
_VICTIMS = {"clean-restore": "val-1", "moved-hosts": "backup-1"}
_BLOCK_SECONDS = 2.0
_CONNECT_SECONDS = 8
_VERIFY_SECONDS = 60
_DISK = "256m"
_OPERATOR_DISK = "8m"
_SPOOL_DISK = "128m"  # where parts wait to be uploaded; 64 MiB have to be free
_ON_DISK = ("home/ubuntu", "etc/systemd/system")
_environment = threading.Lock()  # os.environ is the process's own

_ID = """#!/bin/sh
# Whoever logs in is no root, until sudo makes him one.
[ -z "${PRACTICE_SUDO:-}" ] || exec /usr/bin/id "$@"
case "$*" in
-u) echo 1000 ;;
-un) echo ubuntu ;;
*) exec /usr/bin/id "$@" ;;
esac
"""
_SUDO = """#!/bin/sh
if [ -e '{root}/.practice/no-sudo' ]; then
    echo 'sudo: a password is required' >&2
    exit 1
fi
PRACTICE_SUDO=1
export PRACTICE_SUDO
exec '{root}/bin/sudo.allowed' "$@"
"""


class Bed:
    """`before` and `restored`: what the nodes hold before a restore, and after an undisturbed one."""

    def __init__(self, cluster: Practice, s3: S3Proxy, endpoint: str, home: Path) -> None:
        self.cluster = cluster
        self.s3 = s3
        self.home = home
        self.restorer = Restorer(cluster, home)
        self.shelf = Shelf(endpoint)
        self._plan_files: dict[Way, Path] = {}
        self._remedy: tuple[str, ...] = ()
        self._kept: list[str] = []
        if cluster.scenario.reset_signing:
            self._remedy = ("--reset-signing-state", f"practice-{cluster.scenario.name}")
        self.restorer.plan = self.plan_file(Way.AFTER_STOP)
        with _environment:
            self._sizes = restored_sizes(self.restorer)
        self.before = state_of(cluster)
        run, _ = self.restorer.restore()
        self.restored = restored_state_of(cluster, self._sizes)
        self.restorer.rollback(run)
        wrong = self.not_as_before(run)
        assert not wrong, f"rollback of an undisturbed run left {wrong}"
        self.clean(run)

    def plan(self, path: Path, way: Way) -> subprocess.CompletedProcess[str]:
        return self.restorer.call("plan", "-o", str(path), *self._remedy, *way.options)

    def plan_file(self, way: Way) -> Path:
        """Made when it is first wanted. Of prepared backups it fits while they are on offer."""
        if way not in self._plan_files:
            path = self.home / f"plan-{way.name.lower()}.yml"
            if way is Way.UNREAD:
                self._forget_archives()
            done = self.plan(path, way)
            assert done.returncode == 0, done.stderr
            self._plan_files[way] = _hastened(path)
        return self._plan_files[way]

    def _forget_archives(self) -> None:
        """What this machine has read of them, so that the next plan has to do without."""
        for place in (self.home / "cache").rglob("*"):
            if place.is_file():
                place.unlink()

    @property
    def data_key(self) -> str:
        """Of the backup that all plans restore."""
        data = load_plan(self.plan_file(Way.AFTER_STOP)).nodes[0].data
        assert data is not None
        return data.key

    @contextmanager
    def on_offer(self, way: Way) -> Iterator[None]:
        """Meanwhile the backup is prepared with a twin, if the plan wants that; otherwise it never is."""
        if not way.is_prepared:
            yield
            return
        if not self.shelf.kept:
            done = self.restorer.call("backups", "prepare", self.data_key, "--twin", "--json")
            assert done.returncode == 0, done.stderr
            self.shelf.keep()
        with self.shelf.offered():
            yield

    def not_as_before(self, rolled_back: str = "") -> tuple[str, ...]:
        """After the rollback of this run. The one thing that it may keep is a signing state that grew."""
        kept = kept_signing_states(journal_of(self, rolled_back)) if rolled_back else frozenset()
        return not_as_before(self.before, self.cluster, kept)

    def not_restored(self) -> tuple[str, ...]:
        return differences(self.restored, restored_state_of(self.cluster, self._sizes))

    def clean(self, run: str) -> None:
        """What runs kept goes before the disks fill up."""
        self._kept.append(run)
        free = os.statvfs(self.disk(self.victim))
        if free.f_bavail * 2 > free.f_blocks:
            return
        while self._kept:
            self._clean(self._kept.pop())

    def _clean(self, run: str) -> None:
        done = self.restorer.call("clean", run, "--yes", "--json")
        assert done.returncode == 0, done.stderr

    @property
    def victim(self) -> str:
        return _VICTIMS[self.cluster.scenario.name]

    def disk(self, name: str) -> Path:
        return self.cluster.node_root(name) / ".disk"

    @property
    def operator_disk(self) -> Path:
        return self.home / "state"

    @property
    def spool_disk(self) -> Path:
        """Where parts wait on the operator's machine."""
        return self.home / "cache"


@contextmanager
def bed(scenario: str) -> Iterator[Bed]:
    """Takes half a minute: the cluster is started, restored once and rolled back."""
    assert os.geteuid() == 0, "the faults want root: they fill and remount disks"
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loomtui-faults-")))
        cluster = stack.enter_context(practice(scenario, 1, block_seconds=_BLOCK_SECONDS))
        for name in cluster.names:
            _give_disk(cluster, name, stack)
            _want_sudo(cluster.node_root(name))
            _make_ready(cluster, name)
        _mount_operator_disk(home / "state", _OPERATOR_DISK, stack)
        _mount_operator_disk(home / "cache", _SPOOL_DISK, stack)
        endpoint = _prepare_inventory(cluster.inventory_path)
        s3 = S3Proxy(endpoint)
        stack.callback(s3.close)
        inventory = yaml.safe_load(cluster.inventory_path.read_text())
        inventory["s3"]["endpoint"] = s3.url
        cluster.inventory_path.write_text(yaml.safe_dump(inventory, sort_keys=False))
        yield Bed(cluster, s3, endpoint, home)


def _prepare_inventory(path: Path) -> str:
    """A dead node is noticed soon; gives the S3 endpoint."""
    inventory = yaml.safe_load(path.read_text())
    inventory["ssh"]["connect_timeout"] = _CONNECT_SECONDS
    path.write_text(yaml.safe_dump(inventory, sort_keys=False))
    return str(inventory["s3"]["endpoint"])


def _hastened(plan: Path) -> Path:
    """A chain that stands is given up sooner; the rest of the plan stays as it is."""
    document = yaml.safe_load(plan.read_text())
    document["verify_deadline_seconds"] = _VERIFY_SECONDS
    plan.write_text(yaml.safe_dump(document, sort_keys=False))
    return plan


def _give_disk(cluster: Practice, name: str, stack: ExitStack) -> None:
    """Files and units of the node lie on one file system of its own, as on most machines."""
    root = cluster.node_root(name)
    shown = cluster.shell(name, "systemctl show loom -p ActiveState").stdout.strip()
    ran = shown in {"ActiveState=active", "ActiveState=activating"}
    cluster.shell(name, "systemctl stop loom")
    disk = root / ".disk"
    disk.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=755", "tmpfs", str(disk))
    stack.callback(_run, "umount", "--lazy", str(disk))
    for part in _ON_DISK:
        (disk / part).mkdir(parents=True)
        _run("cp", "-a", f"{root / part}/.", str(disk / part))
        _run("mount", "--bind", str(disk / part), str(root / part))
        stack.callback(_run, "umount", "--lazy", str(root / part))
    if ran:
        cluster.shell(name, "systemctl start loom")


def _make_ready(cluster: Practice, name: str) -> None:
    """Enabled, as a boot has to find it; and what cannot start does not use up the machine by trying."""
    unit = cluster.unit_path(name)
    unit.write_text(unit.read_text().replace("RestartSec=2\n", "RestartSec=60\n"))
    cluster.shell(name, "systemctl daemon-reload; systemctl enable loom")


def _mount_operator_disk(folder: Path, size: str, stack: ExitStack) -> None:
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder))
    stack.callback(_run, "umount", "--lazy", str(folder))


def _want_sudo(root: Path) -> None:
    shutil.move(root / "bin/sudo", root / "bin/sudo.allowed")
    for name, text in (("id", _ID), ("sudo", _SUDO.format(root=root))):
        (root / "bin" / name).write_text(text)
        (root / "bin" / name).chmod(0o755)


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, start_new_session=True
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"


def journal_of(bed: Bed, run: str) -> list[dict[str, object]]:
    """The events of a run as they lie on the operator's disk."""
    path = bed.operator_disk / "loomtui/runs" / run / "journal.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]
