"""Old and new databases that do not fit on a node together: what a plan refuses, offers and takes. Pure."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.backups.model import Basis, Contents, Item, Member, MemberType
from loomtui.cli.plan_text import show_plan
from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.live_files import LiveFile
from loomtui.fleet.probes.places import FileSystem, Places
from loomtui.fleet.probes.room import Kept, OldDatabase, Room, read_room
from loomtui.restore.choices import Choices
from loomtui.restore.findings import FindingCode
from loomtui.restore.plan import Plan, RemedyKind, consented
from loomtui.restore.planning.space import LEFT_OVER
from loomtui.restore.room import OldData, RoomRemedyKind, RoomUnit
from loomtui.wording.quantities import size
from tests.restore.test_planner import data, details, planned

MB = 1024**2
SIZE = 500 * MB
#: What a run writes beside the data, by far.
BESIDE = LEFT_OVER + 32 * MB
APP = OldDatabase("app.db", 300 * MB, 150)
BLOCKS = OldDatabase("chaindata/data/blockstore.db", 200 * MB, 100)
EVM = OldDatabase("evm.db", 900 * MB, 450)
TABLES = tuple(
    Member(f"{folder}/{number:06}.ldb", MemberType.FILE, 50 * MB)
    for folder in ("app.db", "chaindata/data/blockstore.db")
    for number in range(5)
)
LIVE = LiveFile(50 * MB, "644", "ubuntu", "ubuntu")


def big(*, has_twin: bool = False, **changes: Any) -> Contents:
    return data(130, members=TABLES, has_twin=has_twin, **changes)


def unread() -> Contents:
    """Of this size, by estimate."""
    made = data(None, data_items=(), basis=Basis.BEGINNING, sha256="")
    return replace(made, backup=replace(made.backup, size_bytes=SIZE // 2))


def disk(free: int, files: int | None = None) -> Places:
    return Places(work_space=FileSystem("1", free, files), unit_space=FileSystem("2", 10**9, 1000))


def plan_of(
    archive: Contents, *frees: int | Places, rooms: dict[str, Room] | None = None, **choices: Any
) -> Plan:
    """A plan for as many nodes, with so much room on each."""
    places = {
        f"n{number}": free if isinstance(free, Places) else disk(free) for number, free in enumerate(frees, 1)
    }
    looks = [details(number) for number in range(1, len(frees) + 1)]
    return planned(*looks, archive=archive, places=places, rooms=rooms, **choices)


def room_codes(plan: Plan) -> list[FindingCode]:
    """The refusals that are about room."""
    about = {FindingCode.NO_ROOM, FindingCode.GIVE_UP_UNJUDGED}
    return [refusal.code for refusal in plan.refusals if refusal.code in about]


def test_room_for_both_is_no_news() -> None:
    plan = plan_of(big(), SIZE + BESIDE, give_up_old_data=True)
    assert plan.room == ()
    assert room_codes(plan) == []
    assert plan.gives_up == ()


def test_what_is_given_up_after_the_stop_makes_no_room_for_what_comes_before_it() -> None:
    """The lock, the hold and the copies of config files are written while the old databases are there."""
    rooms = {"n1": Room((), (replace(APP, bytes=3 * SIZE), BLOCKS))}
    plan = plan_of(big(), LEFT_OVER, rooms=rooms)
    (remedy,) = plan.room[0].remedies
    assert remedy.kind is RoomRemedyKind.GIVE_UP
    assert remedy.frees_bytes > SIZE + BESIDE
    assert not remedy.is_enough
    assert plan.offer is RemedyKind.NONE
    allowed = plan_of(big(), LEFT_OVER, rooms=rooms, give_up_old_data=True)
    assert allowed.gives_up == ()
    assert room_codes(allowed) == [FindingCode.NO_ROOM]


@pytest.mark.parametrize(
    ("work", "unit"),
    [
        (FileSystem("1", 1000, None), FileSystem("2", 10**9, 1000)),
        (FileSystem("1", 10**12, 3), FileSystem("2", 10**9, 1000)),
        (FileSystem("1", 10**12, None), FileSystem("2", 1000, 1000)),
        (FileSystem("1", 10**12, None), FileSystem("2", 10**9, 3)),
    ],
    ids=["no room for data", "no inodes for data", "no room for the hold", "no inodes for the hold"],
)
def test_no_room_or_no_inodes(work: FileSystem, unit: FileSystem) -> None:
    plan = plan_of(data(130), Places(work_space=work, unit_space=unit))
    (found,) = [refusal for refusal in plan.refusals if refusal.code is FindingCode.NO_ROOM]
    assert found.node == "n1"
    assert found.sentence.startswith("n1: not enough room in ")


def test_what_is_missing_is_told_for_each_node_with_what_can_be_done() -> None:
    rooms = {
        "n2": Room(
            (Kept("20260101-000000-aaaa", 5 * MB, 2), Kept("20260102-000000-bbbb", 90 * MB, 9)), (APP,)
        )
    }
    plan = plan_of(big(), SIZE + BESIDE, 100 * MB, rooms=rooms)
    (room,) = plan.room
    assert room.node == "n2"
    (short,) = room.shortages
    assert short.free == 100 * MB
    assert short.needed > SIZE
    assert f"so {size(short.needed - short.free)} are missing" in short.sentence
    clean, give_up = room.remedies
    assert clean.kind is RoomRemedyKind.CLEAN
    assert clean.commands == ("loomtui clean 20260102-000000-bbbb", "loomtui clean 20260101-000000-aaaa")
    assert (clean.frees_bytes, clean.is_enough) == (95 * MB, False)
    assert give_up.kind is RoomRemedyKind.GIVE_UP
    assert (give_up.frees_bytes, give_up.is_enough) == (300 * MB, False)
    assert give_up.commands == ("loomtui plan --give-up-old-data lab",)
    (refusal,) = [one for one in plan.refusals if one.code is FindingCode.NO_ROOM]
    assert "n2" in refusal.sentence
    for words in ("loomtui clean 20260102-000000-bbbb", "95.0 MiB (not enough alone)", "cannot be undone"):
        assert words in refusal.advice
    assert plan.offer is not RemedyKind.GIVE_UP, "it would not be enough"


def test_what_is_enough_is_offered() -> None:
    plan = plan_of(big(), 100 * MB, rooms={"n1": Room(old=(APP, BLOCKS))})
    assert plan.offer is RemedyKind.GIVE_UP
    assert room_codes(plan) == [FindingCode.NO_ROOM]


def test_a_reset_is_offered_before_it() -> None:
    rooms = {f"n{number}": Room(old=(APP, BLOCKS)) for number in range(1, 5)}
    older = data(100, members=TABLES)
    plan = plan_of(older, *[100 * MB] * 4, rooms=rooms)
    assert plan.offer is RemedyKind.RESET
    reset = plan_of(older, *[100 * MB] * 4, rooms=rooms, reset_signing=True)
    assert reset.offer is RemedyKind.GIVE_UP
    assert consented(reset.choices, reset.offer) == Choices(reset_signing=True, give_up_old_data=True)


def test_with_consent_only_nodes_without_room_give_up_and_only_what_is_replaced() -> None:
    rooms = {"n2": Room(old=(APP, BLOCKS, EVM))}
    plan = plan_of(big(), SIZE + BESIDE, 150 * MB, rooms=rooms, give_up_old_data=True)
    assert room_codes(plan) == []
    assert plan.room == ()
    assert plan.gives_up == ("n2",)
    assert plan.node("n1").gives_up is None
    given_up = plan.node("n2").gives_up
    assert given_up == OldData(("app.db", "chaindata/data/blockstore.db"), SIZE, 250), (
        "evm.db is not in the backup"
    )
    (warning,) = [one for one in plan.warnings if one.code is FindingCode.OLD_DATA_GIVEN_UP]
    assert warning.node == "n2"
    assert "no rollback brings them back" in warning.sentence
    assert plan.offer is not RemedyKind.GIVE_UP


def test_consent_that_frees_too_little_is_refused() -> None:
    plan = plan_of(big(), 10 * MB, rooms={"n1": Room(old=(APP,))}, give_up_old_data=True)
    assert plan.gives_up == ()
    assert room_codes(plan) == [FindingCode.NO_ROOM]
    assert plan.room[0].remedies == ()


def test_files_that_are_deleted_give_inodes_back() -> None:
    room = {"n1": Room(old=(APP, BLOCKS))}
    places = disk(SIZE + BESIDE, 105)
    (short,) = plan_of(big(), places).room[0].shortages
    assert short.unit is RoomUnit.FILES
    plan = plan_of(big(), places, rooms=room, give_up_old_data=True)
    assert room_codes(plan) == []


# ── judged whole ────────────────────────────────────────────────────────────────────────────────────────────


def test_what_nobody_has_read_is_judged_on_a_node_with_room() -> None:
    rooms = {"n2": Room(old=(APP, BLOCKS, EVM))}
    plan = plan_of(unread(), 10**10, 400 * MB, rooms=rooms, give_up_old_data=True)
    assert not plan.is_complete
    assert room_codes(plan) == []
    assert plan.gives_up == ("n2",)
    given_up = plan.node("n2").gives_up
    assert given_up is not None
    assert given_up.names == ("app.db", "chaindata/data/blockstore.db"), "more may not be in the archive"


def test_without_such_a_node_it_is_refused_with_the_way_out() -> None:
    rooms = {name: Room(old=(APP, BLOCKS)) for name in ("n1", "n2")}
    asked = plan_of(unread(), 400 * MB, 400 * MB, rooms=rooms)
    remedy = asked.room[0].remedy(RoomRemedyKind.GIVE_UP)
    assert remedy is not None
    assert "loomtui backups prepare 2026-01-01--000000-n1.tar.gz" in remedy.missing
    assert asked.offer is not RemedyKind.GIVE_UP
    plan = plan_of(unread(), 400 * MB, 400 * MB, rooms=rooms, give_up_old_data=True)
    assert plan.gives_up == ()
    assert room_codes(plan) == [FindingCode.NO_ROOM, FindingCode.NO_ROOM, FindingCode.GIVE_UP_UNJUDGED]
    (refusal,) = [one for one in plan.refusals if one.code is FindingCode.GIVE_UP_UNJUDGED]
    assert "loomtui backups prepare 2026-01-01--000000-n1.tar.gz" in refusal.advice
    assert "--look" in refusal.advice


def test_a_completed_plan_counts_only_nodes_that_have_not_unpacked_it() -> None:
    rooms = {"n2": Room(old=(APP, BLOCKS))}
    plan = plan_of(
        big(), 10 * MB + BESIDE, 150 * MB, rooms=rooms, unpacked=frozenset({"n1"}), give_up_old_data=True
    )
    assert room_codes(plan) == []
    assert plan.gives_up == ("n2",)


# ── delta ───────────────────────────────────────────────────────────────────────────────────────────────────


def with_live(*paths: str, live: LiveFile = LIVE) -> dict[str, Room]:
    return {"n1": Room(old=(APP, BLOCKS), live=dict.fromkeys(paths, live))}


SAME = tuple(member.path for member in TABLES[:8])


def test_delta_is_offered_where_it_saves_something() -> None:
    plan = plan_of(big(has_twin=True), 100 * MB + BESIDE, rooms=with_live(*SAME))
    (room,) = plan.room
    delta = room.remedy(RoomRemedyKind.DELTA)
    assert delta is not None
    assert (delta.frees_bytes, delta.is_enough) == (400 * MB, True)
    assert delta.commands == ("loomtui plan --delta",)
    assert [remedy.kind for remedy in room.remedies] == [RoomRemedyKind.DELTA, RoomRemedyKind.GIVE_UP]


def test_delta_that_was_chosen_is_counted() -> None:
    plan = plan_of(big(has_twin=True), 100 * MB + BESIDE, rooms=with_live(*SAME), delta=True)
    assert room_codes(plan) == []
    assert plan.node("n1").taken_over_bytes == 400 * MB
    less = plan_of(big(has_twin=True), 100 * MB + BESIDE, rooms=with_live(*SAME[:3]), delta=True)
    assert room_codes(less) == [FindingCode.NO_ROOM]
    assert less.room[0].remedy(RoomRemedyKind.DELTA) is None


def test_delta_is_milder_than_giving_up() -> None:
    choices = {"delta": True, "give_up_old_data": True}
    plan = plan_of(big(has_twin=True), 100 * MB + BESIDE, rooms=with_live(*SAME), **choices)
    assert plan.gives_up == ()
    assert plan.node("n1").taken_over_bytes == 400 * MB
    less = plan_of(big(has_twin=True), 100 * MB + BESIDE, rooms=with_live(*SAME[:3]), **choices)
    assert less.gives_up == ("n1",)
    assert less.node("n1").taken_over_bytes == 0


@pytest.mark.parametrize(
    "live",
    [
        replace(LIVE, size_bytes=1),
        replace(LIVE, mode="600"),
        replace(LIVE, user="root"),
    ],
    ids=["another size", "another mode", "another owner"],
)
def test_what_would_have_to_be_copied_needs_its_room(live: LiveFile) -> None:
    plan = plan_of(big(has_twin=True), 100 * MB + BESIDE, rooms=with_live(*SAME, live=live), delta=True)
    assert room_codes(plan) == [FindingCode.NO_ROOM]


def test_delta_without_a_twin_is_told_with_the_way_out() -> None:
    plan = plan_of(big(), 10**10, delta=True)
    (found,) = [one for one in plan.warnings if one.code is FindingCode.DELTA_IN_VAIN]
    assert "has no twin" in found.sentence
    assert found.advice == "Give it one: loomtui backups prepare 2026-01-01--000000-n1.tar.gz --twin"
    looked = plan_of(big(), 10**10, delta=True, look=True)
    (found,) = [one for one in looked.warnings if one.code is FindingCode.DELTA_IN_VAIN]
    assert "--look" in found.advice
    with_twin = plan_of(big(has_twin=True), 10**10, delta=True)
    assert not [one for one in with_twin.warnings if one.code is FindingCode.DELTA_IN_VAIN]


def test_the_command_line_says_what_goes_and_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    given_up = plan_of(big(), 150 * MB, rooms={"n1": Room(old=(APP, BLOCKS))}, give_up_old_data=True)
    show_plan(given_up)
    told = capsys.readouterr().out
    assert "gives up its old databases after the stop: app.db and chaindata/data/blockstore.db" in told
    assert "No way back" in told
    show_plan(plan_of(big(has_twin=True), 100 * MB + BESIDE, rooms=with_live(*SAME), delta=True))
    assert "seems to have 400.0 MiB of the data already" in capsys.readouterr().out


# ── what a node tells ───────────────────────────────────────────────────────────────────────────────────────


@given(st.binary(max_size=300))
def test_whatever_a_node_prints_is_read_or_passed_over(printed: bytes) -> None:
    for known in (b"", b"kept =1", b"old ="):
        read_room(read_facts(known + printed))


def test_names_with_other_letters_are_passed_over() -> None:
    lines = [b"100 3 app.db", b"100 3 a b.db", b"100 app.db", b"-1 3 app.db", b"1 2 " + b"x" * 300]
    printed = b"".join(b"old " + base64.b64encode(line) + b"\n" for line in lines)
    assert read_room(read_facts(printed)).old == (OldDatabase("app.db", 100, 3),)


def test_items_elsewhere_in_the_archive_are_found_too() -> None:
    items = (Item("home/ubuntu/app.db", "app.db"), Item("home/ubuntu/chaindata/data", "chaindata/data"))
    members = tuple(replace(member, path=f"home/ubuntu/{member.path}") for member in TABLES)
    archive = big(has_twin=True, data_items=items)
    plan = plan_of(replace(archive, members=members), 100 * MB + BESIDE, rooms=with_live(*SAME), delta=True)
    assert plan.node("n1").taken_over_bytes == 400 * MB
