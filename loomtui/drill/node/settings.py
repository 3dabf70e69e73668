"""loom.yml and config.toml, as far as the stand-in obeys them, and what the practice machine tells it."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from loomtui.drill.node.places import PLACE_KEYS, Places, loom_root, places

_EXTENSIONS = ("json", "toml", "yaml", "yml")
_FOLDERS = (".", "config", "../../..")


class Settings(NamedTuple):
    rpc_listen: str
    api_listen: str
    app_store_version: int
    log_level: str
    log_destination: str
    p2p_listen: str
    external_address: str
    moniker: str
    strict_addrbook: bool
    db_backend: str


class Machine(NamedTuple):
    """Stands for the node's own network: its address is where 0.0.0.0 listens."""

    address: str
    block_seconds: float

    @classmethod
    def read(cls) -> Machine:
        path = os.environ.get("LOOM_PRACTICE_MACHINE")
        settings = json.loads(Path(path).read_text()) if path else {}
        return cls(settings.get("address", "127.0.0.1"), float(settings.get("block_seconds", 1.0)))


def read_root(folder: Path) -> Path:
    """Where a node in this working directory has chaindata."""
    return loom_root(folder, _loom_config(folder, PLACE_KEYS))


def read_places(folder: Path) -> Places:
    """Of a node in this working directory."""
    loom = _loom_config(folder, PLACE_KEYS)
    root = loom_root(folder, loom)
    return places(root, loom, _tendermint_config(root))


def read_settings(folder: Path) -> Settings:
    loom = _loom_config(folder)
    store = loom.get("AppStore")
    toml = _tendermint_config(loom_root(folder, loom))
    p2p = toml.get("p2p", {})
    return Settings(
        rpc_listen=str(loom.get("RPCListenAddress", "tcp://127.0.0.1:46657")),
        api_listen=str(loom.get("RPCBindAddress", "tcp://0.0.0.0:46658")),
        app_store_version=int(store.get("Version", 3)) if isinstance(store, dict) else 3,
        log_level=str(loom.get("BlockchainLogLevel", "error")),
        log_destination=str(loom.get("LogDestination") or ""),
        p2p_listen=str(p2p.get("laddr", "tcp://0.0.0.0:26656")),
        external_address=str(p2p.get("external_address", "")),
        moniker=str(toml.get("moniker", os.uname().nodename)),
        strict_addrbook=bool(p2p.get("addr_book_strict", True)),
        db_backend=str(toml.get("db_backend", "leveldb")),
    )


def _loom_config(root: Path, keys: tuple[str, ...] = ()) -> dict[str, Any]:
    """viper's search; a file that cannot be read or parsed is ignored silently.

    With `keys`, a file that names none of them is not parsed: that takes longer than all else of `nodekey`.
    """
    for folder in _FOLDERS:
        for extension in _EXTENSIONS:
            path = root / folder / f"loom.{extension}"
            if path.is_file():
                return _parse(path, extension, keys)
    return {}


def _parse(path: Path, extension: str, keys: tuple[str, ...]) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        return {}
    # An escape in YAML or JSON may stand for any letter.
    if keys and "\\" not in text and not any(key in text for key in keys):
        return {}
    import yaml  # JSON is YAML

    try:
        document = tomllib.loads(text) if extension == "toml" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        return {}
    return document if isinstance(document, dict) else {}


def _tendermint_config(root: Path) -> dict[str, Any]:
    path = root / "chaindata/config/config.toml"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(config_toml(os.uname().nodename, 26656))
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except ValueError:  # viper's error is ignored, and the defaults count
        return {}


def split_listen(value: str) -> tuple[str, int]:
    """`tcp://host:port`. Raises ValueError."""
    host, _, port = value.rpartition("://")[2].rpartition(":")
    return host, int(port)


def config_toml(
    moniker: str,
    port: int,
    *,
    external_address: str = "",
    strict: bool = True,
    listen: str = "0.0.0.0",  # noqa: S104 - as Tendermint writes it
    pex: bool = True,
) -> str:
    return f"""# This is a TOML config file.
# For more information, see https://github.com/toml-lang/toml

##### main base config options #####
proxy_app = "tcp://127.0.0.1:46658"
moniker = "{moniker}"
fast_sync = true
db_backend = "goleveldb"
db_dir = "data"
log_level = "main:info,state:info,*:error"
genesis_file = "config/genesis.json"
priv_validator_file = "config/priv_validator.json"
node_key_file = "config/node_key.json"
abci = "socket"
prof_laddr = ""
filter_peers = false

##### rpc server configuration options #####
[rpc]
laddr = "tcp://0.0.0.0:26657"

##### peer to peer configuration options #####
[p2p]
laddr = "tcp://{listen}:{port}"
external_address = "{external_address}"
seeds = ""
persistent_peers = ""
upnp = false
addr_book_file = "config/addrbook.json"
addr_book_strict = {"true" if strict else "false"}
pex = {"true" if pex else "false"}
seed_mode = false
private_peer_ids = ""
allow_duplicate_ip = true
handshake_timeout = "20s"
dial_timeout = "3s"

##### mempool configuration options #####
[mempool]
recheck = true
broadcast = true
wal_dir = ""

##### consensus configuration options #####
[consensus]
wal_file = "data/cs.wal/wal"
create_empty_blocks = true

##### transactions indexer configuration options #####
[tx_index]
indexer = "kv"

##### instrumentation configuration options #####
[instrumentation]
prometheus = false
"""
