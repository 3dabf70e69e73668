"""The lab's network: a bridge in a namespace of its own, a cable to each node and one to this machine.

Everything hangs on namespaces that only the lab's processes hold: it is gone when they are. Nodes have no
route to anything but the bridge.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab.needs import LabError


class Network:
    """10.213.INDEX.0/24; this machine is .1. The folder must be on a private mount."""

    def __init__(self, index: int, folder: Path) -> None:
        self._subnet = f"10.213.{index}"
        self._cable = f"loomlab{index}"
        self._folder = folder
        self._switch = folder / "switch"

    @property
    def here(self) -> str:
        return f"{self._subnet}.1"

    def address(self, number: int) -> str:
        return f"{self._subnet}.{10 + number}"

    def namespace(self, node: str) -> Path:
        return self._folder / node

    def build(self) -> None:
        """Raises LabError."""
        self._folder.mkdir()
        _new_namespace(self._switch)
        _ip(None, f"link add {self._cable} type veth peer name here netns {self._switch}")
        _ip(None, f"addr add {self.here}/24 dev {self._cable}", f"link set {self._cable} up")
        _ip(
            self._switch,
            "link add bridge type bridge",
            "link set bridge up",
            "link set here master bridge",
            "link set here up",
        )

    def connect(self, node: str, address: str) -> None:
        """Raises LabError."""
        inside = self.namespace(node)
        _new_namespace(inside)
        _ip(
            self._switch,
            f"link add {node} type veth peer name eth0 netns {inside}",
            f"link set {node} master bridge",
            f"link set {node} up",
        )
        _ip(inside, "link set lo up", f"addr add {address}/24 dev eth0", "link set eth0 up")

    def cut(self, node: str) -> None:
        """From now on every packet to and from the node is lost; nobody is told."""
        _ip(self._switch, f"link set {node} down")

    def mend(self, node: str) -> None:
        _ip(self._switch, f"link set {node} up")


def _new_namespace(path: Path) -> None:
    path.touch()
    _call(["unshare", f"--net={path}", "true"])


def _ip(namespace: Path | None, *commands: str) -> None:
    inside = [] if namespace is None else ["nsenter", f"--net={namespace}"]
    _call([*inside, "ip", "-batch", "-"], "\n".join(commands) + "\n")


def _call(command: list[str], text: str = "") -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}\n{text}")
