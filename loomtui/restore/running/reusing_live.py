"""Takes over files of the live databases that a backup holds too, so that they need not be fetched.

`planning/live_data.py` says which ones may be the same; whether they are, the node tells by SHA-256. The
live files stay as they are, and the service may run meanwhile.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from loomtui.backups.model import Item
from loomtui.backups.prepared.manifest import ManifestFile
from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.probes.live_files import LiveFile, look_at_live_files
from loomtui.loom.databases import STATE_NAMES
from loomtui.restore.plan import Archive
from loomtui.restore.planning.live_data import can_link, same_place
from loomtui.restore.running.node_run import REUSE_LIVE, TAKEN, NodeRun
from loomtui.restore.running.pieces import sums_of

_DIGEST = 64 + len("  ")  # what stands before the path in a line of sha256sum
_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Takeable:
    """A file of the manifest, and the live one that may be the same."""

    file: ManifestFile
    live: str  # below the working directory
    can_link: bool  # a table that has its owner and mode already: no other file ever gets other bytes


def takeable(
    wanted: Iterable[ManifestFile],
    items: Sequence[Item],
    live: Mapping[str, LiveFile],
    owner: tuple[str, str],
) -> tuple[Takeable, ...]:
    """Those that the node may have, by path. `owner`: user and group that the databases belong to."""
    found = []
    for file in wanted:
        same = same_place(file.path, file.size_bytes, items, live)
        if same is not None:
            found.append(Takeable(file, same[0], can_link(*same, owner)))
    return tuple(sorted(found, key=lambda one: one.file.path))


def lists_of(taken: Sequence[Takeable]) -> tuple[bytes, bytes]:
    """As reuse_live.sh reads them: what to take, and its sums."""
    lines: list[str] = []
    for (folder, live, linked), group in groupby(sorted(taken, key=_folders), key=_folders):
        lines += [f"> {folder or '.'}\n", f"< {live or '.'}\n"]
        lines += [f"{'l' if linked else 'c'} {posixpath.basename(one.live)}\n" for one in group]
    return "".join(lines).encode(), "".join(sums_of(one.file for one in taken)).encode()


async def reuse_live(
    node_run: NodeRun, name: str, archive: Archive, wanted: Sequence[ManifestFile]
) -> frozenset[str]:
    """Makes these files ready in the `raw` folder of the set, as far as the node has them.

    Returns their paths in the archive. What was taken over once is not looked for again in this run. Raises
    NodeUnreachable, ScriptFailed.
    """
    before = read_facts((await node_run.session.inspect(TAKEN, node_run.workdir, node_run.run, name)).stdout)
    if "sums" in before:
        sums = before["sums"].decode("utf-8", "surrogateescape").splitlines()
        return frozenset(line[_DIGEST:] for line in sums) - _lost(before)
    live = await look_at_live_files(node_run.session, node_run.workdir, STATE_NAMES)
    taken = takeable(wanted, archive.items, live, (node_run.plan.user, node_run.plan.group))
    takes, listed = lists_of(taken)
    output = await node_run.change(
        REUSE_LIVE, name, str(len(takes)), str(len(listed)), stdin=takes + listed, timeout=_SECONDS
    )
    return frozenset(one.file.path for one in taken) - _lost(read_facts(output.stdout))


def _lost(facts: Facts) -> frozenset[str]:
    return frozenset(path.decode("utf-8", "surrogateescape") for path in facts.all("lost"))


def _folders(one: Takeable) -> tuple[str, str, bool]:
    return posixpath.dirname(one.file.path), posixpath.dirname(one.live), one.can_link
