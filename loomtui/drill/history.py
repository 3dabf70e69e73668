"""A chain's past without waiting for it: databases at any height, made at once."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loomtui.drill.node.blocks import Block, Genesis, Validator, timestamp
from loomtui.drill.node.documents import loom_genesis, tendermint_genesis
from loomtui.drill.node.journals import Database
from loomtui.drill.node.keys import identity, new_private_key
from loomtui.drill.node.priv_validator import PrivValidator
from loomtui.drill.node.standin_chain import Chain

POWER = 10
ELECTION = 3  # the block with the end of the election, where there was one
_CLONE_EVERY = 50
_FILLER = {
    "app.db/000005.ldb": 700_000,
    "app.db/000007.ldb": 500_000,
    "evm.db/000005.ldb": 300_000,
    "receipts_db/000005.ldb": 100_000,
    "chaindata/data/blockstore.db/000005.ldb": 900_000,
    "chaindata/data/tx_index.db/000005.ldb": 200_000,
}


@dataclass(frozen=True)
class Keys:
    """The private keys of one node."""

    node: bytes
    validator: bytes

    @classmethod
    def new(cls, source: random.Random) -> Keys:
        return cls(new_private_key(source.randbytes(32)), new_private_key(source.randbytes(32)))

    @property
    def node_id(self) -> str:
        return identity(self.node[32:])

    def as_validator(self, power: int) -> Validator:
        own = PrivValidator(Path(), self.validator)
        return Validator(own.address, own.public_key["value"], power)


class History:
    """What the cluster did: genesis, blocks up to `tip`, and its databases at the heights wanted."""

    def __init__(
        self,
        keys: Sequence[Keys],
        tip: int,
        ended: datetime,
        spacing: timedelta,
        seed: int,
        *,
        founders: Sequence[Keys] = (),
        stakes: Sequence[int] = (),
    ) -> None:
        """`keys`: who decides now. `founders`: who is in the genesis, where these are others.

        `stakes`: the powers of `keys` at the election, where they differ; otherwise all have the same.
        """
        self.tip = tip
        self._ended = ended
        self._spacing = spacing
        self._seed = seed
        began = founders or keys
        validators = [entry.as_validator(POWER) for entry in began]
        elected = [
            entry.as_validator(power)
            for entry, power in zip(keys, stakes or [POWER] * len(keys), strict=True)
        ]
        self._elected = tuple(elected) if founders or stakes else ()
        self.tendermint_genesis = tendermint_genesis(validators, timestamp(self.time_of(0)))
        self.loom_genesis = loom_genesis(validators)
        self.genesis = Genesis.read(self.tendermint_genesis, self.loom_genesis)
        self._blocks: list[Block] = []

    def time_of(self, height: int) -> datetime:
        return self._ended - (self.tip - height) * self._spacing

    def snapshots(self, folder: Path, heights: Iterable[int]) -> Mapping[int, Path]:
        """Databases at these heights, each below a folder of its own: `app.db`, `chaindata/data` …"""
        wanted = sorted(set(heights))
        work = folder / "work"
        chain = Chain(work, self.genesis)
        chain.handshake(lambda _: None)
        folders = {}
        for height in range(1, self.tip + 1):
            block = self._block(chain, height)
            chain.append(block)
            self._blocks.append(block)
            if height in wanted:
                folders[height] = self._copy(work, folder / str(height), height)
        chain.close()
        shutil.rmtree(work)
        return folders

    def _block(self, chain: Chain, height: int) -> Block:
        signers = tuple(entry.address for entry in chain.validators)
        return Block(
            height,
            timestamp(self.time_of(height)),
            signers[height % len(signers)],
            chain.last_hash,
            chain.app_hash,
            signers,
            self._elected if height == ELECTION else (),
        )

    def _copy(self, work: Path, target: Path, height: int) -> Path:
        shutil.copytree(work, target, ignore=shutil.ignore_patterns("LOCK"))
        wal = target / "chaindata/data/cs.wal"
        wal.mkdir(parents=True)
        (wal / "wal").write_text("".join(f"#ENDHEIGHT: {passed}\n" for passed in range(height + 1)))
        self._write_clone(target / "app_v2.db", height // _CLONE_EVERY * _CLONE_EVERY)
        source = random.Random(self._seed)  # noqa: S311 - filler, the same at each height
        for name, size in _FILLER.items():
            path = target / name
            path.write_bytes(b"".join(source.randbytes(1024) + bytes(3072) for _ in range(size // 4096)))
        return target

    def _write_clone(self, folder: Path, height: int) -> None:
        if height:
            database = Database.open(folder)
            last = self._blocks[height - 1]
            root = last.executed(last.app_hash)
            database.put((b"r" + height.to_bytes(8, "big"), root.encode()))
            database.close()
            (folder / "LOCK").unlink()

    def signing_state(self, keys: Keys, height: int) -> str:
        """priv_validator.json as it was when this height had just been committed; 0: never signed."""
        validator = PrivValidator(Path(), keys.validator)
        if height:
            validator.height, validator.round, validator.step = height, 0, 3
            content = f"vote/{height}/0/3/{self._blocks[height - 1].hash}".encode()
            validator.sign_bytes = content.hex().upper()
            validator.signature = "AAAA" * 21 + "AA=="
        return validator.text()


def now_utc() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
