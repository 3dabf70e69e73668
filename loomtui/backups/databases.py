"""Whether the databases in an archive are whole, judged by what was read of their folders. Pure.

By default backup.sh copies a running node, file by file, for minutes (docs/loom.md 5). Then a MANIFEST may
name tables that were gone when their turn came, or databases may be at heights that do not fit. What no node
could open is refused; what merely tells of a running node is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from loomtui.backups.members import Parts, parts_of
from loomtui.errors import ArchiveRejected
from loomtui.loom import leveldb
from loomtui.loom.chainstate import ChainState, read_chain_state, read_genesis_doc
from loomtui.loom.databases import APP_DB
from loomtui.loom.heights import Handshake, judge
from loomtui.loom.manifest import Version, file_number, read_manifest, was_left_open
from loomtui.text import clean_line

BLOCK_STORE, STATE = "blockstore.db", "state.db"
#: Databases whose journals tell a height.
HEIGHTS = {APP_DB: leveldb.app_height, BLOCK_STORE: leveldb.store_height, STATE: leveldb.state_height}

T = TypeVar("T")

_ADVICE = "The node was running while it was copied. Choose another backup."


@dataclass
class Folder:
    """What was read of one database's folder."""

    current: str | None = None  # what CURRENT names; None: there is none
    versions: dict[str, Version | None] = field(default_factory=dict)  # name of a MANIFEST -> what it says
    heights: dict[int, int] = field(default_factory=dict)  # number of a journal -> the height in it
    #: Of state.db: what the journal with the highest number told, and that number. Where it is dead, all are.
    last_chain: tuple[int, ChainState] | None = None
    last_genesis_doc: tuple[int, str] | None = None
    left_open: bool = False  # by its LOG

    @property
    def version(self) -> Version | None:
        """The version by the MANIFEST in force, or None if it was not read."""
        return self.versions.get(self.current) if self.current else None

    @property
    def tables(self) -> int:
        """How many tables its MANIFESTs name in all."""
        return sum(len(version.tables) for version in self.versions.values() if version)

    @property
    def height(self) -> int | None:
        """The height from its journals. Journals that a flush has made dead do not count."""
        heights = (height for number, height in self.heights.items() if number >= self._first_journal)
        return max(heights, default=None)

    @property
    def chain(self) -> ChainState | None:
        """The chain from its last journal that tells it, unless a flush has made that journal dead."""
        return _living(self.last_chain, self._first_journal)

    @property
    def genesis_doc(self) -> str | None:
        """The genesis from its last journal that holds it, unless a flush has made that journal dead."""
        return _living(self.last_genesis_doc, self._first_journal)

    @property
    def _first_journal(self) -> int:
        """The first live journal; those with lower numbers are dead."""
        return self.version.log if self.version else 0

    def read_current(self, data: bytes) -> None:
        self.current = data.decode("utf-8", "replace").strip()

    def read_manifest(self, name: str, data: bytes) -> None:
        self.versions[name] = read_manifest(data)

    def read_journal(self, database: str, number: int, data: bytes) -> None:
        """What a journal (or its tail) tells. In state.db, `stateKey` is written last, so it wins."""
        height = HEIGHTS[database](data)
        if database == STATE:
            chain, genesis_doc = read_chain_state(data), read_genesis_doc(data)
            if chain is not None:
                height = chain.height
                self.last_chain = _later(self.last_chain, (number, chain))
            if genesis_doc is not None:
                self.last_genesis_doc = _later(self.last_genesis_doc, (number, genesis_doc))
        if height is not None:
            self.heights[number] = height

    def read_log(self, data: bytes) -> None:
        self.left_open = was_left_open(data)


def _living(entry: tuple[int, T] | None, first: int) -> T | None:
    return entry[1] if entry and entry[0] >= first else None


def _later(known: tuple[int, T] | None, new: tuple[int, T]) -> tuple[int, T]:
    return known if known and known[0] > new[0] else new


def height_of(folders: Mapping[str, Folder], name: str) -> int | None:
    """The height of the database with this name, wherever it lies in the archive."""
    heights = [folder.height for path, folder in folders.items() if parts_of(path)[-1:] == (name,)]
    return max((height for height in heights if height is not None), default=None)


def state_of(folders: Mapping[str, Folder], roots: Sequence[Parts]) -> Folder:
    """The state.db below one of `roots`, the folders that would be restored, or else an empty one."""
    state_folders = [
        folder
        for path, folder in folders.items()
        if (parts := parts_of(path))[-1:] == (STATE,) and any(parts[: len(root)] == root for root in roots)
    ]
    return max(
        state_folders, key=lambda folder: -1 if folder.height is None else folder.height, default=Folder()
    )


def check_databases(
    roots: Sequence[Parts], folders: Mapping[str, Folder], files: Mapping[Parts, int]
) -> tuple[str, ...]:
    """Warnings about the databases below `roots`, the folders that would be restored.

    `files` are all files of the archive, with their sizes. Raises ArchiveRejected for a database that no node
    could open.
    """
    read = {parts_of(path): folder for path, folder in folders.items()}
    signs: list[str] = []
    for parts, names in sorted(_databases(roots, files).items()):
        shown = clean_line("/".join(parts), limit=120)
        folder = read.get(parts, Folder())
        problem = _problem(folder, names)
        if problem:
            raise ArchiveRejected(f"{shown} in it is torn: {problem}", advice=_ADVICE)
        signs += [f"{shown} {sign}" for sign in _signs(folder, names)]
    signs += _heights(folders)
    if signs:
        shown_signs = "; ".join(signs[:3]) + (
            f"; and {len(signs) - 3} more such signs" if len(signs) > 3 else ""
        )
        return (f"it was copied from a running node and may be torn: {shown_signs}",)
    open_ones = sum(read.get(parts, Folder()).left_open for parts in _databases(roots, files))
    if open_ones:
        return (
            f"{open_ones} of its databases were not closed, by their LOG: the node ran while it was copied, "
            "or was killed before. A copy of a running node may be torn",
        )
    return ()


def _databases(roots: Sequence[Parts], files: Mapping[Parts, int]) -> dict[Parts, dict[str, int]]:
    """Folders that hold a LevelDB, with the names and sizes of their files."""
    folders: dict[Parts, dict[str, int]] = {}
    for path, size in files.items():
        if any(path[: len(root)] == root for root in roots):
            folders.setdefault(path[:-1], {})[path[-1]] = size
    return {
        parts: names
        for parts, names in folders.items()
        if "CURRENT" in names or any(file_number(name) for name in names)
    }


def _problem(folder: Folder, names: Mapping[str, int]) -> str | None:
    """Why it cannot be opened."""
    if "CURRENT" not in names:
        return "it has no CURRENT"
    if folder.current is not None and folder.current not in names:
        named = clean_line(folder.current, limit=60)
        return f"its CURRENT names {named!r}, which is missing" if named else "its CURRENT is empty"
    if folder.version is None:
        return None
    tables = {kind[1]: size for name, size in names.items() if (kind := _table(name))}
    wanted = folder.version.tables
    missing = sorted(set(wanted) - set(tables))
    if missing:
        shown = ", ".join(f"{number:06}" for number in missing[:3])
        return f"{len(missing)} of the {len(wanted)} tables that its MANIFEST names are missing ({shown})"
    other = [number for number, size in sorted(wanted.items()) if tables[number] != size]
    if other:
        number = other[0]
        return f"its table {number:06} has {tables[number]:,} bytes, by its MANIFEST {wanted[number]:,}"
    return None


def _table(name: str) -> tuple[str, int] | None:
    kind = file_number(name)
    return kind if kind and kind[0] == "table" else None


def _signs(folder: Folder, names: Iterable[str]) -> Iterator[str]:
    version = folder.version
    if version is not None:
        numbers = [kind for name in names if (kind := file_number(name))]
        newer = [number for kind, number in numbers if kind == "table" and number >= version.next_file]
        if newer:
            yield f"holds {len(newer)} tables that are newer than its MANIFEST"
        if version.log and not any(kind == "log" and number >= version.log for kind, number in numbers):
            yield f"lacks its journal {version.log:06}.log"


def _heights(folders: Mapping[str, Folder]) -> Iterator[str]:
    app, state, store = (height_of(folders, name) for name in (APP_DB, STATE, BLOCK_STORE))
    known = {"app.db": app, "state.db": state, "the block store": store}
    heights = {name: height for name, height in known.items() if height is not None}
    if len(set(heights.values())) > 1:
        yield "different heights: " + ", ".join(f"{name} at {height}" for name, height in heights.items())


def torn_heights(app: int | None, state: int | None, store: int | None) -> str | None:
    """Why a node with databases of these heights would not start.

    None means that it would, or that they are unknown.
    """
    if app is None or store is None:
        return None
    # Where state.db does not tell, only app and store are compared.
    verdict = judge(app, store if state is None else state, store)
    return verdict.message if verdict.result in {Handshake.REFUSED, Handshake.PANIC} else None
