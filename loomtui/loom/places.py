"""Where Loom looks for its files, as far as its own configuration moves them.

- config.toml is read with viper's defaults, so names count in upper or lower case, and a file that is no TOML
  counts as empty. `home` in it never counts, because loomchain sets the root to CWD/chaindata after it was
  read, and `priv_validator_key_file` is of a later Tendermint than any that Loom was built with. A relative
  path is below chaindata; an absolute one is taken as it is.
- chaindata/config/config.json wins over config.toml.
- A variable TM_KEY, or LOOM_KEY for loom.yml, wins over a key that the file has.
- loom.yml's RootDir is joined with itself, and GenesisFile is always below it. A database is NAME.db there.

Sources: loomchain abci/backend/tendermint.go (parseConfig), cmd/loom/loom.go (initBackend, loadAppStore),
cmd/loom/common/config.go, config/config.go (RootPath, fullPath), db/loader.go; tendermint 0.27.3
config/config.go (rootify), libs/db/db.go; viper 1.0.3 (AutomaticEnv, SupportedExts).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from loomtui.loom.config import load_toml, loom_yml_fields
from loomtui.loom.databases import (
    ADDRBOOK,
    APP_DB,
    BLOCK_DATA,
    EVM_DB,
    LOOM_CONFIG,
    LOOM_GENESIS,
    NODE_KEY,
    TENDERMINT_CONFIG,
    TENDERMINT_GENESIS,
    VALIDATOR,
)
from loomtui.text import clean_line

WAL = f"{BLOCK_DATA}/cs.wal/wal"
#: The key in config.toml of each file or folder that a restore puts in place, and where it usually is.
_TENDERMINT_FILES: Mapping[tuple[str, ...], str] = {
    ("db_dir",): BLOCK_DATA,
    ("node_key_file",): NODE_KEY,
    ("priv_validator_file",): VALIDATOR,
    ("genesis_file",): TENDERMINT_GENESIS,
    ("p2p", "addr_book_file"): ADDRBOOK,
    ("consensus", "wal_file"): WAL,
}
_LOOM_DATABASES = {
    "dbname": ("DBName", APP_DB),
    "evmstore.dbname": ("EvmStore.DBName", EVM_DB),
    "blockindexstore.dbname": ("BlockIndexStore.DBName", "block_index.db"),
    "eventstore.dbname": ("EventStore.DBName", "events.db"),
}
_LOOM_BACKENDS = {"dbbackend": "DBBackend", "evmstore.dbbackend": "EvmStore.DBBackend"}
_FILES_ON_DISK = frozenset({"leveldb", "goleveldb"})
#: The same files, written by another library: only some builds of loom have it.
C_LEVELDB = "cleveldb"
ROOT_DIR = "RootDir"
#: The variables that win over such a setting. remote/inspect/common.sh looks for the same in a live unit.
MOVING_VARIABLES = frozenset(
    {
        *(f"TM_{key[0].upper()}" for key in _TENDERMINT_FILES if len(key) == 1),
        "TM_DB_BACKEND",
        *(f"LOOM_{name}" for name in ("ROOTDIR", "DBNAME", "DBBACKEND", "GENESISFILE")),
    }
)
_SUFFIXES = ("json", "toml", "yaml", "yml", "properties", "props", "prop", "hcl")
_ROOT = "chaindata"


@dataclass(frozen=True)
class Moved:
    """A setting with which Loom looks elsewhere than where a restore puts things."""

    file: str  # in which it stands: LOOM_CONFIG, TENDERMINT_CONFIG
    key: str  # 'db_dir', 'consensus.wal_file'
    value: str  # as it stands there, showable
    usual: str  # what it is about, relative to the working directory; of a backend: ''
    path: str | None = None  # where Loom looks, showable; None: in no file that loomtui knows

    @property
    def text(self) -> str:
        if self.path is None:
            return f'{self.key} = "{self.value}" in {self.file} has Loom keep its data in another form'
        return f'{self.key} = "{self.value}" in {self.file} has Loom look at {self.path} for {self.usual}'


@dataclass(frozen=True)
class Folders:
    """The working directory, and the folders in it under their real names where links lead to them."""

    working_directory: str
    physical: Mapping[
        str, str
    ]  # '.', 'chaindata', 'chaindata/config', 'chaindata/data': absolute, without links

    def relative(self, path: str) -> str | None:
        """The usual name of an absolute path, relative to the working directory; None if it has none."""
        if ".." in path.split("/"):
            return None  # the system goes through links before it takes a step back
        folder, name = posixpath.split(posixpath.normpath(path))
        known = {".": self.working_directory, **self.physical}
        for usual in sorted(known, key=len, reverse=True):
            inside = _inside(folder, known[usual])
            if inside is not None:
                return posixpath.normpath(posixpath.join(usual, inside, name))
        inside = _inside(folder, self.working_directory)
        return None if inside is None else posixpath.normpath(posixpath.join(inside, name))


def _inside(path: str, folder: str) -> str | None:
    folder = posixpath.normpath(folder)
    if path == folder:
        return ""
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None


def moved_by_config_toml(text: str, folders: Folders) -> tuple[Moved, ...]:
    """What a config.toml moves. One that cannot be read moves nothing: `read_config_toml` tells of it."""
    try:
        document = load_toml(text)
    except ValueError:
        return ()
    return (*_moved_files(document, folders), *_moved_backend(document))


def _moved_files(document: Mapping[str, object], folders: Folders) -> Iterator[Moved]:
    for keys, usual in _TENDERMINT_FILES.items():
        for value in _values(document, keys):
            path = value if value.startswith("/") else _below(folders.working_directory, _ROOT, value)
            if folders.relative(path) != usual:
                shown = clean_line(value, limit=300)
                yield Moved(TENDERMINT_CONFIG, ".".join(keys), shown, usual, clean_line(path, limit=400))


def _moved_backend(document: Mapping[str, object]) -> Iterator[Moved]:
    for value in _values(document, ("db_backend",)):
        if value not in _FILES_ON_DISK:
            yield Moved(TENDERMINT_CONFIG, "db_backend", clean_line(value, limit=80), "")


def moved_by_loom_yml(text: str, working_directory: str) -> tuple[Moved, ...]:
    """What a loom.yml moves. One that cannot be read moves nothing: `read_loom_yml` tells of it."""
    try:
        fields = loom_yml_fields(text)
    except ValueError:
        return ()
    return (
        *_moved_root(fields, working_directory),
        *_moved_databases(fields, working_directory),
        *(
            Moved(LOOM_CONFIG, name, clean_line(str(fields[field]), limit=80), "")
            for field, name in _LOOM_BACKENDS.items()
            if fields.get(field) is not None and str(fields[field]) != "goleveldb"
        ),
    )


def _moved_root(fields: Mapping[str, object], working_directory: str) -> Iterator[Moved]:
    value = fields.get("rootdir")
    root = posixpath.normpath(str(value)) if value not in (None, "") else "."
    if root != ".":
        path = _go_join(root, root)
        path = path if path.startswith("/") else _below(working_directory, path)
        shown = clean_line(str(value), limit=300)
        usual = "chaindata and the databases"
        yield Moved(LOOM_CONFIG, ROOT_DIR, shown, usual, clean_line(path, limit=400))
    genesis = fields.get("genesisfile")
    if genesis is not None:
        name = _go_join(root, str(genesis))
        path = name if name.startswith("/") else _below(working_directory, name)
        if path != _below(working_directory, LOOM_GENESIS) and root == ".":
            shown = clean_line(str(genesis), limit=300)
            yield Moved(LOOM_CONFIG, "GenesisFile", shown, LOOM_GENESIS, clean_line(path, limit=400))


def _moved_databases(fields: Mapping[str, object], working_directory: str) -> Iterator[Moved]:
    for field, (name, usual) in _LOOM_DATABASES.items():
        value = fields.get(field)
        if value is None or posixpath.normpath(f"{value}.db") == usual:
            continue
        path = _below(working_directory, f"{value}.db")
        yield Moved(LOOM_CONFIG, name, clean_line(str(value), limit=300), usual, clean_line(path, limit=400))


def _go_join(first: str, second: str) -> str:
    """Go's path.Join, for which a second absolute path is like any other."""
    return posixpath.normpath(f"{first}/{second}" if first != "." else second.lstrip("/") or ".")


def _below(*parts: str) -> str:
    """Go's path.Join of a folder and what is below it: the dots are taken out by the letter."""
    first, *others = parts
    return posixpath.normpath(posixpath.join(first, *(part.lstrip("/") for part in others)))


def _values(document: Mapping[str, object], keys: tuple[str, ...]) -> Iterator[str]:
    """Every value of a key, whatever its case: viper leaves to chance which of several counts."""
    key, *rest = keys
    for name, value in document.items():
        if name.lower() != key:
            continue
        if not rest:
            yield _as_go(value)
        elif isinstance(value, Mapping):
            yield from _values(value, tuple(rest))


def _as_go(value: object) -> str:
    """What viper makes of it where a string is wanted."""
    if isinstance(value, bool):
        return str(int(value))
    return str(value)


def winning_tendermint_config(names: Iterable[str]) -> str | None:
    """Which of these files of chaindata/config Tendermint's configuration is read from."""
    there = set(names)
    ranked = (f"{_ROOT}/config/config.{suffix}" for suffix in _SUFFIXES)
    return next((name for name in ranked if name in there), None)
