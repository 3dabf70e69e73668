"""A lab as tests and the command line see it: started, asked, gone."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from loomtui.inventory.load import load
from loomtui.inventory.model import Inventory
from tests.lab import places, tree
from tests.lab.needs import LabError, missing

_UP_SECONDS = 1500.0  # where the tree has to be made first; 20 to 60 s where it is there
_DOWN_SECONDS = 60.0
_CALL_SECONDS = 180.0
_ROOT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Lab:
    """A lab that is up: `val-1` … `val-4` and `backup-1`."""

    folder: Path
    addresses: Mapping[str, str]
    endpoint: str
    environment: Mapping[str, str]  # for boto3
    guardian: int

    @classmethod
    def at(cls, index: int) -> Lab:
        folder = places.LABS / str(index)
        told = json.loads((folder / "lab.json").read_text())
        return cls(folder, told["nodes"], told["endpoint"], told["environment"], told["guardian"])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.addresses)

    @property
    def here(self) -> str:
        """This machine's address in the lab's network."""
        return f"{next(iter(self.addresses.values())).rpartition('.')[0]}.1"

    @property
    def inventory_path(self) -> Path:
        return self.folder / "inventory.yml"

    def inventory(self, user: str = tree.SUDO_USER) -> Inventory:
        """The lab's nodes, logged in to as this user."""
        inventory = load(self.inventory_path)
        return inventory.model_copy(update={"ssh": inventory.ssh.model_copy(update={"user": user})})

    def run(
        self, node: str, command: str, *, check: bool = True, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Runs a shell command as root on the node, past SSH. Raises LabError where it fails and `check`."""
        enter = ["nsenter", "--target", str(self.leader(node)), "--all", "--"]
        done = subprocess.run(
            [*enter, "env", "-i", "--chdir=/", _ROOT_PATH, "LC_ALL=C", "sh", "-c", command],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise LabError(f"{node}: `{command}` ended with {done.returncode}: {done.stderr.strip()}")
        return done

    def leader(self, node: str) -> int:
        """The process ID of the node's systemd, by its control group. Raises LabError where it is off."""
        group = f"/{places.lab_name(int(self.folder.name))}/{node}"
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                groups = (process / "cgroup").read_text()
                status = (process / "status").read_text() if group in groups else ""
                if re.search(r"^NSpid:\t\d+\t\d+\t1$", status, re.MULTILINE):
                    return int(process.name)
        raise LabError(f"{node} is off")

    def power_off(self, node: str) -> None:
        """As if the plug was pulled: no process ends in order, no connection is closed."""
        self._call("power_off", node)

    def power_on(self, node: str) -> None:
        """Returns when its systemd has started everything."""
        self._call("power_on", node)

    def reboot(self, node: str) -> None:
        """In order; returns when it is up again."""
        self._call("reboot", node)

    def cut(self, node: str) -> None:
        """Every packet to and from the node is lost."""
        self._call("cut", node)

    def mend(self, node: str) -> None:
        self._call("mend", node)

    def _call(self, command: str, node: str) -> None:
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(_CALL_SECONDS)
            try:
                control.connect(str(self.folder / "control"))
                control.sendall(json.dumps({"command": command, "node": node}).encode() + b"\n")
                answer = json.loads(control.makefile("rb").readline())
            except (OSError, ValueError) as error:
                raise LabError(f"the lab does not answer: {error}") from None
        if "error" in answer:
            raise LabError(f"{command} {node}: {answer['error']}")


def start(*, lifeline: bool) -> tuple[Lab, subprocess.Popen[bytes]]:
    """A new lab; with a lifeline it ends when its guardian's standard input closes. Raises LabError."""
    if why := missing():
        raise LabError(why)
    guardian = subprocess.Popen(
        [sys.executable, "-m", "tests.lab.guardian", *(["--lifeline"] if lifeline else [])],
        stdin=subprocess.PIPE if lifeline else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONSAFEPATH": ""},
        start_new_session=True,
    )
    try:
        _await_ready(guardian)
        index = next(number for number, told in places.living() if told["guardian"] == guardian.pid)
        return Lab.at(index), guardian
    except BaseException:
        guardian.terminate()
        guardian.wait(_DOWN_SECONDS)
        raise


@contextmanager
def lab() -> Iterator[Lab]:
    """A lab of one's own, which ends with this process, however that ends. Raises LabError."""
    started, guardian = start(lifeline=True)
    try:
        yield started
    finally:
        guardian.communicate(timeout=_DOWN_SECONDS)


def stop(index: int, guardian: int) -> None:
    """Ends a lab that was started by hand, and waits until nothing is left of it. Raises LabError."""
    descriptor = os.pidfd_open(guardian)
    try:
        os.kill(guardian, 15)
        if not select.select([descriptor], [], [], _DOWN_SECONDS)[0]:
            raise LabError(f"lab {index} does not end")
    finally:
        os.close(descriptor)


def _await_ready(guardian: subprocess.Popen[bytes]) -> None:
    assert guardian.stdout is not None
    assert guardian.stderr is not None
    deadline = time.monotonic() + _UP_SECONDS
    ready, _, _ = select.select([guardian.stdout], [], [], deadline - time.monotonic())
    if not ready:
        raise LabError("the lab did not come up in time")
    if guardian.stdout.readline() != b"ready\n":
        raise LabError(guardian.stderr.read().decode("utf-8", "replace") or "the lab ended at once")
