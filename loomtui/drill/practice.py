"""A practice cluster, as the rest of the program and the tests see it: started, asked, gone.

The cluster lives in a process of its own (`loomtui.drill.serve`), which ends and removes everything as soon
as its standard input closes: at the end of the `with` block, and as well when this process is killed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from loomtui.drill.guarded import Control, guarded
from loomtui.drill.guarded import PracticeError as PracticeError
from loomtui.drill.scenarios import Past, Scenario, scenario_named
from loomtui.drill.scenarios.deeds import Action
from loomtui.restore.choices import Objectives

START_SECONDS = 90.0
_PLAIN = Past()


@dataclass(frozen=True)
class Identity:
    node_id: str
    address: str  # of its validator key, upper-case hex


@dataclass(frozen=True)
class Practice:
    """A running practice cluster of `val-1` … `val-N` and `backup-1`."""

    scenario: Scenario
    root: Path
    inventory_path: Path
    environment: Mapping[str, str]  # for boto3: dummy credentials
    names: tuple[str, ...]
    redis: str  # HOST:PORT of the one that there is today, in scenarios that have one
    identities: Mapping[str, Identity]  # of each node, as the chain knows it
    _control: Control = field(repr=False, compare=False)

    def node_root(self, name: str) -> Path:
        """What is `/` on a real node."""
        return self.root / name

    def working_directory(self, name: str) -> Path:
        return self.node_root(name) / "home/ubuntu"

    def unit_path(self, name: str) -> Path:
        return self.node_root(name) / "etc/systemd/system/loom.service"

    def act(self, action: Action) -> None:
        """Has happen what a scenario says, from outside."""
        self._control.call("act", action=action.model_dump(mode="json", exclude_none=True))

    def shell(self, name: str, command: str, *, timeout: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a shell command as it would run over SSH on that node, without SSH."""
        reply = self._control.call("run", node=name, shell=command, timeout=timeout)
        return subprocess.CompletedProcess(command, reply["status"], reply["out"], reply["err"])

    def hide(self, name: str, *tools: str) -> None:
        """From now on the node has no such programs (`curl`, `wget`, `bzip2` …); no tools: all are back."""
        self._control.call("hide", node=name, tools=list(tools))

    def stop_ssh(self, name: str) -> None:
        """Nothing listens on the node's SSH port any more; open connections are cut."""
        self._control.call("stop_ssh", node=name)

    def start_ssh(self, name: str) -> None:
        self._control.call("start_ssh", node=name)

    def drop_connections(self, name: str) -> None:
        """Cut every open SSH connection; new ones are accepted."""
        self._control.call("drop_connections", node=name)

    def freeze(self, name: str) -> None:
        """The node's SSH server accepts connections and then says nothing, also on those that are open."""
        self._control.call("freeze", node=name)

    def thaw(self, name: str) -> None:
        self._control.call("thaw", node=name)

    def change_host_key(self, name: str) -> None:
        """The node shows another host key to new connections than the one in known_hosts."""
        self._control.call("change_host_key", node=name)

    def want_sudo_password(self, name: str, password: str | None) -> None:
        """sudo on the node asks for this password; None: it asks for none."""
        self._control.call("sudo_password", node=name, password=password)

    def cut_off_s3(self, name: str, *, off: bool = True) -> None:
        """Programs on the node cannot reach the S3 endpoint; `off=False`: they can again."""
        self._control.call("cut_off_s3", node=name, off=off)

    def reboot(self, name: str) -> None:
        """All processes of the node end at once, /run is emptied, enabled services start again."""
        self._control.call("reboot", node=name)

    def power_off(self, name: str) -> None:
        """The plug is pulled: all processes end at once, nobody is told, and nothing answers any more."""
        self._control.call("power_off", node=name)

    def power_on(self, name: str) -> None:
        """The node boots: sshd is back, enabled services start."""
        self._control.call("power_on", node=name)


@contextmanager
def practice(
    scenario: str,
    nodes: int = 4,
    folder: Path | None = None,
    *,
    block_seconds: float = 1.0,
    sudo_password: str | None = None,
    past: Past = _PLAIN,
    objectives: Objectives | None = None,
) -> Iterator[Practice]:
    """A practice cluster of `nodes` validators and one backup node, in a new folder inside `folder`.

    `scenario`: the name of one, or its file. `past`: what happened before, apart from the scenario.
    `block_seconds`: how long a block takes while the chain moves. `objectives`: what an incident may cost, as
    the inventory is to say; None: it does not say.

    Raises CallError for an unknown scenario or number of nodes, ScenarioError for a file that is wrong, and
    PracticeError when the cluster does not come up.
    """
    chosen = scenario_named(scenario, nodes)
    arguments = ["--scenario", str(chosen.path), "--nodes", str(nodes), "--block-seconds", str(block_seconds)]
    if past != _PLAIN:
        arguments += ["--past", json.dumps(asdict(past))]
    if objectives is not None:
        arguments += ["--objectives", json.dumps(asdict(objectives))]
    with guarded("loomtui.drill.cluster", arguments, folder, start_seconds=START_SECONDS) as (control, ready):
        cluster = Practice(
            scenario=chosen,
            root=Path(ready["root"]),
            inventory_path=Path(ready["inventory"]),
            environment=ready["environment"],
            names=tuple(ready["names"]),
            redis=ready["redis"],
            identities={name: Identity(**told) for name, told in ready["identities"].items()},
            _control=control,
        )
        if sudo_password is not None:
            for name in cluster.names:
                cluster.want_sudo_password(name, sudo_password)
        yield cluster
