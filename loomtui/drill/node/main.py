"""The stand-in's command line, with the exit statuses and outputs that the real program was seen to have.

`version` never comes here (__main__.py).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from loomtui.drill.node.keys import (
    KeyFileError,
    KeyPanicError,
    identity,
    new_private_key,
    node_key_text,
    read_node_key,
)

_USAGE = "Usage:\n  loom {command} [flags]\n\nFlags:\n  -h, --help   help for {command}\n\n"
_VALUES = {"-p": "peers", "--peers": "peers", "--persistent-peers": "persistent_peers"}


class UsageError(Exception):
    pass


def main(argv: list[str]) -> int:
    root = Path.cwd()
    command, *rest = argv or ["help"]
    try:
        if command == "run":
            return _run(root, rest)
        if command == "nodekey":
            _no_flags(rest)
            return _nodekey(root)
        if command == "init":
            return _init(root, force="-f" in rest or "--force" in rest)
        if command in ("env", "debug", "reset"):
            return _SMALL[command](root, rest)
    except UsageError as error:
        return _error(command, str(error))
    if command in ("help", "-h", "--help"):
        sys.stdout.write(_USAGE.format(command="[command]"))
        return 0
    return _error(command, f'unknown command "{command}" for "loom"')


def _error(command: str, message: str) -> int:
    """The real program prints its errors twice."""
    sys.stderr.write(f"Error: {message}\n{_USAGE.format(command=command)}")
    sys.stdout.write(f"{message}\n")
    return 1


def _panic(message: str) -> int:
    sys.stderr.write(f"panic: {message}\n\ngoroutine 1 [running]:\nmain.main()\n")
    return 2


def _no_flags(rest: list[str]) -> None:
    for argument in rest:
        if argument.startswith("-"):
            raise UsageError(f"unknown flag: {argument.partition('=')[0]}")


def _run(root: Path, rest: list[str]) -> int:
    from loomtui.drill.node.run import run
    from loomtui.drill.node.settings import read_root
    from loomtui.drill.node.standin_chain import (
        FatalError,
        PanicError,
    )  # slow to import, not needed by the other commands

    values = _flags(rest)
    try:
        _make_folders(read_root(root))
        return run(root, values["peers"], values["persistent_peers"])
    except FatalError as fatal:
        return _error("run", str(fatal))
    except PanicError as panic:
        return _panic(str(panic))


def _flags(rest: list[str]) -> dict[str, str]:
    """Repeated flags: the last one wins. Arguments that are no flags are ignored."""
    values = {"peers": "", "persistent_peers": ""}
    words = iter(rest)
    for word in words:
        name, equals, value = word.partition("=")
        if name in _VALUES:
            if not equals and (value := next(words, "\0")) == "\0":
                raise UsageError(f"flag needs an argument: {name}")
            values[_VALUES[name]] = value
        elif name.startswith("-"):
            raise UsageError(f"unknown flag: {name}")
    return values


def _nodekey(root: Path) -> int:
    """Exit status 0 whatever happens, and a new key where there was none."""
    from loomtui.drill.node.settings import read_places, read_root

    try:
        _make_folders(read_root(root))
    except OSError:
        folder = root / "chaindata"
        why = f"Could not create directory {folder}. mkdir {folder}: permission denied"
        return _panic(f"Panicked on a Sanity Check: {why}")
    path = read_places(root).node_key
    try:
        private = read_node_key(path)
    except FileNotFoundError:
        private = new_private_key()
        _write_private(path, node_key_text(private))
    except KeyFileError:
        sys.stdout.write("Error in determining Node Key")
        return 0
    except KeyPanicError as panic:
        return _panic(f"runtime error: {panic}")
    sys.stdout.write(identity(private[32:]) + "\n")
    return 0


def _make_folders(root: Path) -> None:
    for name in ("chaindata", "chaindata/config", "chaindata/data"):
        (root / name).mkdir(exist_ok=True, mode=0o700)
    config = root / "chaindata/config/config.toml"
    if not config.exists():
        from loomtui.drill.node.settings import config_toml

        config.write_text(config_toml(os.uname().nodename, 26656))


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _init(root: Path, *, force: bool) -> int:
    from loomtui.drill.node.blocks import Validator
    from loomtui.drill.node.documents import loom_genesis, tendermint_genesis
    from loomtui.drill.node.priv_validator import PrivValidator

    config = root / "chaindata/config"
    genesis = root / "genesis.json"
    if genesis.exists() and not force:
        return _error("init", "genesis file already exists")
    _make_folders(root)
    private = new_private_key()
    PrivValidator(config / "priv_validator.json", private).save()
    public = PrivValidator(config / "priv_validator.json", private).public_key["value"]
    validator = Validator(identity(private[32:]).upper(), public, 10)
    (config / "node_key.json").unlink(missing_ok=True)
    _write_private(config / "node_key.json", node_key_text(new_private_key()))
    (config / "genesis.json").write_text(tendermint_genesis([validator]))
    genesis.write_text(loom_genesis([validator]))
    return 0


def _env(root: Path, _rest: list[str]) -> int:
    from loomtui.drill.node.settings import read_settings

    sys.stdout.write(json.dumps(read_settings(root)._asdict(), indent=2) + "\n")
    return 0


def _reset(root: Path, _rest: list[str]) -> int:
    import shutil

    from loomtui.drill.node.priv_validator import PrivValidator
    from loomtui.drill.node.settings import read_places

    places = read_places(root)
    for folder in (places.data, *(places.root / name for name in ("app.db", "evm.db", "receipts_db"))):
        shutil.rmtree(folder, ignore_errors=True)
    validator = PrivValidator.load(places.validator)
    validator.height = validator.round = validator.step = 0
    validator.save()
    return 0


def _debug(_root: Path, rest: list[str]) -> int:
    """`debug dump-block-store-txs FOLDER --height N`, which tells the height by failing."""
    from loomtui.drill.node.journals import Database, DatabaseError

    if len(rest) < 2 or rest[0] != "dump-block-store-txs":
        raise UsageError("unknown command for loom debug")
    try:
        database = Database.open(Path(rest[1]) / "data/blockstore.db")
    except DatabaseError as error:
        raise UsageError(str(error)) from None
    height = json.loads(database.values.get(b"blockStore", b'{"height":"0"}'))["height"]
    return _error("debug", f"no block at this height, latest block store height is {height}")


_SMALL = {"env": _env, "debug": _debug, "reset": _reset}
