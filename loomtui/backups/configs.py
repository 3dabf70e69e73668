"""Which files of an archive are a node's config, and which of several is the right one. Pure.

rsync puts `chaindata/config` at the top as `config/` (from 920b0f5 on) or flattens its files (before that).
Staging is not emptied between runs, so older copies may lie beside the ones of this run (docs/loom.md 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from loomtui.backups.members import parts_of
from loomtui.backups.model import Member, MemberType
from loomtui.loom.databases import (
    ADDRBOOK,
    LOOM_CONFIG,
    LOOM_GENESIS,
    NODE_KEY,
    TENDERMINT_CONFIG,
    TENDERMINT_GENESIS,
    UNIT,
    VALIDATOR,
)
from loomtui.loom.genesis import GenesisKind, classify_genesis
from loomtui.text import clean_line

#: A config file is small; what is larger is not looked into and never offered.
MAX_CONFIG_BYTES = 1024**2
#: A run of backup.sh copies `config/` and `chaindata/config/` within this many seconds of each other.
SAME_RUN_SECONDS = 24 * 3600

_BY_NAME = {
    "node_key.json": NODE_KEY,
    "priv_validator.json": VALIDATOR,
    "config.toml": TENDERMINT_CONFIG,
    "addrbook.json": ADDRBOOK,
    "loom.yml": LOOM_CONFIG,
}
_GENESIS = "genesis.json"
_IN_CHAINDATA = frozenset({NODE_KEY, VALIDATOR, TENDERMINT_GENESIS, TENDERMINT_CONFIG, ADDRBOOK})
#: These change by the second on a running node.
_CHANGING = frozenset({VALIDATOR, ADDRBOOK})


@dataclass(frozen=True)
class FileFacts:
    """What was read of one config file."""

    digest: str | None  # SHA-256, hex; None: not read
    target: str | None = None  # what it is by content; None: no config after all


@dataclass(frozen=True)
class Candidate:
    path: str  # as stored
    target: str
    rank: int  # 0: where it belongs
    digest: str | None  # None: not read
    mtime: int

    @property
    def in_chaindata(self) -> bool:
        return self.target in _IN_CHAINDATA


def is_config_name(path: str) -> bool:
    """Whether this could be a config file, by its name.

    Nothing inside a database or chaindata/data is one.
    """
    parts = parts_of(path)
    if not parts or not (parts[-1] in _BY_NAME or parts[-1] == _GENESIS or parts[-1].endswith(".service")):
        return False
    in_block_data = ("chaindata", "data") in pairwise(parts)
    return not in_block_data and not any(part.endswith((".db", "_db")) for part in parts[:-1])


def oversized(members: Sequence[Member]) -> list[str]:
    """A warning for each config file that is too large to be one."""
    return [
        f"{clean_line(member.path, limit=120)} has {member.size:,} bytes: no config file has; it is not used"
        for member in members
        if member.type is MemberType.FILE and member.size > MAX_CONFIG_BYTES and is_config_name(member.path)
    ]


def target_by_content(path: str, text: str) -> str | None:
    """What a config file is, by its name, and if the name is not enough, by its content."""
    name = parts_of(path)[-1]
    if name == _GENESIS:
        kinds = {GenesisKind.LOOM: LOOM_GENESIS, GenesisKind.TENDERMINT: TENDERMINT_GENESIS}
        return kinds.get(classify_genesis(text))
    if name.endswith(".service"):
        return UNIT if any(line.strip().startswith("ExecStart=") for line in text.splitlines()) else None
    return _BY_NAME.get(name)


def candidates(members: Sequence[Member], files: Mapping[str, FileFacts] | None) -> tuple[Candidate, ...]:
    """Every file that may be config, once. If one is stored twice, the last one counts, as in tar.

    A file that is not in `files` was not read and is none; if `files` is None, name and place decide.
    """
    by_parts: dict[tuple[str, ...], Candidate] = {}
    for member in members:
        if member.type is not MemberType.FILE or not is_config_name(member.path):
            continue
        facts = _facts_by_place(member.path) if files is None else files.get(member.path)
        if facts is not None and facts.target is not None:
            digest, target = facts.digest, facts.target
            parts = parts_of(member.path)
            by_parts[parts] = Candidate(member.path, target, _rank(parts, target), digest, member.mtime)
    return tuple(by_parts.values())


def choose(config_candidates: Sequence[Candidate]) -> tuple[dict[str, Candidate], list[str]]:
    """Maps each target to the one file to restore, with a warning for each that cannot be told.

    The files of chaindata/config are taken from one place all together, never mixed from two.
    """
    best = min((one.rank for one in config_candidates if one.in_chaindata), default=0)
    chosen: dict[str, Candidate] = {}
    warnings = []
    for target in dict.fromkeys(one.target for one in config_candidates if one.target != ADDRBOOK):
        ranked = [one for one in config_candidates if one.target == target]
        rank = best if target in _IN_CHAINDATA else min(one.rank for one in ranked)
        ranked = [one for one in ranked if one.rank == rank]
        if len(ranked) == 1 or (ranked and _equal(ranked)):
            chosen[target] = ranked[0]
        elif ranked:
            shown = ", ".join(sorted(clean_line(one.path, limit=120) for one in ranked[:5]))
            name = "unit file" if target == UNIT else target
            warnings.append(f"more than one {name} is in the archive ({shown}); none of them is offered")
    return chosen, warnings


def is_leftover(config_candidates: Sequence[Candidate]) -> bool:
    """Whether the config beside chaindata/config comes from an earlier run of backup.sh.

    Files that never change must be equal. Those that change by the second may differ if both copies are of
    the same run on a running node.
    """
    return any(
        other.target not in _CHANGING
        or not (own.mtime and other.mtime)
        or abs(own.mtime - other.mtime) > SAME_RUN_SECONDS
        for own, other in _differing(config_candidates)
    )


def leftover_warnings(config_candidates: Sequence[Candidate]) -> list[str]:
    pairs = _differing(config_candidates)
    if not pairs:
        return []
    names = ", ".join(sorted({clean_line(other.path, limit=120) for _, other in pairs}))
    if is_leftover(config_candidates):
        return [
            f"leftovers of an earlier run are in the archive and not used ({names}): they differ from its "
            "chaindata/config"
        ]
    return [f"{names} differ from chaindata/config: taken from a running node; chaindata/config is used"]


def _differing(config_candidates: Sequence[Candidate]) -> list[tuple[Candidate, Candidate]]:
    """Pairs (in chaindata/config, elsewhere) with the same target and other bytes.

    A file without a partner pairs with itself.
    """
    own = {one.target: one for one in config_candidates if one.in_chaindata and one.rank == 0}
    if not own:
        return []
    others = [one for one in config_candidates if one.in_chaindata and one.rank > 0]
    return [
        (own.get(other.target, other), other)
        for other in others
        if other.target not in own
        or (None not in (own[other.target].digest, other.digest) and own[other.target].digest != other.digest)
    ]


def _equal(same_place: Sequence[Candidate]) -> bool:
    digests = {one.digest for one in same_place}
    return len(digests) == 1 and None not in digests


def _facts_by_place(path: str) -> FileFacts:
    parts = parts_of(path)
    if parts[-1] == _GENESIS:
        return FileFacts(None, TENDERMINT_GENESIS if parts[-2:-1] == ("config",) else LOOM_GENESIS)
    return FileFacts(None, UNIT if parts[-1].endswith(".service") else _BY_NAME.get(parts[-1]))


def _rank(parts: tuple[str, ...], target: str) -> int:
    in_config = parts[-2:-1] == ("config",)
    if target in _IN_CHAINDATA:
        return 0 if parts[-3:-1] == ("chaindata", "config") else 1 if in_config else 2
    return 1 if in_config else 0
