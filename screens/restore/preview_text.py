"""What a step would do, for reading: what nodes have in common is told once, and paths are short. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from textual.content import Content

from loomtui.restore.running.operator import Preview
from loomtui.wording.quantities import count, joined
from screens.diff.diff_text import Difference, Page, page
from screens.input import keys
from screens.text import content
from screens.text.words import Tone


@dataclass(frozen=True)
class Told:
    """What is told of these nodes. Together, all that names a node is its whole preview."""

    nodes: tuple[str, ...]
    lines: tuple[str, ...]
    diff: str = ""
    already: bool = False


@dataclass(frozen=True)
class Folders:
    """The nodes' working directories, by which paths are shortened; or the wish to see whole paths."""

    by_node: Mapping[str, str]
    whole: bool = False

    def shorten(self, preview: Preview) -> Preview:
        folder = self.by_node.get(preview.node, "")
        return preview if self.whole else replace(preview, text=shortened(preview.text, folder))


NO_FOLDERS = Folders({})


def shortened(text: str, folder: str) -> str:
    """Without the folder in front of what lies in it. Other paths that begin alike stay whole."""
    folder = folder.rstrip("/")
    if not folder.startswith("/"):
        return text
    return re.sub(rf"(?<![^\s(,:;='\"]){re.escape(folder)}/(?=[^\s/])", "", text)


def told_once(previews: Sequence[Preview]) -> tuple[Told, ...]:
    """Nodes with something to do come first; of each kind first what all of them have in common."""
    told: list[Told] = []
    for already in (False, True):
        told += _told_alike([preview for preview in previews if preview.already is already])
    return tuple(told)


def _told_alike(previews: Sequence[Preview]) -> Iterator[Told]:
    """A single line that all have in common is worth it; what is left of nobody is not told."""
    if not previews:
        return
    nodes, already = tuple(preview.node for preview in previews), previews[0].already
    texts = {preview.node: tuple(preview.text.splitlines()) for preview in previews}
    common = _common(list(texts.values())) if len(previews) > 1 else ()
    rests: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for preview in previews:
        rest = tuple(line for line in texts[preview.node] if line not in common)
        rests.setdefault((rest, preview.diff), []).append(preview.node)
    if len(rests) == 1:
        yield Told(nodes, texts[nodes[0]], previews[0].diff, already)
        return
    if common:
        yield Told(nodes, common, already=already)
    for (rest, diff), names in rests.items():
        if rest or diff or not common:
            yield Told(tuple(names), rest, diff, already)


def _common(texts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    shared = frozenset(texts[0]).intersection(*texts[1:])
    return tuple(line for line in dict.fromkeys(texts[0]) if line in shared)


def previews_page(previews: Mapping[str, Preview], folders: Folders = NO_FOLDERS) -> Page:
    short = [folders.shorten(preview) for preview in previews.values()]
    parts: list[Content | Difference | str] = []
    for told in told_once(short):
        sign = ("✓ already so: ", Tone.GOOD) if told.already else ("▶ ", Tone.ACCENT)
        who = nodes_text(told.nodes, len(previews))
        first_line, *other_lines = told.lines or ("as this difference shows:" if told.diff else "",)
        parts.append(content.row(content.line(f"{who}  ", Tone.STRONG), content.line(*sign), first_line))
        parts += [f"    {text}" for text in other_lines]
        if told.diff:
            parts.append(Difference(told.diff))
    if any(one.text != previews[one.node].text for one in short):
        parts.append(content.line(_where(folders, tuple(previews)), Tone.DIM))
    return page(parts)


def has_paths(previews: Mapping[str, Preview], folders: Folders) -> bool:
    """Whether any path in them can be told shorter."""
    short = replace(folders, whole=False)
    return any(short.shorten(preview).text != preview.text for preview in previews.values())


def _where(folders: Folders, nodes: Sequence[str]) -> str:
    """What the short paths begin at, and the key that shows them whole."""
    places = {folders.by_node[node] for node in nodes if node in folders.by_node}
    place = places.pop() if len(places) == 1 else "each node's working directory"
    return f"Paths without / in front lie in {place}; {keys.name('run.paths')} shows them whole."


def nodes_text(names: Sequence[str], total: int) -> str:
    """all 5 nodes; db1, db2 and db3."""
    everybody = len(names) == total and total > 1
    return f"all {count(total, 'node')}" if everybody else joined(names)
