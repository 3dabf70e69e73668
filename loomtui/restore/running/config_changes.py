"""What the config step does on a node: each file with its slot, and all of it as one batch. Pure."""

from __future__ import annotations

from loomtui.fleet.batch import Change
from loomtui.fleet.scripts import ChangeScript
from loomtui.loom.databases import (
    ADDRBOOK,
    CONFIG_TARGETS,
    LOOM_CONFIG,
    LOOM_GENESIS,
    NODE_KEY,
    TENDERMINT_CONFIG,
    TENDERMINT_GENESIS,
    UNIT,
    VALIDATOR,
    name_of,
)
from loomtui.restore.plan import FileAction, FileChoice, NodePlan, SigningAction
from loomtui.restore.running.job_suspension import SET_ASIDE
from loomtui.restore.running.node_run import RELOAD, REPLACE, SIGNING, NodeRun

SLOTS = {
    LOOM_GENESIS: "loom-genesis",
    LOOM_CONFIG: "loom-config",
    NODE_KEY: "node-key",
    TENDERMINT_GENESIS: "genesis",
    TENDERMINT_CONFIG: "tendermint-config",
    VALIDATOR: "validator",
    ADDRBOOK: "addrbook",
    UNIT: "unit",
}
_PRIVATE = frozenset({NODE_KEY, VALIDATOR})
DECIDED = "stage/signing/priv_validator.json"
_CORRECTED = "stage/corrected/loom.yml"
REDIS = ChangeScript("redis")
OTHER_BYTES = 77  # redis.sh: what it would make is not what the plan showed
#: Also those that the plan leaves alone: what a started node writes there can be undone. The unit comes last.
ORDER = (ADDRBOOK, *CONFIG_TARGETS)


def unnoted(slots: frozenset[str]) -> tuple[str, ...]:
    return tuple(name_of(target) for target, slot in SLOTS.items() if slot not in slots)


def files_of(node_run: NodeRun) -> tuple[str, ...]:
    """The files whose digests tell whether the step is done."""
    decided = f"{node_run.folder}/{DECIDED}"
    return (*(node_run.path_of(choice.target) for choice in node_run.plan.files), decided)


def changes_of(node_run: NodeRun) -> tuple[Change, ...]:
    """All that the step does on a node, in its order."""
    plan = node_run.plan
    choices = {choice.target: choice for choice in plan.files}
    corrected = [choice for choice in plan.files if is_corrected(choice)]
    files = [part for target in ORDER for part in _replacement(node_run, target, choices.get(target))]
    unit = choices.get(UNIT)
    replaces_unit = unit is not None and _source(node_run.plan, UNIT, unit) != "="
    return (
        *(node_run.part(REDIS, *redis_arguments(one), accept=(0, OTHER_BYTES)) for one in corrected),
        *_signing_edit(node_run),
        node_run.part(REPLACE, node_run.unit_name, node_run.hold_file, *files),
        # Where no unit goes in, systemd reads again only if it says that it should.
        node_run.part(RELOAD, *(() if replaces_unit else (node_run.unit_name,))),
        *([node_run.part(SET_ASIDE, plan.staging)] if plan.staging is not None else []),
    )


def _replacement(node_run: NodeRun, target: str, choice: FileChoice | None) -> tuple[str, ...]:
    """What replace.sh wants for one file."""
    plan = node_run.plan
    user, group = ("", "") if target == UNIT else (plan.user, plan.group)
    mode = "600" if target in _PRIVATE else "644"
    return (SLOTS[target], _source(plan, target, choice), node_run.path_of(target), mode, user, group)


def _source(plan: NodePlan, target: str, choice: FileChoice | None) -> str:
    """A file of the run's folder, `-` to take the file away, `=` only to note it."""
    if choice is None:
        return "="
    if choice.action is FileAction.SET_ASIDE:
        return "-"
    if target == VALIDATOR:
        return _SIGNING_SOURCES.get(plan.signing.action, "=")
    if choice.text is not None and choice.changes:
        return f"stage/{given_at(choice)}"
    if is_corrected(choice):
        return _CORRECTED
    return staged_at(choice) if is_staged(choice) else "="


_SIGNING_SOURCES = {
    SigningAction.RESET: DECIDED,
    SigningAction.RAISE: DECIDED,
    SigningAction.RESTORE: f"stage/config/{VALIDATOR}",
}


def staged_at(choice: FileChoice) -> str:
    return f"stage/config/{choice.target}"


def given_at(choice: FileChoice) -> str:
    return f"given/{SLOTS[choice.target]}"


def is_corrected(choice: FileChoice) -> bool:
    """Its Redis addresses are to name another place."""
    return choice.redis is not None and choice.changes and choice.text is None


def is_staged(choice: FileChoice) -> bool:
    """It goes in as the archive has it."""
    as_it_is = choice.text is None and choice.redis is None and choice.target != VALIDATOR
    return as_it_is and choice.changes and choice.action is FileAction.RESTORE


def redis_arguments(choice: FileChoice) -> tuple[str, str, str]:
    source = staged_at(choice) if choice.action is FileAction.RESTORE else "live"
    return source, str(choice.redis), str(choice.digest)


def _signing_edit(node_run: NodeRun) -> tuple[Change, ...]:
    signing = node_run.plan.signing
    if signing.action not in {SigningAction.RESET, SigningAction.RAISE}:
        return ()
    own = signing.found_height is not None and signing.action is SigningAction.RESET
    base = "live" if own else f"stage/config/{VALIDATOR}"
    return (node_run.part(SIGNING, base, str(signing.result_height or 0), DECIDED),)
