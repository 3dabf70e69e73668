"""Judges, from what was read of an archive, what may be done with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from loomtui.backups.archive import Reading
from loomtui.backups.databases import check_databases, state_of
from loomtui.backups.layouts import classify
from loomtui.backups.members import file_sizes, parts_of
from loomtui.backups.model import Backup, Contents
from loomtui.loom.amino_json import first_of, genesis_faults
from loomtui.loom.databases import NODE_KEY, TENDERMINT_GENESIS, VALIDATOR
from loomtui.loom.genesis import read_tendermint_genesis
from loomtui.text import clean_line


def assemble(backup: Backup, reading: Reading, sha256: str) -> Contents:
    """The contents of an archive that was read to its end. Raises ArchiveRejected if it cannot be used."""
    layout = classify(reading.members, reading.files)
    roots = [parts_of(item.source) for item in layout.data_items]
    signs = check_databases(roots, reading.databases, file_sizes(reading.members))
    state = state_of(reading.databases, roots)
    sources = {item.target: item.source for item in layout.identity}
    own = {item.target: item.source for item in layout.own_items}
    return Contents(
        backup=replace(backup, kind=layout.kind, compression=reading.compression, certain=True),
        sha256=sha256,
        file_count=reading.file_count,
        unpacked_bytes=reading.unpacked_bytes,
        members=tuple(reading.members),
        data_items=layout.data_items,
        config_items=layout.config_items,
        app_height=reading.app_height,
        store_height=reading.store_height,
        node_key=reading.node_keys.get(sources.get(NODE_KEY, "")),
        validator=reading.validators.get(sources.get(VALIDATOR, "")),
        texts={target: reading.texts[path] for target, path in own.items() if path in reading.texts},
        digests={target: digest for target, path in own.items() if (digest := reading.files[path].digest)},
        warnings=(*layout.warnings, *signs, *_unreadable(own, reading)),
        state_height=reading.state_height if state.chain is None else state.chain.height,
        chain=state.chain,
        genesis_doc=state.genesis_doc,
        own_items=layout.own_items,
        chain_id=_chain_id(reading.texts.get(sources.get(TENDERMINT_GENESIS, ""))),
    )


def _unreadable(own: Mapping[str, str], reading: Reading) -> Iterator[str]:
    """What Tendermint could not read of the files that would be put in place."""
    genesis = reading.texts.get(own.get(TENDERMINT_GENESIS, ""), "")
    validator = reading.validators.get(own.get(VALIDATOR, ""))
    faults = {
        TENDERMINT_GENESIS: genesis_faults(genesis),
        VALIDATOR: validator.form_faults if validator is not None else (),
    }
    for target, found in faults.items():
        if found:
            yield f"a node cannot start with {target} in it: {first_of(found)}"
    key = reading.node_keys.get(own.get(NODE_KEY, ""))
    if key is not None and key.problem:
        yield f"a node cannot start with {NODE_KEY} in it: {key.problem}"


def _chain_id(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return clean_line(read_tendermint_genesis(text).chain_id, limit=100)
    except ValueError:
        return None
