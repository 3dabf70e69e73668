"""A node's databases and what a start makes of their heights.

Sources: tendermint 0.27.3 consensus/replay.go (handshake), loomchain 350994c store/iavlstore.go (app_v2.db).
The messages are those that a real node was seen to print.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable
from pathlib import Path

from loomtui.drill.node.blocks import Block, Genesis, Validator
from loomtui.drill.node.journals import Database, DatabaseError
from loomtui.drill.node.states import GENESIS_DOC, STATE, VALIDATORS, State, read_validators

_BLOCK_STORE = b"blockStore"
_EVM_ROOT = b"vmvmroot"


class FatalError(Exception):
    """The node exits with status 1."""


class PanicError(Exception):
    """The node exits with status 2."""


def _version_key(prefix: bytes, height: int) -> bytes:
    return prefix + struct.pack(">Q", height)


def _versions(database: Database, prefix: bytes) -> dict[int, str]:
    return {
        struct.unpack(">Q", key[len(prefix) :])[0]: value.decode()
        for key, value in database.values.items()
        if key.startswith(prefix) and len(key) == len(prefix) + 8
    }


class Chain:
    """All databases of one node, open. `handshake` first, then `append`."""

    def __init__(
        self, root: Path, genesis: Genesis, *, data: Path | None = None, evm_root: bool = True
    ) -> None:
        """Raises FatalError when a database cannot be opened. `evm_root`: AppStore.Version is 3.

        `data` has the databases of Tendermint; usually chaindata/data has them.

        `genesis`: from the files. Tendermint's counts only where state.db holds none yet (node/node.go).
        """
        self._evm_root = evm_root
        self._root = root
        _take_newer_clone(root)
        try:
            self._app = Database.open(root / "app.db")
            self._evm = Database.open(root / "evm.db")
            data = data or root / "chaindata/data"
            self._blocks = Database.open(data / "blockstore.db")
            self._state = Database.open(data / "state.db")
            others = (root / "receipts_db", root / "app_v2.db", data / "tx_index.db", data / "evidence.db")
            self._others = [Database.open(folder) for folder in others]
        except DatabaseError as error:
            raise FatalError(str(error)) from None
        self.genesis, self.state = self._known(genesis)
        versions = _versions(self._app, b"r")
        self.app_height = max(versions, default=0)
        self.app_hash = versions.get(self.app_height, genesis.app_hash)
        stored = json.loads(self._blocks.values.get(_BLOCK_STORE, b'{"height":"0"}'))
        self.store_height = int(stored["height"])

    def _known(self, genesis: Genesis) -> tuple[Genesis, State]:
        """What state.db holds; where it holds none, what the genesis says, and so it is written."""
        document, stored = self._state.values.get(GENESIS_DOC), self._state.values.get(STATE)
        try:
            if document is None:
                compact = json.dumps(json.loads(genesis.text), separators=(",", ":"))
                self._state.put((GENESIS_DOC, compact.encode()))
            else:
                genesis = genesis.with_document(document.decode())
            if stored is not None:
                return genesis, State.decode(stored)
        except (LookupError, TypeError, ValueError) as error:
            raise FatalError(f"Data has been corrupted or its spec has changed: {error}") from None
        state = State.of_genesis(genesis)
        self._put_state(state)
        return genesis, state

    def _put_state(self, state: State) -> None:
        """One write a key, as Tendermint does it."""
        for item in state.stored():
            self._state.put(item)

    @property
    def height(self) -> int:
        return self.state.height

    @property
    def chain_id(self) -> str:
        return self.state.chain_id

    @property
    def validators(self) -> tuple[Validator, ...]:
        """Who decides on the next block."""
        return self.state.validators

    def validators_at(self, height: int) -> tuple[Validator, ...]:
        """Who decides on the block of this height; none where that is not known."""
        stored = self._state.values.get(b"%s:%d" % (VALIDATORS, height))
        known = read_validators(stored) if stored else ()
        return known or (self.validators_at(1) if height == 2 else ())

    def block(self, height: int) -> Block | None:
        stored = self._blocks.values.get(b"H:%d" % height)
        return None if stored is None else Block.from_json(json.loads(stored))

    @property
    def last_block(self) -> Block | None:
        return self.block(self.height)

    @property
    def last_hash(self) -> str:
        last = self.last_block
        return self.genesis.hash if last is None else last.hash

    def handshake(self, log: Callable[[str], None]) -> None:
        """Bring application, state and store to one height. Raises FatalError, PanicError."""
        if self._evm_root and self.app_height:
            roots = _versions(self._evm, _EVM_ROOT)
            if min(roots, default=self.app_height + 1) > self.app_height:
                raise FatalError(f"failed to load EVM root for version {self.app_height}")
        app, state, store = self.app_height, self.height, self.store_height
        if store and store < app:
            why = f"App block height ({app}) is higher than core ({store})"
            raise FatalError(f"Error during handshake: Error on replay: {why}")
        if store and store < state:
            raise PanicError(
                f"Panicked on a Sanity Check: StateBlockHeight ({state}) > StoreBlockHeight ({store})"
            )
        if store > state + 1:
            raise PanicError(
                f"Panicked on a Sanity Check: StoreBlockHeight ({store}) > StateBlockHeight + 1 ({state + 1})"
            )
        if app < store:
            log(
                f"ABCI Replay Blocks module=consensus appHeight={app} storeHeight={store} stateHeight={state}"
            )
        self._replay(app, store)
        if store == state + 1:
            self._save_state(self._stored(store))
        if self.height != self.store_height or self._mismatch():
            raise self._mismatch() or PanicError(f"state ({state}) and store ({store}) height mismatch")

    def _mismatch(self) -> PanicError | None:
        if self.app_height and self.app_hash != self.state.app_hash:
            return PanicError(
                "Tendermint state.AppHash does not match AppHash after replay. "
                f"Got {self.app_hash}, expected {self.state.app_hash}"
            )
        return None

    def _replay(self, app: int, store: int) -> None:
        for height in range(app + 1, store + 1):
            self._execute(self._stored(height))

    def _stored(self, height: int) -> Block:
        block = self.block(height)
        if block is None:
            raise FatalError(f"Error during handshake: Error on replay: block {height} not found")
        return block

    def problem(self, block: Block) -> str | None:
        """Why this cannot be the next block."""
        if block.app_hash != self.app_hash:
            return f"Wrong Block.Header.AppHash.  Expected {self.app_hash}, got {block.app_hash}"
        if block.previous != self.last_hash:
            return f"Wrong Block.Header.LastBlockID.  Expected {self.last_hash}, got {block.previous}"
        if block.height != self.height + 1:
            return f"Wrong Block.Header.Height. Expected {self.height + 1}, got {block.height}"
        return None

    def append(self, block: Block) -> None:
        """In the order in which Tendermint commits, so that a kill between two writes is a replay."""
        height = json.dumps({"height": str(block.height)}, separators=(",", ":")).encode()
        stored = json.dumps(block.to_json(), separators=(",", ":")).encode()
        self._blocks.put((b"H:%d" % block.height, stored), (_BLOCK_STORE, height))
        self.store_height = block.height
        self._execute(block)
        self._save_state(block)

    def _execute(self, block: Block) -> None:
        root = block.executed(self.app_hash)
        self._evm.put((_version_key(_EVM_ROOT, block.height), root.encode()))
        self._app.put((_version_key(b"r", block.height), root.encode()))
        self.app_height, self.app_hash = block.height, root

    def _save_state(self, block: Block) -> None:
        self.state = self.state.after(block, self.app_hash)
        self._put_state(self.state)

    def close(self) -> None:
        for database in (self._app, self._evm, self._blocks, self._state, *self._others):
            database.close()


def _take_newer_clone(root: Path) -> None:
    """A clone of app.db that is at least as new takes its place: how a node finishes its own migration."""
    app, clone = root / "app.db", root / "app_v2.db"
    if not (app / "CURRENT").exists() or not (clone / "CURRENT").exists():
        return
    try:
        heights = []
        for folder in (app, clone):
            database = Database.open(folder)
            heights.append(max(_versions(database, b"r"), default=0))
            database.close()
    except DatabaseError:
        return
    if heights[1] and heights[1] >= heights[0]:
        app.rename(root / f"old_app_{int(time.time())}.db")
        clone.rename(app)
