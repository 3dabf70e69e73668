"""What can be practised: the stories, and what a good end is. How a cluster gets into each state: `stage`."""

from __future__ import annotations

from dataclasses import dataclass

from loomtui.errors import CallError

MOST_NODES = 16


@dataclass(frozen=True)
class Scenario:
    """One situation in which an operator finds a cluster."""

    name: str
    title: str
    story: str  # for the operator: what happened; no more than a colleague on the phone would know
    hints: tuple[str, ...]  # shown one by one when asked for
    needs_restore: bool  # False: nothing is broken
    tip_height: int  # last block that the cluster made
    data_height: int  # of the newest data backup that can be restored
    reset_signing: bool  # the chain moves after the restore only if the signing states are reset
    expected: str  # the good end, in a sentence
    met: bool = False  # the story says that every node runs and sees all its peers


@dataclass(frozen=True)
class Past:
    """What happened before, apart from the scenario."""

    elected: bool = False  # since genesis: the last validator is not in it, and one of it sits no longer
    stakes: tuple[int, ...] = ()  # of the validators in order, where an election made them differ
    backup_config: bool = True  # whether the backup node's own config was backed up as well


_CLEAN_RESTORE = Scenario(
    name="clean-restore",
    title="All databases lost, keys kept",
    story=(
        "A storage fault has damaged the databases of every node. Nothing else is lost: the machines are the "
        "same, the keys and the configuration are on them. The services cannot start, or a colleague has "
        "stopped them."
    ),
    hints=(
        "Each node keeps its own keys: restore the data of the newest complete backup to all of them.",
        "The validators have signed blocks that are newer than the backup. They refuse to sign these heights "
        "a second time, so the chain would stand still although every service is up.",
        "All validators are in the plan and stopped: here, and only here, the signing states may be reset.",
    ),
    needs_restore=True,
    tip_height=120,
    data_height=69,
    reset_signing=True,
    expected="Every node makes blocks above height 69 with equal app hashes, each with its own keys.",
)

_MOVED_HOSTS = Scenario(
    name="moved-hosts",
    title="New machines, everything from backups",
    story=(
        "The data centre is gone. New machines with other addresses are installed: loom and its service, "
        "nothing more. Data, keys and configuration exist only as backups of the old hosts, which will not "
        "come back."
    ),
    hints=(
        "Each new node takes the place of one old host: its config backup carries that host's name.",
        "The restored service definitions name the old hosts' addresses.",
        "One old host had changed its node key after the others' service definitions were written.",
    ),
    needs_restore=True,
    tip_height=120,
    data_height=69,
    reset_signing=False,
    expected="Every node makes blocks above height 69 with equal app hashes and is connected to all others.",
)

_NEWER_SIGNING_STATES = Scenario(
    name="newer-signing-states",
    title="Older data is back, and nothing moves",
    story=(
        "After a fault a colleague has put last night's data back on every node by hand and started the "
        "services. Every service is active, every node sees all its peers, none is catching up. No block has "
        "been made since."
    ),
    hints=(
        "Only a height that grows proves health.",
        "Compare the height of the data with the last height that each validator has signed.",
    ),
    needs_restore=True,
    tip_height=120,
    data_height=69,
    reset_signing=True,
    expected="Every node makes blocks above height 69 with equal app hashes, each with its own keys.",
    met=True,
)

_HEALTHY = Scenario(
    name="healthy",
    title="A healthy cluster",
    story="Nothing is wrong: the cluster makes blocks, and its backups are in S3. For looking around.",
    hints=(),
    needs_restore=False,
    tip_height=120,
    data_height=69,
    reset_signing=False,
    expected="Nothing has to be done.",
    met=True,
)

_SCENARIOS = (_CLEAN_RESTORE, _MOVED_HOSTS, _NEWER_SIGNING_STATES, _HEALTHY)


def scenarios() -> tuple[Scenario, ...]:
    return _SCENARIOS


def scenario_named(name: str, nodes: int = 4) -> Scenario:
    """Raises CallError for an unknown name or a number of nodes that no practice cluster can have."""
    if not 1 <= nodes <= MOST_NODES:
        raise CallError(
            f"A practice cluster has 1 to {MOST_NODES} validators, not {nodes}.",
            advice="Choose another --nodes.",
        )
    for scenario in _SCENARIOS:
        if scenario.name == name:
            return scenario
    known = ", ".join(scenario.name for scenario in _SCENARIOS)
    raise CallError(f"There is no scenario {name!r}.", advice=f"Known: {known}.")
