"""Puts a cluster's nodes into the state in which a scenario begins, before their services start."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from loomtui.drill import machines
from loomtui.drill.history import Keys
from loomtui.drill.machines import Machine
from loomtui.drill.node.keys import node_key_text
from loomtui.drill.node.settings import config_toml
from loomtui.drill.scenarios.deeds import Damage, Identity, KeyFile, Listing, State, WithConfig, WithData
from loomtui.drill.scenarios.words import chosen_nodes
from loomtui.drill.stage import STATE, Stage

_FILES = {KeyFile.NODE: "node_key.json", KeyFile.VALIDATOR: "priv_validator.json"}
#: As another loomtui writes it, see `loomtui.restore.running.lock`.
_LOCK = {
    "run": "20260101-030000-c0de",
    "who": "colleague",
    "from": "another-laptop",
    "since": "2026-01-01T03:00:00+00:00",
}


def set_states(stage: Stage) -> None:
    """One state after the other, as the scenario lists them."""
    for state in stage.scenario.state:
        _set(stage, state)


def _set(stage: Stage, state: State) -> None:
    by_name = {machine.name: machine for machine in stage.found}

    def those(words: str) -> list[Machine]:
        return [by_name[name] for name in chosen_nodes(words, list(by_name))]

    if state.config is not None:
        _configure(stage, state.config, those(state.config.nodes))
    if state.data is not None:
        _fill(stage, state.data, those(state.data.nodes))
    if state.damage is not None:
        for number, machine in enumerate(those(state.damage.nodes)):
            _DAMAGES[state.damage.what[number % len(state.damage.what)]](machine.home)
    if state.fresh is not None:
        for machine in those(state.fresh.nodes):
            _install_fresh(machine)
    if state.identity is not None:
        _take_identity(stage, state.identity, those(state.identity.nodes))
    if state.unit is not None:
        for machine in those(state.unit.nodes):
            machine.unit.write_text(stage.unit(stage.host(machine.name), state.unit.peers))
    if state.drop_in is not None:
        _override(stage, state.drop_in, those(state.drop_in.nodes))
    if state.held is not None:
        for machine in those(state.held.nodes):
            _hold(machine)


def _configure(stage: Stage, wanted: WithConfig, nodes: list[Machine]) -> None:
    for machine in nodes:
        stage.write_config(stage.host(machine.name), stage.scenario.height(wanted.signed))


def _fill(stage: Stage, wanted: WithData, nodes: list[Machine]) -> None:
    items = ["chaindata/data" if item == "chaindata" else item.value for item in wanted.only]
    for machine in nodes:
        stage.write_data(machine, stage.scenario.height(wanted.height), items or STATE)


def _install_fresh(machine: Machine) -> None:
    """A key of its own, as `loom nodekey` makes it, and a unit without peers."""
    machine.config.mkdir(parents=True)
    for folder in (machine.home / "chaindata", machine.config):
        folder.chmod(0o700)
    key = machine.config / "node_key.json"
    key.write_text(node_key_text(Keys.new(random.SystemRandom()).node))
    key.chmod(0o600)
    (machine.config / "config.toml").write_text(config_toml(machine.hostname, 26656))
    machine.unit.write_text(machines.unit_text(machine, ""))


def _take_identity(stage: Stage, wanted: Identity, nodes: list[Machine]) -> None:
    scenario = stage.scenario
    texts = stage.config(stage.host(wanted.of), scenario.tip_height)
    for machine in nodes:
        for file in wanted.files:
            (machine.config / _FILES[file]).write_bytes(texts[_FILES[file]])


def _override(stage: Stage, wanted: Listing, nodes: list[Machine]) -> None:
    """As somebody writes it who wants to try other peers for a moment, and forgets it."""
    for machine in nodes:
        text = stage.unit(stage.host(machine.name), wanted.peers)
        command = next(line for line in text.splitlines() if line.startswith("ExecStart="))
        folder = machine.unit.with_name(f"{machine.unit.name}.d")
        folder.mkdir()
        (folder / "override.conf").write_text(f"[Service]\nExecStart=\n{command}\n")


def _hold(machine: Machine) -> None:
    folder = machine.home / ".loomtui"
    folder.mkdir(mode=0o700)
    (folder / "lock").write_text(json.dumps(_LOCK) + "\n")


def _drop_current(home: Path) -> None:
    (home / "app.db/CURRENT").unlink()


def _drop_block_data(home: Path) -> None:
    shutil.rmtree(home / "chaindata/data")


def _drop_evm(home: Path) -> None:
    shutil.rmtree(home / "evm.db")


def _drop_block_store(home: Path) -> None:
    shutil.rmtree(home / "chaindata/data/blockstore.db")


def _tear_block_store(home: Path) -> None:
    journal = home / "chaindata/data/blockstore.db/000003.log"
    with journal.open("r+b") as file:
        file.truncate(journal.stat().st_size // 2)


_DAMAGES: Mapping[Damage, Callable[[Path], None]] = {
    Damage.NO_CURRENT: _drop_current,
    Damage.NO_BLOCK_DATA: _drop_block_data,
    Damage.NO_EVM: _drop_evm,
    Damage.NO_BLOCK_STORE: _drop_block_store,
    Damage.TORN_BLOCK_STORE: _tear_block_store,
}
