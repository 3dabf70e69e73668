"""Where the stand-in looks for its files: by loom.yml's RootDir and by config.toml, as the real program does.

Source: loomchain abci/backend/tendermint.go (parseConfig) and config/config.go (RootPath); tendermint 0.27.3
config/config.go (rootify).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

#: Of loom.yml.
PLACE_KEYS = ("RootDir", "GenesisFile")
_USUAL = {
    "db_dir": "data",
    "node_key_file": "config/node_key.json",
    "priv_validator_file": "config/priv_validator.json",
    "genesis_file": "config/genesis.json",
}


class Places(NamedTuple):
    root: Path  # holds chaindata and the databases of the app
    data: Path  # the databases of Tendermint
    node_key: Path
    validator: Path
    genesis: Path  # Tendermint's
    loom_genesis: Path
    wal: Path  # the folder of the consensus WAL


def places(root: Path, loom: dict[str, Any], toml: dict[str, Any]) -> Places:
    """`root` is the folder of `loom_root`."""
    base = root / "chaindata"
    lower = {name.lower(): value for name, value in toml.items()}

    def place(key: str) -> Path:
        value = lower.get(key)
        if value is not None:  # viper asks the environment only for keys that the file has
            value = os.environ.get(f"TM_{key.upper()}") or value
        return base / str(_USUAL[key] if value is None else value)

    wal = lower.get("consensus", {}).get("wal_file", "data/cs.wal/wal")
    return Places(
        root=root,
        data=place("db_dir"),
        node_key=place("node_key_file"),
        validator=place("priv_validator_file"),
        genesis=place("genesis_file"),
        loom_genesis=root / str(loom.get("GenesisFile", "genesis.json")).lstrip("/"),
        wal=(base / str(wal)).parent,
    )


def loom_root(folder: Path, loom: dict[str, Any]) -> Path:
    """RootDir is joined with itself, an absolute one too."""
    value = str(loom.get("RootDir") or ".")
    return (folder if not value.startswith("/") else Path("/")) / value.lstrip("/") / value.lstrip("/")
