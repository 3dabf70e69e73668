"""Room on a node's disks, counted per file system."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loomtui.restore.planning.space import LEFT_OVER, FileSystem, Use, shortages, uses_of, with_freed
from loomtui.wording.quantities import size
from tests.restore.material import archive

MB = 1024**2
DATA = archive(unpacked_bytes=500 * MB, file_count=250)
CONFIG = archive(unpacked_bytes=40_000, file_count=6)
UNIT = "/etc/systemd/system/loom.service"
USES = uses_of({"config": CONFIG, "data": DATA}, "/home/ubuntu", UNIT, {})
WORK, UNIT_FOLDER = "/home/ubuntu/.loomtui", "/etc/systemd/system"


def systems(work: FileSystem, unit: FileSystem | None = None) -> dict[str, FileSystem]:
    return {WORK: work, UNIT_FOLDER: unit or replace(work, device="2")}


def needed(uses: tuple[Use, ...], path: str) -> int:
    return sum(use.bytes for use in uses if use.path == path)


def test_all_that_is_unpacked_is_counted_whenever_it_is_fetched() -> None:
    assert needed(USES, WORK) >= 500 * MB + 40_000
    assert needed(USES, UNIT_FOLDER) > 0
    assert {use.path for use in USES} == {WORK, UNIT_FOLDER}


def test_what_is_there_already_is_not_needed_again() -> None:
    later = uses_of({"data": DATA}, "/home/ubuntu", UNIT, {"data": 400 * MB})
    assert needed(USES, WORK) - needed(later, WORK) > 400 * MB
    assert min(use.bytes for use in uses_of({"data": DATA}, "/w", UNIT, {"data": 900 * MB})) == 0


def test_just_enough_is_enough_and_a_byte_less_is_told_with_numbers() -> None:
    need = needed(USES, WORK) + LEFT_OVER
    assert shortages(USES, systems(FileSystem("1", need, None))) == ()
    (found,) = shortages(USES, systems(FileSystem("1", need - 1, None)))
    assert (found.free, found.needed) == (need - 1, need)
    assert found.sentence.startswith(f"not enough room in {WORK}: {size(need - 1)} free, {size(need)} needed")
    assert "data in 250 files" in found.sentence
    assert "so 1 Byte are missing" in found.sentence


def test_paths_on_one_file_system_are_counted_together() -> None:
    need = needed(USES, WORK) + LEFT_OVER
    one = FileSystem("1", need, None)
    assert shortages(USES, systems(one)) == ()
    (found,) = shortages(USES, systems(one, one))
    assert found.folders == (WORK, UNIT_FOLDER)
    assert f"{WORK} and {UNIT_FOLDER}" in found.sentence


def test_each_file_system_is_told_by_itself() -> None:
    full = FileSystem("1", 0, None)
    assert len(shortages(USES, systems(full, FileSystem("2", 0, None)))) == 2
    (found,) = shortages(USES, systems(FileSystem("1", 10**12, None), FileSystem("2", 1000, None)))
    assert UNIT_FOLDER in found.sentence


@pytest.mark.parametrize(("free", "fits"), [(None, True), (10_000, True), (100, False)])
def test_inodes_count_too(free: int | None, fits: bool) -> None:
    found = shortages(USES, systems(FileSystem("1", 10**12, free), FileSystem("2", 10**12, None)))
    assert (found == ()) is fits
    assert fits or "inodes" in found[0].sentence


def test_a_file_system_that_is_not_known_stops_nothing() -> None:
    assert shortages(USES, {}) == ()


def test_what_is_given_up_is_free_on_its_own_file_system_alone() -> None:
    both = systems(FileSystem("1", 10, 5), FileSystem("2", 10, None))
    assert with_freed(both, WORK, 100 * MB, 50) == systems(
        FileSystem("1", 10 + 100 * MB, 55), FileSystem("2", 10, None)
    )
    one = systems(FileSystem("1", 10, None), FileSystem("1", 10, None))
    assert {system.free_bytes for system in with_freed(one, WORK, 100 * MB, 50).values()} == {10 + 100 * MB}
    assert with_freed({}, WORK, 100 * MB, 50) == {}
