"""Carries out what a scenario has happen to nodes and to S3: from outside, and nobody is told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence

from loomtui.drill import machines
from loomtui.drill.machines import Machine
from loomtui.drill.room import leave_room
from loomtui.drill.s3_proxy import S3Proxy
from loomtui.drill.scenarios.deeds import Action
from loomtui.drill.scenarios.words import chosen_nodes
from loomtui.drill.sshd import SshServer
from loomtui.drill.systemd.manager import Manager


class Hands:
    """What they can reach: each node's SSH server, service manager and environment, and the way to S3."""

    def __init__(
        self,
        nodes: Sequence[Machine],
        ssh: Mapping[str, SshServer],
        managers: Mapping[str, Manager],
        environments: Mapping[str, dict[str, str]],
    ) -> None:
        self._machines = {machine.name: machine for machine in nodes}
        self._ssh = ssh
        self._managers = managers
        self._environments = environments
        self._jobs: list[subprocess.Popen[bytes]] = []
        self.s3: S3Proxy | None = None  # only where a scenario has trouble with S3

    def act(self, action: Action) -> None:
        if action.store is not None:
            if self.s3 is not None:
                self.s3.trouble = action.store.trouble
            return
        if action.room is not None:
            for machine in self._those(action.room.nodes):
                leave_room(machine, action.room.free)
            return
        deeds: dict[str, Callable[[Machine], object]] = {
            "stop": lambda machine: self._managers[machine.name].stop("loom"),
            "start": lambda machine: self._managers[machine.name].start("loom"),
            "power_off": self.power_off,
            "power_on": self.power_on,
            "reboot": self.reboot,
            "cut": lambda machine: self._ssh[machine.name].freeze(),
            "mend": lambda machine: self._ssh[machine.name].thaw(),
            "no_s3": lambda machine: self.cut_off_s3(machine, off=True),
            "backup_job": self._start_backup_job,
        }
        for machine in self._those(getattr(action, action.verb).nodes):
            deeds[action.verb](machine)

    def _those(self, words: str) -> list[Machine]:
        return [self._machines[name] for name in chosen_nodes(words, list(self._machines))]

    def reboot(self, machine: Machine) -> None:
        self._ssh[machine.name].drop_connections()
        self._end_all(machine)
        self._managers[machine.name].boot()

    def power_off(self, machine: Machine) -> None:
        """Connections stay open, for nobody is there to close them."""
        self._ssh[machine.name].freeze()
        self._end_all(machine)

    def power_on(self, machine: Machine) -> None:
        self._ssh[machine.name].drop_connections()
        self._ssh[machine.name].thaw()
        self._managers[machine.name].boot()

    def cut_off_s3(self, machine: Machine, *, off: bool) -> None:
        path = machine.root / ".practice/no-s3"
        path.touch() if off else path.unlink(missing_ok=True)
        self.renew_environment(machine)

    def renew_environment(self, machine: Machine) -> None:
        """Each login and each service begins with it."""
        environment = self._environments[machine.name]
        environment.clear()
        environment.update(machines.environment(machine))

    def _end_all(self, machine: Machine) -> None:
        self._ssh[machine.name].kill_processes()
        self._managers[machine.name].power_off()
        machines.end_processes(machine)

    def _start_backup_job(self, machine: Machine) -> None:
        script = machine.root / "usr/local/bin/backup.sh"
        if script.exists():
            environment = self._environments[machine.name]
            job = subprocess.Popen(
                [str(script)],
                env=environment,
                cwd=machine.home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._jobs.append(job)
