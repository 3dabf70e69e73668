"""What a restore would take, told from the list alone: it is what the plan's chooser takes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.backups.catalogue import newest_first
from loomtui.backups.model import Backup, BackupKind, Contents, Item
from loomtui.inventory.model import Node, Role
from loomtui.restore.choices import Choices
from loomtui.restore.planning.choosing import Chooser
from loomtui.restore.planning.taking import what_is_taken
from tests.restore.fake_catalogue import FakePrepared
from tests.restore.material import NOW, backup, contents

NODES = tuple(Node(name=name, role=Role.VALIDATOR, host=name) for name in ("n1", "n2"))


class Listed:
    """A catalogue in which every archive holds what its kind says."""

    def __init__(self, backups: tuple[Backup, ...]) -> None:
        self.backups = backups
        self.prepared = FakePrepared()

    async def list(self) -> tuple[Backup, ...]:
        return self.backups

    async def guess(self, one: Backup) -> Backup:
        return one

    def meant_as_backup(self, one: Backup) -> bool:
        return True

    def may_be_of(self, one: Backup, source: str) -> bool:
        return False

    async def check(self, key: str, etag: str, size_bytes: int) -> None:
        """The store still gives it."""

    async def look(self, one: Backup, progress: object = None) -> Contents:
        items = (Item("app.db", "app.db"),)
        return contents(
            backup=one,
            data_items=items if one.kind in (BackupKind.DATA, BackupKind.FULL) else (),
            own_items=items,
            config_items=items if one.kind in (BackupKind.CONFIG, BackupKind.FULL) else (),
        )


def made(number: int, hours: int, kind: BackupKind, source: str | None) -> Backup:
    at = NOW - timedelta(hours=hours)
    return backup(f"{number}", kind=kind, source=source, taken_at=at, last_modified=at)


BACKUPS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(BackupKind), st.sampled_from([None, "n1", "n2", "b"])),
    max_size=12,
)


@given(BACKUPS, st.one_of(st.none(), st.integers(0, 9)))
async def test_it_is_what_the_chooser_takes(
    found: list[tuple[int, BackupKind, str | None]], hours: int | None
) -> None:
    listed = newest_first(made(number, *one) for number, one in enumerate(found))
    before = None if hours is None else NOW - timedelta(hours=hours)
    taking = what_is_taken(listed, NODES, before)
    chooser = Chooser(Listed(listed), Choices(before=before), lambda _: None)  # type: ignore[arg-type]
    configs = dict(await chooser.configs(NODES))
    if taking.data is not None:
        data = await chooser.data(needs_evm=False)
        assert data.backup.key == taking.data.key
        for node in NODES:
            if node.name not in configs and (own := await chooser.own_config(node, data, is_lost=False)):
                configs[node.name] = own
    told = {name: one.key if one else None for name, one in taking.configs.items()}
    assert told == {
        node.name: configs[node.name].backup.key if node.name in configs else None for node in NODES
    }


@pytest.mark.parametrize(
    ("before", "key"), [(None, "0"), (NOW - timedelta(hours=5), "1"), (NOW - timedelta(days=9), None)]
)
def test_of_a_moment_or_before(before: datetime | None, key: str | None) -> None:
    listed = (made(0, 1, BackupKind.FULL, "n1"), made(1, 5, BackupKind.DATA, "b"))
    taking = what_is_taken(listed, NODES, before)
    assert (taking.data.key if taking.data else None) == key
    assert taking.configs["n2"] is None
    assert taking.keys == ({key} if key else set())
