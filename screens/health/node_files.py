"""Compares a node's configuration files with those of the others, by their digests. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.content import Content

from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.loom.databases import LOOM_CONFIG, LOOM_GENESIS, SECRET_TARGETS, TENDERMINT_GENESIS
from screens.text import content
from screens.text.words import Mark, Tone, joined

#: The chain's own: on every node alike, or they do not belong to one chain.
_ONE_CHAIN = frozenset({LOOM_GENESIS, TENDERMINT_GENESIS})
_ALIKE = _ONE_CHAIN | {LOOM_CONFIG}


def files(name: str, details: Mapping[str, NodeDetails], unread: tuple[str, ...]) -> Iterator[Content]:
    """One line for each file. `unread` are nodes whose files could not be compared, or not yet."""
    paths = sorted({path for one in details.values() for path in one.digests})
    own = details[name].digests if name in details else {}
    for path in paths:
        others = {node: one.digests.get(path) for node, one in details.items() if node != name}
        mark = compared(path, own.get(path), others)
        yield content.row(
            content.line(f"{path:<34} ", Tone.DIM),
            content.line(f"{(own.get(path) or 'missing')[:8]:<9} "),
            content.mark(mark),
        )
    if unread:
        yield content.line(f"not compared with {joined(unread)}", Tone.WARN)


def compared(path: str, own: str | None, others: Mapping[str, str | None]) -> Mark:
    """`others` are digests by node; None means that the node has no such file."""
    having = [node for node, digest in others.items() if digest is not None]
    if own is None:
        return Mark(
            "○", f"missing here; {joined(having)} {'has' if len(having) == 1 else 'have'} it", Tone.WARN
        )
    same = [node for node in having if others[node] == own]
    unlike = [node for node in having if others[node] != own]
    if path in SECRET_TARGETS:
        if same:
            return Mark("✗", f"the same as on {joined(same)}: nodes must not share a key", Tone.BAD)
        return Mark("✓", "of its own", Tone.GOOD)
    if path in _ALIKE:
        if not unlike:
            words = f"the same on {joined(same)}" if same else "nothing to compare it with"
            return Mark("✓", words, Tone.GOOD) if same else Mark("·", words, Tone.DIM)
        odd = Tone.BAD if path in _ONE_CHAIN else Tone.WARN
        return Mark("✗" if odd is Tone.BAD else "▲", f"differs from {joined(unlike)}", odd)
    return Mark("·", f"the same on {joined(same)}" if same else "differs, as it may", Tone.DIM)
