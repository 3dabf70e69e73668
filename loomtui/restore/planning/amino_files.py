"""Refuses a node that could not start because Tendermint cannot read one of its files. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loomtui.backups.model import Contents
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.loom.amino_json import SIGNING_FIELDS, FormFault, first_of, genesis_faults
from loomtui.loom.databases import NODE_KEY, TENDERMINT_GENESIS, VALIDATOR
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import FileAction, FileChoice, SigningAction, SigningChoice
from loomtui.text import clean_line

_WRITTEN_ANEW = frozenset({SigningAction.RESET, SigningAction.RAISE})


def unreadable_files(
    details: NodeDetails, config: Contents | None, files: Sequence[FileChoice], signing: SigningChoice
) -> Iterator[Finding]:
    """One finding for each file that will be there after the restore and that Tendermint cannot read."""
    for choice in files:
        if choice.target == NODE_KEY and choice.action is FileAction.KEEP:
            yield from _own_key(details)
        elif choice.target == TENDERMINT_GENESIS:
            text, is_live = _genesis_to_be(details, config, choice)
            yield from _finding(details.name, choice.target, genesis_faults(text), config, is_live=is_live)
        elif choice.target == VALIDATOR:
            is_live = _is_made_of_the_nodes_own(signing)
            facts = details.status.validator if is_live else (config.validator if config else None)
            faults = facts.form_faults if facts is not None else ()
            if signing.action in _WRITTEN_ANEW:
                faults = tuple(fault for fault in faults if fault.field not in SIGNING_FIELDS)
            yield from _finding(details.name, choice.target, faults, config, is_live=is_live)


def _genesis_to_be(details: NodeDetails, config: Contents | None, choice: FileChoice) -> tuple[str, bool]:
    """The text, and whether it is the node's own."""
    if choice.text is not None:
        return choice.text, False
    if choice.action is FileAction.RESTORE and config is not None:
        return config.texts.get(choice.target, ""), False
    return details.texts.get(choice.target, ""), True


def _is_made_of_the_nodes_own(signing: SigningChoice) -> bool:
    if signing.action is SigningAction.RESET:
        return signing.found_height is not None
    return signing.action in {SigningAction.KEEP, SigningAction.NONE}


def _own_key(details: NodeDetails) -> Iterator[Finding]:
    """A key that stays and that nobody can read; a missing one is refused for that."""
    key = details.status.node_key
    if key is None or key.node_id is not None or key.closed or NODE_KEY not in details.digests:
        return
    sentence = (
        f"{details.name}: it cannot start with its {NODE_KEY}, and no backup has another: {key.problem}"
    )
    advice = (
        "Get it from another host's backup (--map NODE=HOST), or put the node's own back; then plan again"
    )
    yield Finding(FindingCode.FILE_NOT_AMINO, details.name, sentence, advice)


def _finding(
    name: str, target: str, faults: Sequence[FormFault], config: Contents | None, *, is_live: bool
) -> Iterator[Finding]:
    if not faults:
        return
    place = (
        "which stays on the node" if is_live or config is None else f"from {clean_line(config.backup.key)}"
    )
    sentence = f"{name}: it cannot start with {target}, {place}: {first_of(faults)}"
    mend = f"Write {faults[0].wanted} for {faults[0].field}"
    advice = f"{mend} in that file, and in every other where it is wrong; then plan again"
    if not is_live:
        advice = (
            f"{mend} in that file on the node and make a new config backup, or take an older one (--before, "
            "--map); then plan again"
        )
    yield Finding(FindingCode.FILE_NOT_AMINO, name, sentence, advice)
