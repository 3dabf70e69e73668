"""replace.sh and unreplace.sh: one file in, the old one kept, and the way back, killed at every point."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.restore.interrupting import Call, Interruptions, age, live, state
from tests.restore.local import GROUP, USER, LocalNode, digest
from tests.restore.material import Key, validator_key_of

TARGETS = {"config": "loom.yml", "deep": "chaindata/config/node_key.json", "unit": ""}
NEW, OLD = "restored\n", "the node's own\n"
OWN, OTHER = Key(7), Key(8)

Build = Callable[[LocalNode], None]


def held(root: Path) -> tuple[str, str]:
    return "loom.service", str(root / "etc/systemd/system/loom.service.d/99-loomtui-hold.conf")


def path_of(root: Path, slot: str) -> Path:
    return root / "etc/systemd/system/loom.service" if slot == "unit" else root / "work" / TARGETS[slot]


def replace(root: Path, slot: str, source: str = "stage/new", mode: str = "600") -> Call:
    owner = ("", "") if slot == "unit" else (USER, GROUP)
    return Call("replace", (*held(root), slot, source, str(path_of(root, slot)), mode, *owner))


def unreplace(root: Path, slot: str) -> Call:
    return Call("unreplace", (*held(root), slot))


def do(machine: LocalNode, call: Call) -> bytes:
    return machine.done(call.script, *call.args, stdin=call.stdin)


def prepared(slot: str, old: str | None, *, linked: bool = False) -> Build:
    """`linked`: the place is a link to the file."""

    def build(machine: LocalNode) -> None:
        machine.write_unit("[Service]\nExecStart=/bin/true\n")
        machine.take()
        (machine.run_folder() / "stage/new").write_text(NEW)
        if old is not None:
            path = path_of(machine.root, slot)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(old)
            path.chmod(0o640)
            if linked:
                (machine.workdir / "kept").mkdir()
                path.rename(machine.workdir / "kept/file")
                path.symlink_to("kept/file")

    return build


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "n1"


FILE = pytest.param("config", OLD, "stage/new", id="a file")
AWAY = pytest.param("config", OLD, "-", id="a file to be taken away")
DEEP = pytest.param("deep", None, "stage/new", id="a file whose folders are missing")
A_UNIT = pytest.param("unit", OLD, "stage/new", id="the unit")


@pytest.mark.slow
@pytest.mark.parametrize(("slot", "old", "source"), [FILE, AWAY, DEEP])
def test_replace_killed_at_every_point_and_repeated(
    root: Path, slot: str, old: str | None, source: str
) -> None:
    Interruptions(root, prepared(slot, old), replace(root, slot, source)).check_repeated(copies=True)


@pytest.mark.slow
@pytest.mark.parametrize(("slot", "old", "source"), [A_UNIT, DEEP])
def test_replace_killed_at_every_point_and_taken_back(
    root: Path, slot: str, old: str | None, source: str
) -> None:
    interruptions = Interruptions(root, prepared(slot, old), replace(root, slot, source))
    for torn in (False, True):
        for killed in interruptions.each(torn=torn):
            do(killed.node, unreplace(root, slot))
            assert live(killed.node) == killed.before, f"point {killed.point}"


@pytest.mark.slow
@pytest.mark.parametrize("source", ["stage/new", "-"])
def test_replace_behind_a_link_killed_at_every_point_and_taken_back(root: Path, source: str) -> None:
    build = prepared("config", OLD, linked=True)
    for killed in Interruptions(root, build, replace(root, "config", source)).each():
        do(killed.node, unreplace(root, "config"))
        assert live(killed.node) == killed.before, f"point {killed.point}"


def several(machine: LocalNode) -> None:
    """Two files beside each other, one of which was never there, one elsewhere, and one to be taken away."""
    prepared("config", OLD)(machine)
    (machine.workdir / "genesis.json").write_text(OLD)
    path_of(machine.root, "unit").write_text(OLD)


def replace_several(root: Path) -> Call:
    TARGETS["genesis"] = "genesis.json"
    calls = [replace(root, "genesis", "-"), *(replace(root, slot) for slot in ("config", "deep", "unit"))]
    return Call("replace", (*held(root), *(arg for call in calls for arg in call.args[2:])))


def unreplace_several(root: Path) -> Call:
    return Call("unreplace", (*held(root), "unit", "deep", "config", "genesis"))


@pytest.mark.slow
def test_several_replaced_at_once_killed_at_every_point_and_repeated(root: Path) -> None:
    Interruptions(root, several, replace_several(root)).check_repeated(copies=True)


@pytest.mark.slow
def test_several_replaced_at_once_killed_at_every_point_and_taken_back(root: Path) -> None:
    for killed in Interruptions(root, several, replace_several(root)).each(at_least=20):
        do(killed.node, unreplace_several(root))
        assert live(killed.node) == killed.before, f"point {killed.point}"


@pytest.mark.slow
def test_several_taken_back_killed_at_every_point_and_repeated(root: Path) -> None:
    def build(machine: LocalNode) -> None:
        several(machine)
        do(machine, replace_several(root))

    Interruptions(root, build, unreplace_several(root)).check_repeated()


def test_nothing_is_replaced_before_everything_can_be(root: Path) -> None:
    """All are noted and laid beside their places first: one that is not staged keeps all as they are."""
    machine = LocalNode(root)
    several(machine)
    call = replace_several(root)
    args = tuple(
        "stage/nothing" if arg == "stage/new" and at > 15 else arg for at, arg in enumerate(call.args)
    )
    before = live(machine)
    assert machine.run("replace", *args).returncode == 1
    do(machine, unreplace_several(root))
    assert live(machine) == before


@pytest.mark.slow
@pytest.mark.parametrize(("slot", "old", "source"), [FILE, DEEP])
def test_unreplace_killed_at_every_point_and_repeated(
    root: Path, slot: str, old: str | None, source: str
) -> None:
    def build(machine: LocalNode) -> None:
        prepared(slot, old)(machine)
        do(machine, replace(root, slot, source))

    Interruptions(root, build, unreplace(root, slot)).check_repeated(copies=True)


def test_the_new_file_has_mode_and_owner_and_the_old_one_is_kept(node: LocalNode) -> None:
    prepared("config", OLD)(node)
    path = path_of(node.root, "config")
    os.utime(path, ns=(1, 1_500_000_000_123_456_789))
    do(node, replace(node.root, "config", mode="600"))
    assert path.read_text() == NEW
    assert oct(path.stat().st_mode)[-3:] == "600"
    assert (path.stat().st_uid, path.stat().st_gid) == (os.getuid(), os.getgid())
    kept = node.run_folder() / "replaced/files/config/file"
    assert kept.read_text() == OLD
    assert kept.stat().st_mtime_ns == 1_500_000_000_123_456_789


def test_without_a_user_the_new_file_gets_the_old_ones_owner(node: LocalNode) -> None:
    prepared("unit", OLD)(node)
    owner = (65534, 65534) if os.getuid() == 0 else (os.getuid(), os.getgid())
    os.chown(node.unit, *owner)
    do(node, replace(node.root, "unit", mode="644"))
    assert (node.unit.stat().st_uid, node.unit.stat().st_gid) == owner


def test_only_noting_a_file_lets_a_later_change_be_taken_back(node: LocalNode) -> None:
    prepared("config", OLD)(node)
    age(node.workdir)
    before = live(node)
    do(node, replace(node.root, "config", "="))
    assert live(node) == before
    path_of(node.root, "config").write_text("what a started node wrote")
    do(node, unreplace(node.root, "config"))
    assert live(node) == before
    undone = node.run_folder() / "replaced/files/config/undone"
    assert undone.read_text() == "what a started node wrote"


def test_noting_that_there_is_nothing_lets_a_later_file_be_taken_away(node: LocalNode) -> None:
    prepared("config", None)(node)
    do(node, replace(node.root, "config", "="))
    path_of(node.root, "config").write_text("what a started node wrote")
    do(node, unreplace(node.root, "config"))
    assert not path_of(node.root, "config").exists()


def test_a_file_that_was_only_touched_gets_its_mode_and_time_back(node: LocalNode) -> None:
    prepared("config", OLD)(node)
    age(node.workdir)
    before = live(node)
    do(node, replace(node.root, "config", "="))
    path_of(node.root, "config").chmod(0o666)
    os.utime(path_of(node.root, "config"))
    do(node, unreplace(node.root, "config"))
    assert live(node) == before


def test_replacing_again_after_taking_back_works(node: LocalNode) -> None:
    prepared("config", OLD)(node)
    age(node.workdir)
    before = live(node)
    for _ in range(2):
        do(node, replace(node.root, "config"))
        assert path_of(node.root, "config").read_text() == NEW
        do(node, unreplace(node.root, "config"))
        assert live(node) == before


def test_taking_back_what_was_never_replaced_does_nothing(node: LocalNode) -> None:
    prepared("config", OLD)(node)
    before = state(node)
    do(node, unreplace(node.root, "config"))
    assert state(node) == before


def test_the_file_behind_a_link_is_replaced_and_the_link_stays(node: LocalNode) -> None:
    prepared("config", OLD, linked=True)(node)
    age(node.workdir)
    path, before = path_of(node.root, "config"), live(node)
    do(node, replace(node.root, "config"))
    assert (path.is_symlink(), path.read_text()) == (True, NEW)
    assert not list(node.workdir.rglob(".loomtui-new*"))
    do(node, unreplace(node.root, "config"))
    assert live(node) == before


@pytest.mark.parametrize("source", ["=", "stage/new"])
def test_a_link_that_the_node_wrote_over_comes_back(node: LocalNode, source: str) -> None:
    """Tendermint writes its files anew and renames them: then a file is where the link was."""
    prepared("config", OLD, linked=True)(node)
    age(node.workdir)
    path, before = path_of(node.root, "config"), live(node)
    do(node, replace(node.root, "config", source))
    path.unlink()
    path.write_text("what a started node wrote")
    do(node, unreplace(node.root, "config"))
    assert live(node) == before
    kept = node.run_folder() / "replaced/files/config/undone.link"
    assert kept.read_text() == "what a started node wrote"


@pytest.mark.parametrize(
    "target", ["/nowhere/loom/file", "loom.yml", "/"], ids=["nothing", "itself", "a folder"]
)
def test_a_link_that_leads_to_no_file_may_be_left_alone(node: LocalNode, target: str) -> None:
    prepared("config", None)(node)
    path_of(node.root, "config").symlink_to(target)
    before = live(node)
    call = replace(node.root, "config")
    outcome = node.run(call.script, *call.args)
    assert outcome.returncode == 1
    assert b"is left alone" in outcome.stderr
    do(node, replace(node.root, "config", "="))
    do(node, unreplace(node.root, "config"))
    assert live(node) == before


def test_a_link_that_leads_elsewhere_since_it_was_kept(node: LocalNode, tmp_path: Path) -> None:
    prepared("config", OLD, linked=True)(node)
    do(node, replace(node.root, "config", "="))
    (tmp_path / "other").write_text("other")
    path_of(node.root, "config").unlink()
    path_of(node.root, "config").symlink_to(tmp_path / "other")
    call = replace(node.root, "config")
    assert node.run(call.script, *call.args).returncode == 1
    assert (tmp_path / "other").read_text() == "other"


def test_a_slot_keeps_the_file_of_one_place_only(node: LocalNode) -> None:
    prepared("config", OLD)(node)
    do(node, replace(node.root, "config"))
    other = replace(node.root, "unit")
    outcome = node.run(other.script, *other.args[:2], "config", *other.args[3:])
    assert outcome.returncode == 1
    assert node.unit.read_text() != NEW


@pytest.mark.parametrize("target", ["loom.yml", "a/b/loom.yml", ""])
def test_a_place_that_is_none_is_refused(node: LocalNode, target: str) -> None:
    prepared("config", OLD)(node)
    call = replace(node.root, "config")
    outcome = node.run(call.script, *call.args[:4], target, *call.args[5:])
    assert outcome.returncode == 1
    assert b"no place for a file" in outcome.stderr


def test_a_place_without_any_folder_on_the_way_is_noted(node: LocalNode) -> None:
    prepared("config", OLD)(node)
    call = replace(node.root, "config", "=")
    node.done(call.script, *call.args[:4], "/loomtui-nowhere/deep/file", *call.args[5:])
    made = node.run_folder() / "replaced/files/config/made"
    assert made.read_text().split() == ["/loomtui-nowhere", "/loomtui-nowhere/deep"]


def test_it_refuses_what_is_not_staged(node: LocalNode) -> None:
    prepared("config", OLD)(node)
    call = replace(node.root, "config", "stage/nothing")
    outcome = node.run(call.script, *call.args)
    assert outcome.returncode == 1
    assert b"not staged" in outcome.stderr
    assert path_of(node.root, "config").read_text() == OLD


@pytest.mark.parametrize("call", [replace, unreplace])
def test_it_refuses_while_the_service_runs_or_the_lock_is_gone(
    node: LocalNode, call: Callable[[Path, str], Call]
) -> None:
    prepared("config", OLD)(node)
    do(node, replace(node.root, "config"))
    wanted = call(node.root, "config")
    node.set_active("active")
    assert node.run(wanted.script, *wanted.args).returncode == 74
    node.set_active("inactive")
    node.lock.unlink()
    assert node.run(wanted.script, *wanted.args).returncode == 73
    assert path_of(node.root, "config").read_text() == NEW


@pytest.mark.parametrize("note", ["target", "made", "was.new"])
def test_a_note_that_cannot_be_written_stops_it_before_anything_changes(node: LocalNode, note: str) -> None:
    prepared("config", OLD)(node)
    (node.run_folder() / f"replaced/files/config/{note}").mkdir(parents=True)
    call = replace(node.root, "config")
    assert node.run(call.script, *call.args).returncode == 1
    assert path_of(node.root, "config").read_text() == OLD


def test_a_file_that_cannot_be_kept_is_not_replaced(node: LocalNode) -> None:
    prepared("config", OLD)(node)
    node.write_tool("cp", "exit 1")
    call = replace(node.root, "config")
    outcome = node.run(call.script, *call.args)
    assert outcome.returncode == 1
    assert b"cannot keep a copy" in outcome.stderr
    assert path_of(node.root, "config").read_text() == OLD


def test_what_is_there_is_not_overwritten_where_it_cannot_be_kept(node: LocalNode) -> None:
    prepared("config", OLD)(node)
    do(node, replace(node.root, "config"))
    node.write_tool("cp", "exit 1")
    call = unreplace(node.root, "config")
    assert node.run(call.script, *call.args).returncode == 1
    assert path_of(node.root, "config").read_text() == NEW


# ── the signing state ───────────────────────────────────────────────────────────────────────────────────────

TARGETS["validator"] = "chaindata/config/priv_validator.json"


def with_validator(node: LocalNode, kept: str, now: str) -> bytes:
    """What unreplace says where `kept` was replaced, and the file is `now` something else."""
    prepared("validator", kept)(node)
    do(node, replace(node.root, "validator"))
    path_of(node.root, "validator").write_text(now)
    return do(node, unreplace(node.root, "validator"))


@pytest.mark.parametrize(
    ("kept", "now"),
    [
        ((100, 0, 3), (101, 0, 1)),
        ((100, 0, 3), (100, 1, 1)),
        ((100, 1, 1), (100, 1, 2)),
        ((99, 9, 3), (100, 0, 0)),
    ],
)
def test_a_later_signing_state_of_the_same_key_stays(
    node: LocalNode, kept: tuple[int, int, int], now: tuple[int, int, int]
) -> None:
    said = with_validator(node, OWN.validator_json(*kept), OWN.validator_json(*now))
    assert said == f"kept ={now[0]}\n".encode()
    assert path_of(node.root, "validator").read_text() == OWN.validator_json(*now)


@pytest.mark.parametrize(
    ("kept", "now"),
    [
        (OWN.validator_json(130), OWN.validator_json(25)),
        (OWN.validator_json(100, 1, 1), OWN.validator_json(100, 0, 3)),
        (OWN.validator_json(100), OWN.validator_json(100)),
        (OWN.validator_json(100), OTHER.validator_json(500)),
        (OWN.validator_json(100), "{"),
    ],
    ids=["reset since", "an earlier round", "the same", "another validator's", "unreadable"],
)
def test_an_earlier_state_or_another_key_gives_way_to_the_kept_one(
    node: LocalNode, kept: str, now: str
) -> None:
    assert with_validator(node, kept, now) == b""
    assert path_of(node.root, "validator").read_text() == kept


def test_neither_key_is_ever_printed(node: LocalNode) -> None:
    prepared("validator", OWN.validator_json(100))(node)
    for call in (replace(node.root, "validator"), unreplace(node.root, "validator")):
        outcome = node.run(call.script, *call.args)
        assert OWN.stored.encode() not in outcome.stdout + outcome.stderr
    kept = node.run_folder() / "replaced/files/validator/file"
    assert digest(kept.read_bytes()) == digest(OWN.validator_json(100).encode())
    assert validator_key_of(1).stored not in kept.read_text()
