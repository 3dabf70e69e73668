"""Refuses a node on which Loom looks elsewhere than where a restore puts things. Pure.

The configuration that is there now counts, because the node's identity and data lie where it says, and so
does the one that will be there, because Loom goes by that after the restore.
"""

from __future__ import annotations

from collections.abc import Iterator

from loomtui.backups.model import Contents
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.loom.config import read_config_toml, read_loom_yml, winning_config
from loomtui.loom.databases import LOOM_CONFIG, TENDERMINT_CONFIG
from loomtui.loom.places import (
    C_LEVELDB,
    ROOT_DIR,
    Folders,
    Moved,
    moved_by_config_toml,
    moved_by_loom_yml,
    winning_tendermint_config,
)
from loomtui.restore.findings import Finding, FindingCode
from loomtui.text import clean_line

_CONFIG_FILES = (LOOM_CONFIG, TENDERMINT_CONFIG)


def moved_files(details: NodeDetails, config: Contents | None) -> Iterator[Finding]:
    """One finding for each setting, file or variable that leads Loom away, now or after the restore."""
    yield from _settings(details, config)
    yield from _unreadable(details, config)
    yield from _shadowed(details)
    yield from _environment(details)
    yield from _disputed(details)


def _settings(details: NodeDetails, config: Contents | None) -> Iterator[Finding]:
    live = {name: _live(details, name) for name in _CONFIG_FILES}
    to_be = {name: _to_be(details, config, name) for name in _CONFIG_FILES}
    now = [moved for name, text in live.items() for moved in _moved(details, name, text)]
    after = [moved for name, text in to_be.items() for moved in _moved(details, name, text)]
    key = clean_line(config.backup.key) if config is not None else ""
    for moved in dict.fromkeys((*now, *after)):
        runs = details.status.chain is not None
        if moved.path is None and moved.value == C_LEVELDB and moved in now and moved in after and runs:
            continue  # the node's own build has that library, which writes the same files
        where = "" if moved in now else f", as the config backup {key} has it"
        sentence = f"{details.name}: {moved.text}{where}; a restore does not go there"
        code = FindingCode.ROOT_DIR if moved.key == ROOT_DIR else FindingCode.FILES_MOVED
        saved = config is not None and moved.file in config.texts and moved in after
        yield Finding(code, details.name, sentence, _advice(moved, now=moved in now, saved=saved))


def _advice(moved: Moved, *, now: bool, saved: bool) -> str:
    if not now:
        return (
            f"Take another config backup (--before, --map), or correct {moved.key} in {moved.file} of its "
            "host, make a backup there, and plan again"
        )
    way = (
        f"With the service stopped, move {moved.usual} from there to its usual place and take {moved.key} "
        f"out of {moved.file}; then plan again"
    )
    if moved.path is None:
        way = f"Plan with data and a {moved.file} of goleveldb"
    in_backup = "; its config backup has the setting too" if saved else ""
    return f"{way}, or leave the node out with --nodes{in_backup}"


def _moved(details: NodeDetails, name: str, text: str) -> tuple[Moved, ...]:
    if name == LOOM_CONFIG:
        return moved_by_loom_yml(text, details.working_directory)
    return moved_by_config_toml(text, Folders(details.working_directory, details.physical))


def _live(details: NodeDetails, name: str) -> str:
    """The text of the file that Loom reads; loom.yml may lie in ./config instead."""
    winner = winning_config(details.loom_configs) if name == LOOM_CONFIG else None
    return details.texts.get(winner or name, "")


def _to_be(details: NodeDetails, config: Contents | None, name: str) -> str:
    saved = config.texts.get(name) if config is not None else None
    return _live(details, name) if saved is None else saved


def _unreadable(details: NodeDetails, config: Contents | None) -> Iterator[Finding]:
    for name in _CONFIG_FILES:
        text = _to_be(details, config, name)
        facts = read_loom_yml(text) if name == LOOM_CONFIG else read_config_toml(text)
        if facts.problem:
            sentence = f"{details.name}: {name}, as it will be after the restore, is {facts.problem}"
            advice = (
                "Correct it on the node, or take another config backup (--before, --map); then plan again"
            )
            yield Finding(FindingCode.CONFIG_UNREADABLE, details.name, sentence, advice)


def _shadowed(details: NodeDetails) -> Iterator[Finding]:
    winner = winning_tendermint_config((*details.tendermint_configs, TENDERMINT_CONFIG))
    if winner is not None and winner != TENDERMINT_CONFIG:
        sentence = f"{details.name}: {winner} lies beside config.toml and wins over it"
        advice = "Move it away before the restore"
        yield Finding(FindingCode.CONFIG_SHADOWED, details.name, sentence, advice)


def _environment(details: NodeDetails) -> Iterator[Finding]:
    if details.environment:
        names = ", ".join(details.environment)
        sentence = (
            f"{details.name}: the unit's environment sets {names}, which wins over loom.yml or config.toml: "
            "where Loom looks for its files is not known"
        )
        advice = "Take it out of the unit or its EnvironmentFile, or leave the node out with --nodes"
        yield Finding(FindingCode.FILES_MOVED, details.name, sentence, advice)


def _disputed(details: NodeDetails) -> Iterator[Finding]:
    key, reported = details.status.node_key, details.reported_node_id
    if key is not None and key.node_id and reported and reported != key.node_id:
        sentence = (
            f"{details.name}: `loom nodekey` prints {reported}, but the key file that loomtui found makes "
            f"{key.node_id}: Loom goes by another file"
        )
        advice = "Find out which key file Loom reads there, or leave the node out with --nodes"
        yield Finding(FindingCode.IDENTITY_DISPUTED, details.name, sentence, advice)
