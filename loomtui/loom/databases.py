"""What a node's working directory holds, by name. Source: loomchain 350994c, docs/loom.md 1 and 8."""

from __future__ import annotations

BLOCK_DATA = "chaindata/data"
APP_DB = "app.db"
EVM_DB = "evm.db"
RECEIPTS_DB = "receipts_db"

_APP_DATABASES = (APP_DB, EVM_DB, RECEIPTS_DB, "app_v2.db", "old_app_*.db", "block_index.db", "events.db")

#: Everything that belongs to one state of the chain and must change together. Names are relative to the
#: working directory; `fnmatch` patterns are allowed in the last part only.
STATE_NAMES: tuple[str, ...] = (BLOCK_DATA, *_APP_DATABASES, "mempool.wal")

#: The databases among these, each by itself: what can be deleted of an old state without touching anything
#: else. `chaindata/data` holds the consensus' journal besides, and of later Tendermints a signing state.
OLD_DATABASES: tuple[str, ...] = (f"{BLOCK_DATA}/*.db", *_APP_DATABASES)

#: Those without which no node of any era starts where it was. A wiped node that was started has them anew.
NEEDED_DATABASES: tuple[str, ...] = (
    APP_DB,
    f"{BLOCK_DATA}/blockstore.db",
    f"{BLOCK_DATA}/state.db",
)

CHAIN_CONFIG = "chaindata/config/"
NODE_KEY = "chaindata/config/node_key.json"
VALIDATOR = "chaindata/config/priv_validator.json"
TENDERMINT_GENESIS = "chaindata/config/genesis.json"
TENDERMINT_CONFIG = "chaindata/config/config.toml"
ADDRBOOK = "chaindata/config/addrbook.json"
LOOM_GENESIS = "genesis.json"
LOOM_CONFIG = "loom.yml"
UNIT = "UNIT"  # stands for the unit file, which lies outside the working directory

#: What a config restore puts back, in this order. The unit file comes last: it lets a node start.
CONFIG_TARGETS: tuple[str, ...] = (
    LOOM_GENESIS,
    LOOM_CONFIG,
    NODE_KEY,
    TENDERMINT_GENESIS,
    TENDERMINT_CONFIG,
    VALIDATOR,
    UNIT,
)

SECRET_TARGETS = frozenset({NODE_KEY, VALIDATOR})


def name_of(target: str) -> str:
    """What people call one of `CONFIG_TARGETS`."""
    return "the unit file" if target == UNIT else target
