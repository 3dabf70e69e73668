"""A cluster of LocalNodes with its backups, a chain that moves when its nodes run, and runs on it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from loomtui.backups.model import Backup, Compression
from loomtui.errors import LoomtuiError
from loomtui.inventory.model import Inventory, LoomSettings, Node, Role, S3Settings
from loomtui.loom.nodekey import read_node_key
from loomtui.restore.choices import Choices
from loomtui.restore.plan import Plan
from loomtui.restore.planning.planner import make_plan
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.running.operator import (
    Operator,
    Unattended,
)
from loomtui.restore.running.runner import Runner
from tests.backups.making import pack
from tests.restore.fake_catalogue import FakeCatalogue
from tests.restore.interrupting import age
from tests.restore.local import LocalNode, Tree, tree
from tests.restore.local_fleet import LocalFleet
from tests.restore.material import (
    CHAIN_ID,
    CONFIG_TOML,
    LOOM_GENESIS,
    LOOM_YML,
    Key,
    node_key_of,
    state_journal,
    tar_of,
    tar_of_folder,
    tendermint_genesis,
    unit_text,
    validator_key_of,
    write_node,
    write_state,
)
from tests.restore.serving import Store

BACKUP_TIME = datetime(2026, 1, 1, tzinfo=UTC)
RESTORED_HEIGHT, LIVE_HEIGHT = 100, 130
_NO_FILES: Mapping[str, str | None] = {}

#: What a restored node writes as soon as it runs; a rollback must take all of it away again. The node that
#: was there before writes nothing, so that it can be told byte for byte whether it is back.
_ON_START = """
cd "$1" && grep -q restored app.db/LOG || exit 0
echo block >>app.db/000001.log
mkdir -p mempool.wal && echo x >mempool.wal/wal
[ -f chaindata/config/addrbook.json ] || echo '{"key":"00","addrs":[]}' >chaindata/config/addrbook.json
sed 's/"last_height": *"0"/"last_height":"101"/' chaindata/config/priv_validator.json >signed
chmod 600 signed # a rename, as Tendermint does it: whoever looks meanwhile sees a whole file
mv signed "$(readlink -f chaindata/config/priv_validator.json)"
"""


@dataclass
class Chain:
    """What the RPC of every node tells: one block more at each question, while the chain moves."""

    machines: Mapping[str, LocalNode]
    height: int = RESTORED_HEIGHT
    moves: bool = True
    began: datetime = BACKUP_TIME  # the time of block 0; a block a second
    asked: dict[str, int] = field(default_factory=dict)

    def live_at(self, height: int) -> None:
        """It has just made the block of this height."""
        self.height, self.began = height, datetime.now(UTC) - timedelta(seconds=height)

    def ask(self, name: str, path: str) -> bytes:
        running = [other for other, machine in self.machines.items() if machine.active == "active"]
        if path == "/net_info":
            ids = [{"node_info": {"id": self._id(other)}} for other in running if other != name]
            return _reply({"n_peers": str(len(ids)), "peers": ids})
        self.asked[name] = self.asked.get(name, 0) + (1 if self.moves else 0)
        height = self.height + self.asked[name]
        number = int(name.removeprefix("n"))
        return _reply(
            {
                "node_info": {
                    "id": self._id(name),
                    "network": CHAIN_ID,
                    "version": "0.27.3",
                    "moniker": name,
                },
                "sync_info": {
                    "latest_block_height": str(height),
                    "latest_app_hash": f"{height:08X}",
                    "latest_block_time": (self.began + timedelta(seconds=height)).isoformat(),
                    "catching_up": False,
                },
                "validator_info": {"address": validator_key_of(number).address, "voting_power": "10"},
            }
        )

    def _id(self, name: str) -> str:
        return read_node_key((self.machines[name].config / "node_key.json").read_text()).node_id or ""


def _reply(result: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": "", "result": result}).encode()


class LocalCluster:
    """Validators n1, n2, … at LIVE_HEIGHT; one data backup of RESTORED_HEIGHT, and a config of each node."""

    def __init__(
        self, root: Path, count: int = 1, *, tools: Sequence[str] = (), backup_node: bool = False
    ) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.numbers = range(1, count + 1)
        self.validators = tuple(validator_key_of(number) for number in self.numbers)
        self.machines = {
            f"n{number}": LocalNode(root / f"n{number}", f"n{number}", tools=tuple(tools))
            for number in range(1, count + 1 + backup_node)
        }
        self.inventory = Inventory(
            cluster="lab",
            production=False,
            s3=S3Settings(bucket="backups"),
            nodes=tuple(
                Node(
                    name=name,
                    role=Role.VALIDATOR if number <= count else Role.BACKUP,
                    host=f"10.0.0.{number}",
                    loom=LoomSettings(
                        working_directory=str(machine.workdir),
                        unit_path=str(machine.unit),
                        binary=str(machine.bin / "loom"),
                    ),
                )
                for number, (name, machine) in enumerate(self.machines.items(), 1)
            ),
        )
        self.chain = Chain(self.machines)
        self.catalogue = FakeCatalogue()
        self.store = RunStore(root / "runs")
        self.inventory_path = root / "inventory.yml"
        self.inventory_path.write_text("cluster: lab\n")
        for number, machine in enumerate(self.machines.values(), 1):
            self._write(number, machine)
            self.add_config_backup(number)
        self.add_data_backup()

    def peers(self, number: int, keys: Callable[[int], Key] = node_key_of) -> str:
        others = (other for other in self.numbers if other != number)
        return ",".join(f"tcp://{keys(other).node_id}@10.0.0.{other}:46656" for other in others)

    def _write(self, number: int, machine: LocalNode) -> None:
        machine.pass_over_processes()
        write_node(machine, number, height=LIVE_HEIGHT, peers=self.peers(number), validators=self.validators)
        (machine.state / "on-start").write_text(_ON_START)
        machine.set_active("active")
        age(machine.workdir)
        age(machine.unit_folder)

    # ── backups ─────────────────────────────────────────────────────────────────────────────────────────

    def add_data_backup(
        self,
        height: int = RESTORED_HEIGHT,
        at: datetime = BACKUP_TIME,
        *extra: str,
        key: str = "",
        state: bytes | None = None,
        files: Mapping[str, bytes] = MappingProxyType({}),
    ) -> Backup:
        """As backup.sh makes it of the last node: with that node's own config in it.

        `state`: the journal of its state.db, by `state_journal`; None: of the cluster's validators, 10 each.
        `files`: what is otherwise in it, by path.
        """
        folder = self.root / "packed"
        known = state_journal(height, dict.fromkeys(self.validators, 10), at) if state is None else state
        write_state(folder, height, f"restored {height}", *extra, state=known)
        (folder / "chaindata/config").mkdir()
        (folder / "chaindata/config/node_key.json").write_text(Key(99).node_key_json)
        (folder / "chaindata/config/priv_validator.json").write_text(Key(98).validator_json(height))
        for path, data in files.items():
            (folder / path).write_bytes(data)
        body = pack(tar_of_folder(folder, "app.db", "chaindata", *extra), Compression.GZIP)
        shutil.rmtree(folder)
        name = list(self.machines)[-1]
        return self.catalogue.add(key or f"{at:%Y-%m-%d--%H%M%S}-data-{name}.tar.gz", body, name, at)

    def add_config_backup(
        self, number: int, at: datetime = BACKUP_TIME, files: Mapping[str, str | None] = _NO_FILES
    ) -> Backup:
        """The layout of backup.sh since 2018-09; a file that is None is left out."""
        machine = self.machines[f"n{number}"]
        made: dict[str, str | None] = {
            "config/node_key.json": node_key_of(number).node_key_json,
            "config/priv_validator.json": validator_key_of(number).validator_json(RESTORED_HEIGHT),
            "config/genesis.json": tendermint_genesis(*self.validators),
            "config/config.toml": CONFIG_TOML + "# from the backup\n",
            "genesis.json": LOOM_GENESIS,
            "loom.yml": LOOM_YML + "# from the backup\n",
            "loom.service": unit_text(machine, self.peers(number)),
            **files,
        }
        body = tar_of(*((name, text) for name, text in made.items() if text is not None))
        key = f"{at:%Y-%m-%d--%H%M%S}-n{number}.tar.gz"
        return self.catalogue.add(key, pack(body, Compression.GZIP), machine.name, at)

    def spoil_unit(self, number: int) -> None:
        """The unit on the node is wrong as well, so that the backup's takes its place."""
        machine = self.machines[f"n{number}"]
        machine.write_unit(unit_text(machine, self.peers(number, lambda other: Key(77 + other))))
        age(machine.unit_folder)

    def chain_by_curl(self, store: Store) -> None:
        """The nodes ask their RPC with curl: a server answers for all of them, as if on each."""
        store.answers = self.chain.ask
        for name, machine in self.machines.items():
            curl = 'case "$*" in *"http://127.0.0.1:46657/"*) path=${*##*46657/};'
            here = f"http://127.0.0.1:{store.port}/rpc/{name}"
            curl += f' exec "{machine.bin}/real-curl" -sS "{here}/$path" ;; esac'
            (machine.bin / "curl").rename(machine.bin / "real-curl")
            machine.write_tool("curl", f'{curl}\nexec "{machine.bin}/real-curl" "$@"')

    # ── plans and runs ──────────────────────────────────────────────────────────────────────────────────

    def fleet(self, *, quick: bool = True) -> LocalFleet:
        return LocalFleet(self.inventory, self.machines, self.chain.ask, quick=quick)

    async def plan(self, fleet: LocalFleet | None = None, **choices: Any) -> Plan:
        wanted = Choices(**({"reset_signing": True} | choices))
        return await make_plan(self.inventory, fleet or self.fleet(), self.catalogue, wanted)

    async def run(self, fleet: LocalFleet | None = None, **choices: Any) -> Run:
        return self.store.create(await self.plan(fleet, **choices), self.inventory_path)

    def runner(
        self,
        run: Run,
        fleet: LocalFleet | None = None,
        operator: Operator | None = None,
        *,
        break_glass: bool = False,
    ) -> Runner:
        return Runner(
            run,
            self.inventory,
            fleet or self.fleet(),
            self.catalogue,
            operator or Unattended("test"),
            break_glass=break_glass,
        )

    # ── what is on the nodes ────────────────────────────────────────────────────────────────────────────

    def live(self) -> Tree:
        """All that the services and systemd see, with times; nothing of the runs' own."""
        found: Tree = {}
        for machine in self.machines.values():
            own = machine.workdir / ".loomtui"
            found |= tree(machine.workdir, machine.unit_folder, without=[own])
            found[f"{machine.name} active"] = (machine.active,)
            found[f"{machine.name} loaded"] = ((machine.state / "loaded").read_text(),)
        return found

    def end_state(self) -> Tree:
        """The same without times: of two runs with the same end."""
        return {path: what[:4] for path, what in self.live().items()}

    def end_jobs(self) -> None:
        for machine in self.machines.values():
            machine.end_jobs()


async def stopped_at(
    cluster: LocalCluster, run: Run, fleet: LocalFleet | None = None, operator: Operator | None = None
) -> LoomtuiError:
    with pytest.raises(LoomtuiError) as caught:
        await cluster.runner(run, fleet, operator).restore()
    return caught.value
