"""`loom run`, up to the network: files, keys, databases. No asyncio yet: what cannot start ends quickly."""

from __future__ import annotations

from pathlib import Path

from loomtui.drill.node.addresses import Address, AddressError, parse_address, split_list
from loomtui.drill.node.amino import AminoError, check_genesis
from loomtui.drill.node.blocks import Genesis
from loomtui.drill.node.keys import KeyFileError, KeyPanicError, identity, read_node_key
from loomtui.drill.node.log import Log
from loomtui.drill.node.places import Places
from loomtui.drill.node.priv_validator import PrivValidator
from loomtui.drill.node.settings import read_places, read_settings
from loomtui.drill.node.standin_chain import Chain, FatalError, PanicError

_BACKENDS = frozenset({"leveldb", "goleveldb"})


def run(root: Path, seeds: str, persistent: str) -> int:
    """Until a signal comes. Raises FatalError, PanicError."""
    settings, places = read_settings(root), read_places(root)
    log = Log(settings.log_level, settings.log_destination)
    genesis = _genesis(places)
    node_id = _node_id(places.node_key)
    validator = _validator(places.validator)
    if settings.db_backend not in _BACKENDS:
        raise PanicError(
            f"Unknown db_backend {settings.db_backend}, expected either goleveldb or memdb or fsdb"
        )
    seed_list = [_seed(entry) for entry in split_list(seeds)]
    chain = Chain(places.root, genesis, data=places.data, evm_root=settings.app_store_version >= 3)
    chain.handshake(lambda line: log.info(line))
    peers = _persistent(persistent, log)

    from loomtui.drill.node.live import Node, run_for_ever  # slow to import

    return run_for_ever(Node(places.wal, settings, log, chain, node_id, validator), peers, seed_list)


def _genesis(places: Places) -> Genesis:
    texts = []
    for path in (places.genesis, places.loom_genesis):
        try:
            texts.append(path.read_text("utf-8"))
        except OSError:
            raise FatalError(f"open {path}: no such file or directory") from None
    try:
        check_genesis(texts[0])
        return Genesis.read(*texts)
    except AminoError as error:
        raise FatalError(str(error)) from None
    except (ValueError, KeyError, TypeError) as error:
        raise FatalError(f"Error reading GenesisDoc: {error}") from None


def _node_id(path: Path) -> str:
    try:
        return identity(read_node_key(path)[32:])
    except FileNotFoundError:
        raise FatalError("failed to locate local node p2p key file") from None
    except KeyFileError as error:
        raise FatalError(f"Error reading NodeKey from {path}: {error}") from None
    except KeyPanicError as error:
        raise PanicError(f"runtime error: {error}") from None


def _validator(path: Path) -> PrivValidator:
    try:
        return PrivValidator.load(path)
    except FileNotFoundError:
        raise FatalError(f"open {path}: no such file or directory") from None
    except (OSError, KeyFileError) as error:
        raise FatalError(f"Error reading PrivValidator from {path}: {error}") from None


def _seed(entry: str) -> Address:
    try:
        return parse_address(entry)
    except AddressError as error:
        raise FatalError(f"seed node configuration has error: {error}") from None


def _persistent(value: str, log: Log) -> list[Address]:
    addresses = []
    for entry in split_list(value):
        try:
            addresses.append(parse_address(entry))
        except AddressError as error:
            log.error("Error in peer's address", module="p2p", err=error)
    return addresses
