"""One node's machine: a disk of its own over the shared tree, and systemd-nspawn that boots it.

Runs in the keeper's namespaces: mounts, loop devices and containers end with the keeper.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.lab import cgroups
from tests.lab.needs import LabError

_DISK_BYTES = 4 * 1024**3  # sparse
_BOOT_SECONDS = 90.0
_DOWN_SECONDS = 30.0
_REBOOT = 133  # systemd-nspawn's exit status when the container asks for a reboot
_REBOOT_SIGNAL = signal.SIGRTMIN + 5  # systemd(1): starts reboot.target

#: Enters the control groups before it becomes the container's supervisor.
_LAUNCH = """
while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 1; shift; done
shift
exec "$@"
"""


class Machine:
    """Off at first. `folder` is on a private mount, `log` gets what systemd-nspawn says."""

    def __init__(self, name: str, lab: str, folder: Path, network: Path, log: Path) -> None:
        self.name = name
        self.leader = 0  # its systemd's process ID as the keeper sees it, 0: off
        self._lab = lab
        self._folder = folder
        self._network = network
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    @property
    def root(self) -> Path:
        """The machine's `/`, to be written to before it is powered on."""
        return self._folder / "root"

    def make_disk(self, tree: Path, images: Path) -> None:
        """A file system of its own, whose image has no name any more: it is gone when it is unmounted."""
        self._folder.mkdir()
        image = images / f"{self._lab}-{self.name}.img"
        disk = self._folder / "disk"
        try:
            with image.open("wb") as file:
                file.truncate(_DISK_BYTES)
            _call("mkfs.ext4", "-q", "-m", "0", str(image))
            disk.mkdir()
            _call("mount", "-o", "loop", str(image), str(disk))
        finally:
            image.unlink(missing_ok=True)
        for name in ("upper", "work"):
            (disk / name).mkdir(mode=0o755)
        self.root.mkdir()
        layers = f"lowerdir={tree},upperdir={disk}/upper,workdir={disk}/work"
        _call("mount", "-t", "overlay", "overlay", "-o", layers, str(self.root))

    async def power_on(self) -> None:
        """Returns when its systemd has started everything. Raises LabError."""
        if self._process is not None:
            raise LabError(f"{self.name} is on already")
        self._watcher = asyncio.create_task(self._keep_running())
        try:
            async with asyncio.timeout(_BOOT_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise LabError(f"{self.name} did not boot:\n{self._log.read_text()[-2000:]}") from None

    async def power_off(self) -> None:
        """As if the plug was pulled: no process ends in order."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)

    async def reboot(self) -> None:
        """In order; returns when it is up again."""
        self._ready.clear()
        os.kill(self.leader, _REBOOT_SIGNAL)
        async with asyncio.timeout(_BOOT_SECONDS + _DOWN_SECONDS):
            await self._ready.wait()

    async def _keep_running(self) -> None:
        """Until it is powered off: a container that reboots ends, and is started again from outside."""
        while await self._run() == _REBOOT:
            pass

    async def _run(self) -> int:
        groups = cgroups.make(self._lab, self.name)
        notices = self._folder / "notify"
        with _notify_socket(notices) as notify, self._log.open("ab") as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *("sh", "-c", _LAUNCH, "launch", *map(str, groups), "--"),
                *(
                    "systemd-nspawn",
                    "--quiet",
                    "--boot",
                    "--register=no",
                    "--keep-unit",
                    "--notify-ready=yes",
                ),
                *(f"--directory={self.root}", f"--machine={self.name}"),
                *(f"--network-namespace-path={self._network}", "--resolv-conf=off", "--timezone=off"),
                *("--link-journal=no", "--console=pipe"),
                env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(notices)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            listening = asyncio.create_task(self._listen(notify))
            try:
                return await process.wait()
            finally:
                listening.cancel()
                with suppress(ProcessLookupError):  # systemd-nspawn ends with the machine, not the other way
                    os.kill(self.leader or process.pid, signal.SIGKILL)
                self.leader, self._process = 0, None
                self._ready.clear()
                await process.wait()

    async def _listen(self, notify: socket.socket) -> None:
        """sd_notify(3): the process ID of the machine's systemd; READY=1 when it has started everything."""
        loop = asyncio.get_running_loop()
        while True:
            for line in (await loop.sock_recv(notify, 4096)).decode("utf-8", "replace").splitlines():
                name, _, value = line.partition("=")
                if name == "X_NSPAWN_LEADER_PID":
                    self.leader = int(value)
                elif line == "READY=1" and self.leader:
                    self._ready.set()


def _notify_socket(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    notify.bind(str(path))
    return notify


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")
