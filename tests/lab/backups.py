"""The cluster's past, and what backup.sh left in S3 of it: data of every kind and config of each era."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from loomtui.drill import archives
from loomtui.drill.archives import ConfigFiles, Era, Method, Upload
from loomtui.drill.history import History, Keys, now_utc
from loomtui.drill.store import PREFIX
from loomtui.inventory.model import Role
from tests.lab import nodes
from tests.lab.nodes import LabNode

TIP = 120  # the last block before the lab comes up
DATA_HEIGHT = 69  # of the newest data backup
_SPACING = timedelta(minutes=10)
_DATA_BACKUPS = (  # height, items, extension, absolute names
    (DATA_HEIGHT, archives.DATA, "tar.bz2", False),
    (60, archives.DATA, "tar.gz", True),
    (50, archives.DATA, "tar.zst", False),
    (30, archives.OLD_DEFAULT_DATA, "tar.bz2", False),
)
#: Height of each era's config backups. Nodes take turns: one collects with rsync, the next with tar.
CONFIG_HEIGHTS = {Era.FOLDER: 58, Era.CONTENTS: 50, Era.NODE_KEY: 40, Era.UNIT: 30, Era.BARE: 20}
_METHODS = (Method.RSYNC, Method.TAR)
_EXTENSIONS = ("tar.bz2", "tar.gz")


@dataclass(frozen=True)
class Past:
    """Everything that was before the nodes are powered on."""

    nodes: Sequence[LabNode]
    history: History
    snapshots: Mapping[int, Path]

    @classmethod
    def make(cls, nodes: Sequence[LabNode], folder: Path) -> Past:
        validators = [node.keys for node in nodes if node.role is Role.VALIDATOR]
        history = History(validators, TIP, now_utc(), _SPACING, seed=len(nodes))
        heights = {TIP, *(height for height, *_ in _DATA_BACKUPS)}
        return cls(nodes, history, history.snapshots(folder, heights))

    def chain_config(self, node: LabNode, signed: int) -> dict[str, bytes]:
        """chaindata/config when the node had last signed this height."""
        state = self.history.signing_state(node.keys, signed if node.role is Role.VALIDATOR else 0)
        return nodes.chain_config(node, self.history.tendermint_genesis, state)

    def own_files(self) -> dict[str, bytes]:
        """What lies in the working directory besides databases and chaindata."""
        return {"genesis.json": self.history.loom_genesis.encode(), "loom.yml": nodes.loom_yml()}

    def uploads(self) -> list[Upload]:
        data = [self._data_backup(*kind) for kind in _DATA_BACKUPS]
        config = [
            self._config_backup(node, n, era, height)
            for n, node in enumerate(self.nodes)
            for era, height in CONFIG_HEIGHTS.items()
        ]
        return data + config

    def _data_backup(self, height: int, items: tuple[str, ...], extension: str, absolute: bool) -> Upload:
        node = next(node for node in self.nodes if node.role is Role.BACKUP)
        prefix = f"{nodes.HOME.relative_to('/')}/" if absolute else ""
        own = self.chain_config(node, 0)
        entries = archives.data_entries(self.snapshots[height], items, own, prefix)
        return self._upload(node, height, entries, extension, minutes=7)

    def _config_backup(self, node: LabNode, number: int, era: Era, height: int) -> Upload:
        files = ConfigFiles(
            home=nodes.HOME,
            unit=nodes.UNIT,
            unit_text=nodes.unit_text(node, self.nodes).encode(),
            config=self.chain_config(node, height),
            loom_genesis=self.own_files()["genesis.json"],
            loom_yml=self.own_files()["loom.yml"],
        )
        entries = archives.config_entries(files, era, _METHODS[number % 2])
        return self._upload(node, height, entries, _EXTENSIONS[number % 2], minutes=number)

    def _upload(
        self, node: LabNode, height: int, entries: Mapping[str, Path | bytes], extension: str, minutes: int
    ) -> Upload:
        taken = self.history.time_of(height) + timedelta(minutes=minutes)
        key = archives.object_key(PREFIX, taken, node.name, extension)
        return Upload(key, archives.pack(entries, extension, taken), taken)


def new_keys() -> Keys:
    return Keys.new(random.SystemRandom())
