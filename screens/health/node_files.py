"""Compares a node's configuration files with those of the others, by their digests. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.content import Content

from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.loom.databases import LOOM_CONFIG, LOOM_GENESIS, SECRET_TARGETS, TENDERMINT_GENESIS
from loomtui.wording.quantities import joined
from screens.text import content
from screens.text.words import Mark, Tone

#: The chain's own: on every node alike, or they do not belong to one chain.
_ONE_CHAIN = frozenset({LOOM_GENESIS, TENDERMINT_GENESIS})
_ALIKE = _ONE_CHAIN | {LOOM_CONFIG}


def file_lines(
    name: str, details: Mapping[str, NodeDetails], unread_nodes: tuple[str, ...]
) -> Iterator[Content]:
    """One line for each file. `unread` are nodes whose files could not be compared, or not yet."""
    paths = sorted({path for node_details in details.values() for path in node_details.digests})
    own_digests = details[name].digests if name in details else {}
    for path in paths:
        other_digests = {
            node: node_details.digests.get(path) for node, node_details in details.items() if node != name
        }
        mark = comparison_mark(path, own_digests.get(path), other_digests)
        yield content.row(
            content.line(f"{path:<34} ", Tone.DIM),
            content.line(f"{(own_digests.get(path) or 'missing')[:8]:<9} "),
            content.mark(mark),
        )
    if unread_nodes:
        yield content.line(f"not compared with {joined(unread_nodes)}", Tone.WARN)


def comparison_mark(path: str, own_digest: str | None, other_digests: Mapping[str, str | None]) -> Mark:
    """`others` are digests by node; None means that the node has no such file."""
    holders = [node for node, digest in other_digests.items() if digest is not None]
    if own_digest is None:
        return Mark(
            "○", f"missing here; {joined(holders)} {'has' if len(holders) == 1 else 'have'} it", Tone.WARN
        )
    same_nodes = [node for node in holders if other_digests[node] == own_digest]
    different_nodes = [node for node in holders if other_digests[node] != own_digest]
    if path in SECRET_TARGETS:
        if same_nodes:
            return Mark("✗", f"the same as on {joined(same_nodes)}: nodes must not share a key", Tone.BAD)
        return Mark("✓", "of its own", Tone.GOOD)
    if path in _ALIKE:
        if not different_nodes:
            text = f"the same on {joined(same_nodes)}" if same_nodes else "nothing to compare it with"
            return Mark("✓", text, Tone.GOOD) if same_nodes else Mark("·", text, Tone.DIM)
        tone = Tone.BAD if path in _ONE_CHAIN else Tone.WARN
        return Mark("✗" if tone is Tone.BAD else "▲", f"differs from {joined(different_nodes)}", tone)
    return Mark("·", f"the same on {joined(same_nodes)}" if same_nodes else "differs, as it may", Tone.DIM)
