"""Whether a manifest holds together as a whole. Whoever can write to the bucket can write one. Pure.

What contradicts itself is refused here. What is merely untrue is found out by the nodes, which compare every
file while they fetch, and listing, heights and identities after unpacking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from loomtui.backups.configs import MAX_CONFIG_BYTES, is_config_name
from loomtui.backups.layouts import FileFacts, classify
from loomtui.backups.members import Parts, check_members, parts_of
from loomtui.backups.model import Item, Member, MemberType
from loomtui.backups.prepared.manifest import MAX_TEXT, Frame, Manifest, ManifestFile, Part, Twin
from loomtui.backups.prepared.places import is_part
from loomtui.errors import ArchiveRejected
from loomtui.loom import chainstate, nodekey, validator
from loomtui.loom.databases import ADDRBOOK, CONFIG_TARGETS
from loomtui.loom.genesis import read_tendermint_genesis
from loomtui.text import clean_line

_TARGETS = frozenset({*CONFIG_TARGETS, ADDRBOOK})
_LINKS_AND_FOLDERS = frozenset({MemberType.DIRECTORY, MemberType.SYMLINK, MemberType.HARDLINK})


class ManifestInvalid(ValueError):
    """Why an object is no manifest that can be used: a sentence without its key."""


def check(manifest: Manifest) -> None:
    """Raises ManifestInvalid."""
    try:
        problem = next(_problems(manifest), None)
    except ArchiveRejected as error:
        raise ManifestInvalid(error.reason) from None
    if problem is not None:
        raise ManifestInvalid(problem)


def members_of(manifest: Manifest) -> tuple[Member, ...]:
    """The listing as a read of the archive gives it, with links and folders behind the files."""
    files = (Member(one.path, MemberType.FILE, one.size_bytes, "", one.mtime) for one in manifest.files)
    return (*files, *manifest.others)


def files_for_twin(files: Sequence[ManifestFile], items: Iterable[Item]) -> frozenset[int]:
    """Indexes of the files below these items; of a path that is there twice, the last one."""
    roots = [parts_of(item.source) for item in items]
    last = {parts_of(file.path): index for index, file in enumerate(files)}
    return frozenset(index for path, index in last.items() if _is_below(path, roots))


def why_no_twin(others: Iterable[Member], items: Sequence[Item]) -> str | None:
    """Why the databases cannot be put into parts. None: they can."""
    if not items:
        return "it holds no databases"
    roots = [parts_of(item.source) for item in items]
    links = (one for one in others if one.type is MemberType.HARDLINK)
    if any(_is_below(parts_of(one.path), roots) for one in links):
        return "hard links are in it, which parts cannot hold"
    return None


def _is_below(path: Parts, roots: Iterable[Parts]) -> bool:
    return any(path[: len(root)] == root for root in roots)


def _problems(manifest: Manifest) -> Iterator[str]:
    """Raises ArchiveRejected where the listing is what no archive may hold."""
    if manifest.made_at.tzinfo is None:
        yield "made_at has no time zone"
    if manifest.has_twin != (manifest.twin is not None):
        yield "has_twin and twin contradict each other"
    for name, text in _texts(manifest):
        if clean_line(text, limit=MAX_TEXT) != text:
            yield f"{name} holds what cannot be shown on a line"
    if manifest.refusal is not None:
        if manifest.files or manifest.others or manifest.has_twin:
            yield "it refuses the backup, but lists what is in it"
        return
    if not manifest.source.sha256 or manifest.source.compression is None:
        yield "it does not refuse the backup, but does not tell its SHA-256 or its compression"
    yield from _listing_problems(manifest)
    yield from _chain_problems(manifest)
    yield from _identity_problems(manifest)
    if manifest.twin is not None:
        yield from _twin_problems(manifest.twin, manifest)


def _texts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    yield from (("made_by", manifest.made_by), ("loomtui", manifest.loomtui))
    yield ("no_twin", manifest.no_twin or "")
    yield from (("refusal", manifest.refusal or ""), ("chain_id", manifest.chain_id or ""))
    yield from (("a warning", warning) for warning in manifest.warnings)


def _listing_problems(manifest: Manifest) -> Iterator[str]:
    members = members_of(manifest)
    if not members:
        yield "it lists nothing"
    if any(one.type not in _LINKS_AND_FOLDERS or one.size for one in manifest.others):
        yield "others holds what is neither a folder nor a link"
    if any(not 0 <= one.mtime < 2**41 for one in manifest.others):
        yield "a time is out of range"
    check_members(members)
    if any(_is_misplaced(file) for file in manifest.files):
        yield "a file is called a config file that cannot be one"
    facts = {
        file.path: FileFacts(file.sha256, file.target)
        for file in manifest.files
        if file.size_bytes <= MAX_CONFIG_BYTES and is_config_name(file.path)
    }
    layout = classify(members, facts)
    told = manifest.kind, manifest.data_items, manifest.config_items, manifest.own_items
    if told != (layout.kind, layout.data_items, layout.config_items, layout.own_items):
        yield "kind and items are not those that follow from its listing"


def _is_misplaced(file: ManifestFile) -> bool:
    if file.target is None:
        return False
    can_be = file.size_bytes <= MAX_CONFIG_BYTES and is_config_name(file.path)
    return file.target not in _TARGETS or not can_be


def _chain_problems(manifest: Manifest) -> Iterator[str]:
    chain = manifest.chain
    if chain is not None and not chainstate.is_sound(chain):
        yield "chain is no state of a chain"
    if chain is not None and chain.height != manifest.state_height:
        yield "state_height is not the height of chain"
    if manifest.genesis_doc is not None:
        try:
            read_tendermint_genesis(manifest.genesis_doc)
        except ValueError:
            yield "genesis_doc is no genesis of Tendermint"


def _identity_problems(manifest: Manifest) -> Iterator[str]:
    if manifest.node_key is not None and not nodekey.is_sound(manifest.node_key):
        yield "node_key is not what can be told of a node key"
    if manifest.validator is not None and not validator.is_sound(manifest.validator):
        yield "validator is not what can be told of a validator key"


def _twin_problems(twin: Twin, manifest: Manifest) -> Iterator[str]:
    if len({part.key for part in twin.parts}) != len(twin.parts):
        yield "a part is named twice"
    for part in twin.parts:
        yield from _part_problems(part)
    held = [index for part in twin.parts for frame in part.frames for index in frame.files]
    if any(index >= len(manifest.files) for index in held):
        yield "a frame names a file that is not listed"
    why_not = why_no_twin(manifest.others, manifest.data_items)
    if why_not is not None:
        yield f"there can be no twin: {why_not}"
    if sorted(held) != sorted(files_for_twin(manifest.files, manifest.data_items)):
        yield "not every file of the databases is in exactly one frame, and nothing else"


def _part_problems(part: Part) -> Iterator[str]:
    if not is_part(part.key) or clean_line(part.key) != part.key:
        yield "a part lies where none can be"
    if not part.frames:
        yield "a part has no frames"
    if not _are_in_order(part.frames, part.size_bytes):
        yield "frames of a part overlap, or lie beyond its end"


def _are_in_order(frames: tuple[Frame, ...], size: int) -> bool:
    end = 0
    for frame in frames:
        if frame.offset < end:
            return False
        end = frame.offset + frame.length
    return end <= size
