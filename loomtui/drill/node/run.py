"""`loom run`, up to the network: files, keys, databases. No asyncio yet: what cannot start ends quickly."""

from __future__ import annotations

from pathlib import Path

from loomtui.drill.node.addresses import Address, AddressError, parse_address, split_list
from loomtui.drill.node.blocks import Genesis
from loomtui.drill.node.keys import KeyFileError, KeyPanicError, PrivValidator, identity, read_node_key
from loomtui.drill.node.log import Log
from loomtui.drill.node.settings import read_settings
from loomtui.drill.node.standin_chain import Chain, FatalError, PanicError


def run(root: Path, seeds: str, persistent: str) -> int:
    """Until a signal comes. Raises FatalError, PanicError."""
    settings = read_settings(root)
    log = Log(settings.log_level, settings.log_destination)
    genesis = _genesis(root)
    node_id = _node_id(root)
    validator = _validator(root)
    seed_list = [_seed(entry) for entry in split_list(seeds)]
    chain = Chain(root, genesis, evm_root=settings.app_store_version >= 3)
    chain.handshake(lambda line: log.info(line))
    peers = _persistent(persistent, log)

    from loomtui.drill.node.live import Node, run_for_ever  # slow to import

    return run_for_ever(Node(root, settings, log, chain, node_id, validator), peers, seed_list)


def _genesis(root: Path) -> Genesis:
    texts = []
    for name in ("chaindata/config/genesis.json", "genesis.json"):
        try:
            texts.append((root / name).read_text("utf-8"))
        except OSError:
            raise FatalError(f"open {root / name}: no such file or directory") from None
    try:
        return Genesis.read(*texts)
    except (ValueError, KeyError, TypeError) as error:
        raise FatalError(f"Error reading GenesisDoc: {error}") from None


def _node_id(root: Path) -> str:
    path = root / "chaindata/config/node_key.json"
    try:
        return identity(read_node_key(path)[32:])
    except FileNotFoundError:
        raise FatalError("failed to locate local node p2p key file") from None
    except KeyFileError as error:
        raise FatalError(f"Error reading NodeKey from {path}: {error}") from None
    except KeyPanicError as error:
        raise PanicError(f"runtime error: {error}") from None


def _validator(root: Path) -> PrivValidator:
    path = root / "chaindata/config/priv_validator.json"
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
