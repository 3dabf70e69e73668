"""What happens to each config file of a node.

These are pure decisions on what was seen of the node and of its backup.
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, replace

from loomtui.backups.model import Contents
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.loom.config import mask_secrets, winning_config
from loomtui.loom.databases import (
    ADDRBOOK,
    CONFIG_TARGETS,
    LOOM_CONFIG,
    LOOM_GENESIS,
    NODE_KEY,
    UNIT,
    VALIDATOR,
)
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import FileAction, FileChoice, SigningAction, SigningChoice
from loomtui.restore.planning.chain import Chain
from loomtui.text import clean

#: Without these the node cannot start (docs/loom.md 6).
_NEEDED = frozenset({"genesis.json", NODE_KEY, "chaindata/config/genesis.json", UNIT})

_SAME_ON_ALL = "Copy it from another node, it is the same on all of them; then plan again"
_REMEDIES = {
    NODE_KEY: "Get it from another host's backup (--map NODE=HOST), or make a new one there as the service's "
    "user: loom nodekey",
    UNIT: "Install the service on it, then plan again",
}
_OF_SIGNING = {
    SigningAction.KEEP: FileAction.KEEP,
    SigningAction.NONE: FileAction.KEEP,
    SigningAction.RESTORE: FileAction.RESTORE,
    SigningAction.RESET: FileAction.RESET,
    SigningAction.RAISE: FileAction.RAISE,
}


@dataclass(frozen=True)
class ConfigDecision:
    files: tuple[FileChoice, ...]
    refusals: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def unified_diff(before: str, after: str, name: str) -> str:
    """A unified diff with secrets masked and control characters removed.

    It is empty if there is nothing to show.
    """
    old, new = (mask_secrets(clean(text)).splitlines() for text in (before, after))
    return "\n".join(difflib.unified_diff(old, new, f"{name} (now)", f"{name} (after)", lineterm=""))


def live_text(details: NodeDetails, target: str) -> str | None:
    """The text of a file on the node; for the unit, it is the fragment that systemd loaded."""
    if target != UNIT:
        return details.texts.get(target)
    unit = details.status.unit
    return unit.files[0].text if unit is not None and unit.files else None


def decide_files(
    details: NodeDetails,
    config: Contents | None,
    *,
    keep_key: bool,
    signing: SigningChoice,
    addrbook_stale: bool,
    chain: Chain,
) -> ConfigDecision:
    """One choice for each file of a config restore, and if the restore must not run, the reason."""
    files, refusals, warnings, name = [], [], [], details.name
    held = {item.target for item in config.config_items} if config else set()
    for target in CONFIG_TARGETS:
        if target == VALIDATOR:
            files.append(_validator_choice(signing))
            continue
        choice = _genesis_choice(details, config, target, chain) or _file_choice(
            details, config, target, held, keep_key
        )
        files.append(replace(choice, found=_found(details, target)) if choice.changes else choice)
        if choice.action is FileAction.KEEP and target in _NEEDED and not _is_live(details, target):
            sentence = f"{name}: {target} is neither on the node nor in a backup: it could not start"
            advice = _REMEDIES.get(target, _SAME_ON_ALL)
            refusals.append(Finding(FindingCode.FILE_MISSING, name, sentence, advice))
    if config is None:
        sentence = f"{name}: there is no config backup of it; its own config stays"
        warnings.append(Finding(FindingCode.NO_CONFIG_BACKUP, name, sentence))
    if details.addrbook or ADDRBOOK in details.digests:
        files.append(_addrbook_choice(details, addrbook_stale))
    shadow = _shadowing(details)
    if shadow:
        sentence = f"{name}: {shadow} lies beside loom.yml and wins over it"
        advice = "Move it away before the restore"
        refusals.append(Finding(FindingCode.CONFIG_SHADOWED, name, sentence, advice))
    return ConfigDecision(tuple(files), tuple(refusals), tuple(warnings))


def _found(details: NodeDetails, target: str) -> str | None:
    """By which a run sees that nobody has changed the file since; of the unit only its text is known."""
    text = live_text(details, UNIT) if target == UNIT else None
    return details.digests.get(target) if text is None else hashlib.sha256(text.encode()).hexdigest()


def _is_live(details: NodeDetails, target: str) -> bool:
    return target in details.digests or live_text(details, target) is not None


def _file_choice(
    details: NodeDetails, config: Contents | None, target: str, held: set[str], keep_key: bool
) -> FileChoice:
    if config is None or target not in held:
        return FileChoice(target, FileAction.KEEP, "the backup has none", changes=False)
    digest = config.digests.get(target)
    if target == NODE_KEY:
        return _key_choice(details, config, digest, keep_key)
    after, before = config.texts.get(target, ""), live_text(details, target)
    same = digest is not None and details.digests.get(target) == digest
    if same or (target == UNIT and before == after):  # of the unit only its text is known
        known = digest if same else None
        return FileChoice(target, FileAction.RESTORE, "the same as on the node", changes=False, digest=known)
    reason = "differs from the node's" if before is not None else "missing on the node"
    diff = unified_diff(before or "", after, target)
    return FileChoice(target, FileAction.RESTORE, reason, changes=True, digest=digest, diff=diff)


def _genesis_choice(
    details: NodeDetails, config: Contents | None, target: str, chain: Chain
) -> FileChoice | None:
    """The chain's own genesis for a node whose backup has none or another chain's; else None."""
    genesis = chain.genesis(target)
    saved = config.texts.get(target) if config is not None else None
    if genesis is None or chain.owns(target, saved) or (saved is not None and target == LOOM_GENESIS):
        return None
    live = live_text(details, target)
    if chain.owns(target, live):
        return FileChoice(target, FileAction.KEEP, "the node's own is the chain's", changes=False)
    reason = f"{'missing on the node' if live is None else 'of another chain'}; taken from {genesis.origin}"
    digest = hashlib.sha256(genesis.text.encode()).hexdigest()
    diff = unified_diff(live or "", genesis.text, target)
    return FileChoice(
        target, FileAction.RESTORE, reason, changes=True, digest=digest, diff=diff, text=genesis.text
    )


def _key_choice(details: NodeDetails, config: Contents, digest: str | None, keep_key: bool) -> FileChoice:
    live_id = details.status.node_key.node_id if details.status.node_key else None
    backup_id = config.node_key.node_id if config.node_key else None
    if backup_id is None:
        return FileChoice(NODE_KEY, FileAction.KEEP, "the backup's key cannot be read", changes=False)
    if live_id == backup_id:
        return FileChoice(
            NODE_KEY, FileAction.RESTORE, f"the same identity {backup_id}", changes=False, digest=digest
        )
    if live_id is not None and keep_key:
        return FileChoice(NODE_KEY, FileAction.KEEP, f"the node keeps its identity {live_id}", changes=False)
    reason = f"identity {backup_id}" + (f" in the place of {live_id}" if live_id else "; the node has none")
    return FileChoice(NODE_KEY, FileAction.RESTORE, reason, changes=True, digest=digest)


def _validator_choice(signing: SigningChoice) -> FileChoice:
    action = _OF_SIGNING[signing.action]
    return FileChoice(VALIDATOR, action, signing.reason, changes=action is not FileAction.KEEP)


def _addrbook_choice(details: NodeDetails, stale: bool) -> FileChoice:
    """The node rebuilds a missing addrbook.json; one that it cannot read keeps it from starting."""
    if details.addrbook and not stale:
        return FileChoice(ADDRBOOK, FileAction.KEEP, "all entries are right", changes=False)
    reason = "it holds addresses that no node of the inventory has"
    if not details.addrbook:
        reason = "there is no entry in it that can be read"
    return FileChoice(ADDRBOOK, FileAction.SET_ASIDE, reason, changes=True)


def _shadowing(details: NodeDetails) -> str | None:
    winner = winning_config((*details.loom_configs, LOOM_CONFIG))
    return None if winner in {None, LOOM_CONFIG} else winner
