"""Builds a lab and holds it: network, disks, S3, machines; then does what it is told over a socket.

Lives in a mount namespace of its own. Ends when its standard input closes: the guardian is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import yaml

from loomtui.drill import store
from loomtui.inventory.model import Role
from tests.lab import nodes, places, tree
from tests.lab.backups import Past, new_keys
from tests.lab.machine import Machine
from tests.lab.needs import LabError
from tests.lab.network import Network
from tests.lab.nodes import LabNode, LoginKey

VALIDATORS = 4


class Keeper:
    """One lab, from nothing to ready."""

    def __init__(self, index: int, folder: Path, guardian: int) -> None:
        self._guardian = guardian  # as its own process namespace numbers it
        self._name = places.lab_name(index)
        self._folder = folder
        self._inside = folder / "inside"  # a file system that only this lab's processes see
        self._network = Network(index, self._inside / "network")
        names = [f"val-{number}" for number in range(1, VALIDATORS + 1)]
        self._nodes = [
            LabNode(name, Role.VALIDATOR, self._network.address(number), new_keys())
            for number, name in enumerate(names, 1)
        ]
        self._nodes.append(
            LabNode("backup-1", Role.BACKUP, self._network.address(len(names) + 1), new_keys())
        )
        self._machines: dict[str, Machine] = {}

    async def build(self) -> None:
        """Raises LabError."""
        debian = await asyncio.to_thread(tree.debian_tree)
        self._mount_inside()
        self._network.build()
        endpoint = store.start(self._network.here)
        past = await asyncio.to_thread(Past.make, self._nodes, self._inside / "past")
        user, hosts = LoginKey.new(), {node.name: LoginKey.new() for node in self._nodes}
        for node in self._nodes:
            await asyncio.to_thread(self._prepare, node, past, debian, hosts[node.name], user)
        booting = [asyncio.create_task(machine.power_on()) for machine in self._machines.values()]
        store.fill(await asyncio.to_thread(past.uploads))
        await asyncio.gather(*booting)
        self._describe(endpoint, hosts, user)

    def _mount_inside(self) -> None:
        self._inside.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(self._inside)], check=True)
        # What systemd-nspawn notes in /run/systemd/nspawn is not seen outside either.
        runtime = Path("/run/systemd")
        runtime.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(runtime)], check=True)

    def _prepare(self, node: LabNode, past: Past, debian: Path, host: LoginKey, user: LoginKey) -> None:
        self._network.connect(node.name, node.address)
        machine = Machine(
            node.name,
            self._name,
            self._inside / node.name,
            self._network.namespace(node.name),
            self._folder / f"console-{node.name}.log",
        )
        machine.make_disk(debian, tree.cache_folder())
        nodes.install_system(machine.root, node, self._nodes, host, user)
        nodes.install_service(
            machine.root,
            nodes.unit_text(node, self._nodes),
            past.snapshots[past.history.tip],
            past.own_files(),
            past.chain_config(node, past.history.tip),
        )
        self._machines[node.name] = machine

    def _describe(self, endpoint: str, hosts: dict[str, LoginKey], user: LoginKey) -> None:
        """The files that a client needs; lab.json comes last and says that the lab is ready."""
        key = self._folder / "id_ed25519"
        key.write_bytes(user.private)
        key.chmod(0o600)
        known = "".join(f"{node.address} {hosts[node.name].public.decode()}" for node in self._nodes)
        (self._folder / "known_hosts").write_text(known)
        (self._folder / "inventory.yml").write_text(
            yaml.safe_dump(self._inventory(endpoint), sort_keys=False)
        )
        description = {
            "guardian": self._guardian,
            "nodes": {node.name: node.address for node in self._nodes},
            "endpoint": endpoint,
            "environment": store.ENVIRONMENT,
        }
        partial = self._folder / "lab.json.new"
        partial.write_text(json.dumps(description))
        partial.rename(self._folder / "lab.json")

    def _inventory(self, endpoint: str) -> dict[str, Any]:
        return {
            "cluster": "loom-lab",
            "production": False,
            "ssh": {
                "user": tree.SUDO_USER,
                "key_file": str(self._folder / "id_ed25519"),
                "known_hosts": str(self._folder / "known_hosts"),
                "config_file": "/dev/null",
                "agent": False,
            },
            "s3": {
                "bucket": store.BUCKET,
                "prefix": store.PREFIX,
                "region": store.REGION,
                "endpoint": endpoint,
            },
            "nodes": [
                {"name": node.name, "role": node.role.value, "host": node.address} for node in self._nodes
            ],
        }

    # ── what it is told ─────────────────────────────────────────────────────────────────────────────────

    async def serve(self) -> None:
        """One JSON object a connection: {"command", "node"} → {} or {"error"}."""
        await asyncio.start_unix_server(self._answer, self._folder / "control")

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = {}
        try:
            call = json.loads(await reader.readline())
            await self._obey(call["command"], self._machines[call["node"]])
        except (LabError, KeyError, ValueError, TimeoutError, OSError) as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        writer.write(json.dumps(reply).encode() + b"\n")
        await writer.drain()
        writer.close()

    async def _obey(self, command: str, machine: Machine) -> None:
        """Raises KeyError."""
        match command:
            case "power_on":
                self._network.mend(machine.name)
                await machine.power_on()
            case "power_off":
                self._network.cut(machine.name)  # its kernel has no time to say goodbye to its peers
                await machine.power_off()
            case "reboot":
                await machine.reboot()
            case "cut":
                self._network.cut(machine.name)
            case "mend":
                self._network.mend(machine.name)
            case _:
                raise KeyError(command)

    async def close(self) -> None:
        await asyncio.gather(*(machine.power_off() for machine in self._machines.values()))


async def main(index: int, folder: Path, guardian: int) -> int:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    threading.Thread(target=_wait_for_end, args=(loop, over), daemon=True).start()
    keeper = Keeper(index, folder, guardian)
    building = asyncio.create_task(keeper.build())
    ending = asyncio.create_task(over.wait())
    await asyncio.wait({building, ending}, return_when=asyncio.FIRST_COMPLETED)
    status = 0
    if building.done():
        try:
            building.result()
            await keeper.serve()
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await over.wait()
        except (LabError, OSError, subprocess.SubprocessError) as error:
            sys.stderr.write(f"{error}\n")
            status = 1
    building.cancel()
    await keeper.close()
    return status


def _wait_for_end(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    """Nothing is ever written to it: it ends when the guardian does."""
    while os.read(0, 1):
        pass
    loop.call_soon_threadsafe(over.set)


if __name__ == "__main__":
    lab = int(sys.argv[1])
    code = asyncio.run(main(lab, Path(sys.argv[2]), int(sys.argv[3])))
    # The guardian does the same; here for the case that it was killed.
    subprocess.run(["umount", "--lazy", f"{sys.argv[2]}/inside"], check=False, stderr=subprocess.DEVNULL)
    places.remove(lab)
    sys.stdout.flush()
    os._exit(code)  # the S3 server's thread need not be waited for
