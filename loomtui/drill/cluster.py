"""The practice cluster's own process: builds it, runs it, and obeys the lines on its standard input.

Started by `loomtui.drill.serve`, which ends it. Prints one JSON line when all is ready, then one per command.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from loomtui.drill import machines, store
from loomtui.drill.backup_sets import heights_wanted, uploads
from loomtui.drill.hands import Hands
from loomtui.drill.loopback import free_network, free_ports
from loomtui.drill.machines import P2P_PORT, Machine
from loomtui.drill.meeting import wait_until_met
from loomtui.drill.node.keys import identity
from loomtui.drill.node_states import set_states
from loomtui.drill.replying import Obey, reply_to_lines
from loomtui.drill.s3_proxy import S3Proxy
from loomtui.drill.scenarios import Past, Scenario, load_scenario
from loomtui.drill.scenarios.deeds import Action
from loomtui.drill.scenarios.model import Hosts
from loomtui.drill.sshd import SshServer, new_key_text
from loomtui.drill.stage import Host, Stage, hosts_of
from loomtui.drill.systemd.manager import Manager
from loomtui.drill.systemd.service_socket import serve

SSH_PORT = 2200
_STORE_NUMBER, _PROXY_NUMBER = 250, 249  # the last parts of their addresses
_MEETING_SECONDS = 60.0


class Cluster:
    def __init__(
        self,
        root: Path,
        scenario: Scenario,
        nodes: int,
        block_seconds: float,
        past: Past,
        objectives: Mapping[str, str],
    ) -> None:
        """`objectives`: as the inventory has them; empty: it has none."""
        self._root = root
        self._objectives = objectives
        self._past = past
        self._scenario = scenario
        self._network = free_network(nodes, (SSH_PORT, P2P_PORT))
        ports = free_ports(2 * (nodes + 1))
        self.machines = [self._machine(number, nodes, ports) for number in range(1, nodes + 2)]
        for machine in self.machines:
            machines.install(machine, block_seconds)
        self._managers: dict[str, Manager] = {}
        self._ssh: dict[str, SshServer] = {}
        self._environments = {machine.name: machines.environment(machine) for machine in self.machines}
        self._hands = Hands(self.machines, self._ssh, self._managers, self._environments)
        self._endpoint = ""

    def _machine(self, number: int, nodes: int, ports: list[int]) -> Machine:
        validator = number <= nodes
        name = f"val-{number}" if validator else "backup-1"
        return Machine(
            name=name,
            validator=validator,
            root=self._root / name,
            address=f"{self._network}.{number}",
            rpc_port=ports[2 * number - 2],
            api_port=ports[2 * number - 1],
            hostname=f"ip-10-2-0-{10 + number}" if validator else "backup.loom.example",
        )

    def start(self) -> dict[str, Any]:
        """Raises OSError."""
        importing = threading.Thread(target=self._start_store)
        importing.start()
        scenario = self._scenario
        hosts = hosts_of(scenario, self.machines)
        folder = self._root / ".history"
        stage = Stage(scenario, hosts, self.machines, folder, self._past, heights_wanted(scenario))
        set_states(stage)
        self._start_managers()
        self._start_ssh()
        if scenario.backups.redis:
            self._start_redis()
        objects = uploads(stage)
        importing.join()
        store.fill(objects)
        self._start_trouble()
        if scenario.met:
            wait_until_met(self.machines, _MEETING_SECONDS)
        for action in scenario.actions:
            self._hands.act(action)
        return {
            "root": str(self._root),
            "inventory": str(self._write_inventory()),
            "environment": store.ENVIRONMENT,
            "names": [machine.name for machine in self.machines],
            "redis": self.machines[0].redis,
            "identities": {host.machine.name: _identity(host) for host in hosts},
        }

    def _start_redis(self) -> None:
        """Something that listens: that is all that a node is asked for."""
        host, _, port = self.machines[0].redis.partition(":")
        self._redis = socket.create_server((host, int(port)))

    def _start_trouble(self) -> None:
        """Where S3 is going to fail, everybody reaches it through what can make it fail."""
        happens = [*self._scenario.actions, *(do for fault in self._scenario.faults for do in fault.do)]
        if any(action.store is not None for action in happens):
            self._hands.s3 = S3Proxy(self._endpoint, f"{self._network}.{_PROXY_NUMBER}")
            self._endpoint = self._hands.s3.url

    def _start_store(self) -> None:
        self._endpoint = store.start(f"{self._network}.{_STORE_NUMBER}")

    def _start_managers(self) -> None:
        for machine in self.machines:
            manager = Manager(machine.root, machine.hostname, self._environments[machine.name])
            self._managers[machine.name] = manager
            serve(manager)
            if self._scenario.hosts is Hosts.MOVED:
                continue
            manager.link("loom").parent.mkdir(parents=True)
            manager.link("loom").symlink_to(machine.unit)
            manager.boot()

    def _start_ssh(self) -> None:
        import paramiko

        key_path = self._root / "user_key"
        with os.fdopen(os.open(key_path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(new_key_text())
        user_key = paramiko.Ed25519Key.from_private_key_file(str(key_path))
        known = ""
        for machine in self.machines:
            server = SshServer(machine.address, SSH_PORT, user_key, self._environments[machine.name])
            server.start()
            self._ssh[machine.name] = server
            known += f"[{machine.address}]:{SSH_PORT} ssh-ed25519 {server.host_key.get_base64()}\n"
        (self._root / "known_hosts").write_text(known)

    def _write_inventory(self) -> Path:
        document: dict[str, object] = {
            "cluster": f"practice-{self._scenario.name}",
            "production": False,
            "ssh": {
                "user": self._environments[self.machines[0].name]["USER"],
                "port": SSH_PORT,
                "key_file": str(self._root / "user_key"),
                "known_hosts": str(self._root / "known_hosts"),
                "config_file": None,
                "agent": False,
            },
            "s3": {
                "bucket": store.BUCKET,
                "prefix": store.PREFIX,
                "region": store.REGION,
                "endpoint": self._endpoint,
            },
            "nodes": [_node(machine) for machine in self.machines],
        }
        if self._objectives:
            document["objectives"] = dict(self._objectives)
        path = self._root / "inventory.yml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    # What the practice may ask for

    def obey(self, command: str, node: str = "", **arguments: Any) -> Any:
        """Raises KeyError for an unknown command or node."""
        if command == "act":
            return self._hands.act(Action.model_validate(arguments["action"]))
        machine = next((machine for machine in self.machines if machine.name == node), None)
        if machine is None:
            raise KeyError(node)
        if command == "run":
            return self._run(machine, arguments["shell"], arguments["timeout"])
        ssh = self._ssh[node]
        simple: dict[str, Callable[[], object]] = {
            "stop_ssh": ssh.stop,
            "start_ssh": ssh.start,
            "drop_connections": ssh.drop_connections,
            "freeze": ssh.freeze,
            "thaw": ssh.thaw,
            "reboot": lambda: self._hands.reboot(machine),
            "power_off": lambda: self._hands.power_off(machine),
            "power_on": lambda: self._hands.power_on(machine),
            "change_host_key": lambda: self._change_host_key(ssh),
            "hide": lambda: machines.hide(machine, arguments["tools"]),
            "sudo_password": lambda: _set_sudo_password(machine, arguments["password"]),
            "cut_off_s3": lambda: self._hands.cut_off_s3(machine, off=arguments["off"]),
        }
        simple[command]()
        self._hands.renew_environment(machine)
        return None

    def _run(self, machine: Machine, command: str, seconds: float) -> dict[str, Any]:
        """Raises subprocess.TimeoutExpired."""
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env=self._environments[machine.name],
            cwd=machine.home,
            timeout=seconds,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        return {"status": done.returncode, "out": done.stdout, "err": done.stderr}

    def _change_host_key(self, server: SshServer) -> None:
        from loomtui.drill.sshd import new_key

        server.host_key = new_key()


def _set_sudo_password(machine: Machine, password: str | None) -> None:
    path = machine.root / ".practice/sudo-password"
    if password is None:
        path.unlink(missing_ok=True)
        return
    path.write_text(password + "\n")


def _identity(host: Host) -> dict[str, str]:
    """By what the chain knows the node; the address of its validator key in upper case."""
    keys = host.keys
    return {"node_id": keys.node_id, "address": identity(keys.validator[32:]).upper()}


def _node(machine: Machine) -> dict[str, Any]:
    return {
        "name": machine.name,
        "role": "validator" if machine.validator else "backup",
        "host": machine.address,
        "backup_host": machine.hostname,
        "loom": {
            "service": "loom",
            "working_directory": str(machine.home),
            "binary": str(machine.binary),
            "unit_path": str(machine.unit),
            "ports": {"p2p": P2P_PORT, "rpc": machine.rpc_port, "api": machine.api_port},
        },
    }


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--scenario", type=Path, required=True)
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--block-seconds", type=float, required=True)
    parser.add_argument("--past", type=json.loads, default={})
    parser.add_argument("--objectives", type=json.loads, default={})
    options = parser.parse_args(argv)
    os.umask(0o022)
    os.chdir(options.root)

    def start() -> tuple[object, Obey]:
        scenario = load_scenario(options.scenario)
        past = Past(**options.past | {"stakes": tuple(options.past.get("stakes", ()))})
        agreed = _lengths(options.objectives)
        cluster = Cluster(options.root, scenario, options.nodes, options.block_seconds, past, agreed)
        return cluster.start(), cluster.obey

    return reply_to_lines(start)


def _lengths(seconds: Mapping[str, float | None]) -> dict[str, str]:
    """As an inventory has them, by its names."""
    names = {"downtime_seconds": "downtime", "data_loss_seconds": "data_loss"}
    return {names[name]: f"{length:.0f}s" for name, length in seconds.items() if length is not None}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
