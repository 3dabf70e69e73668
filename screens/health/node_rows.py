"""The rows of the health screen: which columns there is room for, and what is in them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from loomtui.fleet.probes.node_status import NodeStatus
from loomtui.inventory.model import Inventory, Node
from loomtui.wording.quantities import NOTHING, ago, bar, count, load, number, offset, short_count, short_size
from screens.health.trend import common_top, sparkline
from screens.health.watch import Watch
from screens.text.words import STALE_AFTER, Mark, Tone, cut, node_mark, short_id

MARKED = "◆"
_MOST_NAME = 18
_MOST_GROWTH = 60
_BAR_CELLS = 4
#: Blocks behind the highest from which on it is worth a look: nodes are not looked at in the same moment.
_LAGS = 10
_DISK_WARN, _DISK_BAD = 0.85, 0.95
#: Seconds; Tendermint's block times come from the validators' clocks.
_CLOCK_WARN = 1.0


@dataclass(frozen=True)
class Cell:
    text: str
    tone: Tone = Tone.PLAIN
    right: bool = False


@dataclass(frozen=True)
class Column:
    """`cells` is its width without the blank in front. `key` tells how rows are ordered by it."""

    name: str
    title: str
    cells: int
    worth: int  # the lower, the sooner it has its place
    key: Callable[[Look], object] | None = None


@dataclass(frozen=True)
class Look:
    """What a row is made from."""

    place: int  # in the inventory
    node: Node
    status: NodeStatus | None
    lag: int | None
    now: datetime

    @property
    def stale(self) -> bool:
        return self.status is not None and self.now - self.status.at > STALE_AFTER

    @property
    def disk_used(self) -> float | None:
        """Share of the disk, 0 to 1."""
        free_bytes, total_bytes = (
            (self.status.disk_free_bytes, self.status.disk_total_bytes) if self.status else (None, None)
        )
        return None if free_bytes is None or not total_bytes else 1 - free_bytes / total_bytes


_TONE_ORDER = (Tone.BAD, Tone.WARN, Tone.DIM, Tone.GOOD)


def _by_state(look: Look) -> object:
    """Nodes that need care come first."""
    tone = node_mark(look.status).tone
    return _TONE_ORDER.index(tone) if tone in _TONE_ORDER else len(_TONE_ORDER)


def _by_height(look: Look) -> object:
    chain = look.status.chain if look.status else None
    return -chain.height if chain and chain.height is not None else 1


def _by_peers(look: Look) -> object:
    chain = look.status.chain if look.status else None
    return chain.peers if chain and chain.peers is not None else -1


def _by_since(look: Look) -> object:
    service = look.status.service if look.status else None
    return -service.since.timestamp() if service and service.since else 0.0


def _by_restarts(look: Look) -> object:
    service = look.status.service if look.status else None
    return -(service.restarts or 0) if service else 0


def _by_load(look: Look) -> object:
    value = look.status.load_average if look.status else None
    return -value if value is not None else 1.0


#: In the order in which they stand.
COLUMNS = (
    Column("node", "Node", 0, 0, lambda look: look.place),
    Column("role", "Role", 9, 13, lambda look: look.node.role.value),
    Column("state", "State", 13, 1, _by_state),
    Column("height", "Height", 10, 2, _by_height),
    Column("growth", "Growth", 6, 5),
    Column("lag", "Lag", 5, 3, lambda look: -(look.lag if look.lag is not None else 1 << 62)),
    Column("peers", "Peers", 5, 4, _by_peers),
    Column("id", "Node ID", 8, 9),
    Column("since", "Since", 6, 8, _by_since),
    Column("restarts", "Restarts", 8, 10, _by_restarts),
    Column("disk", "Disk used", 9, 6, lambda look: -(look.disk_used if look.disk_used is not None else -1.0)),
    Column("free", "Free", 5, 14),
    Column("load", "Load", 6, 15, _by_load),
    Column("version", "Loom", 14, 12),
    Column("clock", "Clock", 7, 11),
    Column("age", "Age", 5, 7),
)
SORTS = tuple(column.name for column in COLUMNS if column.key is not None)


def columns_for(width: int, inventory: Inventory) -> Mapping[str, int]:
    """The columns that there is room for, each with its cells. The growth takes what is left over.

    The node's name is always one of them.
    """
    name_cells = min(_MOST_NAME, max((len(node.name) for node in inventory.nodes), default=4))
    cells = {column.name: column.cells or max(4, name_cells) + 2 for column in COLUMNS}
    included: set[str] = set()
    cells_left = width
    for column in sorted(COLUMNS, key=lambda column: column.worth):
        if cells[column.name] + 1 <= cells_left or not included:
            included.add(column.name)
            cells_left -= cells[column.name] + 1
    if "growth" in included:
        cells["growth"] = min(_MOST_GROWTH, cells["growth"] + max(0, cells_left))
    return {column.name: cells[column.name] for column in COLUMNS if column.name in included}


def looks_of(inventory: Inventory, watch: Watch, now: datetime) -> tuple[Look, ...]:
    highest = watch.highest
    return tuple(
        Look(place, node, status := watch.latest.get(node.name), _lag(status, highest), now)
        for place, node in enumerate(inventory.nodes)
    )


def _lag(status: NodeStatus | None, highest: int | None) -> int | None:
    height = status.chain.height if status and status.chain else None
    return None if height is None or highest is None else highest - height


def ordered(looks: Sequence[Look], sort_column: str, *, reverse: bool) -> tuple[Look, ...]:
    """Ordered by a column, with what needs care first, then as in the inventory."""
    key = next(column.key for column in COLUMNS if column.name == sort_column)
    in_inventory_order = sorted(looks, key=lambda look: look.place)
    return tuple(in_inventory_order if key is None else sorted(in_inventory_order, key=key, reverse=reverse))  # type: ignore[arg-type]


def column_title(column: str, sort_column: str, *, reverse: bool) -> str:
    text = next(one.title for one in COLUMNS if one.name == column)
    if column != sort_column or (sort_column == SORTS[0] and not reverse):
        return text
    return f"{text}{'▲' if reverse else '▼'}"


class Rows:
    """Makes the cells of every row; the growth of all nodes has one scale."""

    def __init__(self, inventory: Inventory, watch: Watch) -> None:
        self._inventory = inventory
        self._watch = watch
        self._top = common_top(tuple(trend.rates() for trend in watch.trends.values()))

    def cells(self, look: Look, widths: Mapping[str, int], *, marked: bool) -> Mapping[str, Cell]:
        row_cells = {
            **self._identity_cells(look, marked=marked),
            **self._chain_cells(look, widths.get("growth", 0)),
            **_service_cells(look),
            **_machine_cells(look),
        }
        return {name: _fit(row_cells[name], cells) for name, cells in widths.items()}

    @staticmethod
    def _identity_cells(look: Look, *, marked: bool) -> Mapping[str, Cell]:
        mark = node_mark(look.status)
        key = look.status.node_key if look.status else None
        return {
            "node": Cell(f"{MARKED if marked else ' '} {look.node.name}", Tone.STRONG),
            "role": Cell(look.node.role.value, _plain_tone(look)),
            "state": Cell(str(mark), mark.tone),
            "id": Cell(short_id(key.node_id if key else None), _plain_tone(look)),
        }

    def _chain_cells(self, look: Look, growth_cells: int) -> Mapping[str, Cell]:
        chain = look.status.chain if look.status else None
        trend = self._watch.trends.get(look.node.name)
        growth = sparkline(trend.rates() if trend else (), growth_cells, self._top)
        lags = look.lag is not None and look.lag >= _LAGS
        lag_text = NOTHING if look.lag is None else f"-{short_count(look.lag)}" if look.lag else "0"
        peers, too_few = self._peer_count(look)
        return {
            "height": Cell(number(chain.height if chain else None), _plain_tone(look), right=True),
            "growth": Cell(growth, _plain_tone(look)),
            "lag": Cell(lag_text, Tone.WARN if lags else _plain_tone(look), right=True),
            "peers": Cell(peers, Tone.WARN if too_few else _plain_tone(look), right=True),
        }

    def _peer_count(self, look: Look) -> tuple[str, bool]:
        """How many of the other validators it has, by identity.

        A question mark means that not all node IDs are known.
        """
        connections = self._watch.connections(look.node.name)
        if connections is None:
            return NOTHING, False
        text = f"{connections.possible}/{connections.expected}"
        return text if connections.certain else f"{text}?", not connections.complete


def _service_cells(look: Look) -> Mapping[str, Cell]:
    service = look.status.service if look.status else None
    restarts = service.restarts if service else None
    return {
        "since": Cell(ago(service.since, look.now) if service else NOTHING, _plain_tone(look), right=True),
        "restarts": Cell(number(restarts), Tone.WARN if restarts else _plain_tone(look), right=True),
    }


def _machine_cells(look: Look) -> Mapping[str, Cell]:
    status, disk_used = look.status, look.disk_used
    disk_tone = (
        Tone.BAD
        if (disk_used or 0) >= _DISK_BAD
        else Tone.WARN
        if (disk_used or 0) >= _DISK_WARN
        else _plain_tone(look)
    )
    clock = status.clock_offset_seconds if status else None
    age = ago(status.at, look.now) if status else NOTHING
    return {
        "disk": Cell(_disk_text(disk_used), disk_tone),
        "free": Cell(short_size(status.disk_free_bytes if status else None), _plain_tone(look), right=True),
        "load": Cell(load(status.load_average if status else None), _plain_tone(look), right=True),
        "version": Cell((status.version if status else None) or NOTHING, _plain_tone(look)),
        "clock": Cell(
            offset(clock), Tone.WARN if abs(clock or 0) > _CLOCK_WARN else _plain_tone(look), right=True
        ),
        "age": Cell(f"▲{age}" if look.stale else age, Tone.WARN if look.stale else Tone.DIM, right=True),
    }


def _disk_text(disk_used: float | None) -> str:
    return (
        NOTHING
        if disk_used is None
        else f"{bar(round(1000 * disk_used), 1000, _BAR_CELLS)} {disk_used:>4.0%}"
    )


def _plain_tone(look: Look) -> Tone:
    return Tone.DIM if look.stale else Tone.PLAIN


def _fit(cell: Cell, cells: int) -> Cell:
    return Cell(cut_keeping_start(cell.text, cells), cell.tone, cell.right)


def cut_keeping_start(text: str, cells: int) -> str:
    """Blanks in front stay, because a mark would be in them."""
    return text if text.isascii() and len(text) <= cells else f"{text[:2]}{cut(text[2:], max(1, cells - 2))}"


def row_text(cells: Mapping[str, Cell], look: Look) -> str:
    """What a filter looks at."""
    mark: Mark = node_mark(look.status)
    words = [look.node.name, look.node.role.value, mark.word, *(cell.text.strip() for cell in cells.values())]
    return " ".join(words)


def table_summary(
    shown_count: int,
    total_count: int,
    marked_count: int,
    sort_column: str,
    *,
    reverse: bool,
    filter_text: str,
) -> str:
    """What is shown and how, for the frame."""
    parts = [
        count(total_count, "node")
        if shown_count == total_count
        else f"{shown_count} of {count(total_count, 'node')}"
    ]
    if filter_text:
        parts.append(f"filter {filter_text}")
    if sort_column != "node" or reverse:
        title = next(column.title for column in COLUMNS if column.name == sort_column)
        parts.append(f"by {title.lower()}{', turned' if reverse else ''}")
    if marked_count:
        parts.append(f"{marked_count} marked")
    return " · ".join(parts)
