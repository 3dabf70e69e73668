"""place.sh, stage_file.sh, signing.sh: what is made ready in the run's folder, before a live file changes."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from loomtui.loom.validator import read_validator
from tests.restore.interrupting import Call, Interruptions, live, state
from tests.restore.local import GROUP, USER, LocalNode, digest, tree
from tests.restore.material import Key, write_database, write_state

OWN = Key(7)
PAIRS = (
    "home/ubuntu/app.db",
    "app.db",
    "./chaindata/data",
    "chaindata/data",
    "config/key",
    "chaindata/config/node_key.json",
)


def listed() -> tuple[str, str]:
    """How many files and bytes `unpacked` leaves."""
    with tempfile.TemporaryDirectory() as folder:
        write_state(Path(folder), 100, "restored")
        sizes = [path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()]
    return str(len(sizes) + 1), str(sum(sizes) + len("{}"))


LISTED = listed()
PLACE = Call("place", ("data", USER, GROUP, *LISTED, *PAIRS))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "n1"


def unpacked(machine: LocalNode) -> None:
    """As tar leaves the members of an archive, with modes that suit nobody."""
    machine.write_unit("[Service]\nExecStart=/bin/true\n")
    machine.take()
    raw = machine.run_folder() / "raw/data"
    write_state(raw, 100, "restored")
    (raw / "home/ubuntu").mkdir(parents=True)
    (raw / "app.db").rename(raw / "home/ubuntu/app.db")
    (raw / "config").mkdir()
    (raw / "config/key").write_text("{}")
    (raw / "config/key").chmod(0o4777)
    (raw / "home/ubuntu/app.db/LOG").chmod(0o400)


def modes(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): oct(path.stat().st_mode)[-4:] for path in folder.rglob("*")}


def test_what_was_unpacked_gets_its_names_modes_and_owner(node: LocalNode) -> None:
    unpacked(node)
    node.done(PLACE.script, *PLACE.args)
    staged = node.run_folder() / "stage/data"
    found = modes(staged)
    assert found["app.db"] == "0755"
    assert found["app.db/LOG"] == "0644"
    assert found["chaindata"] == found["chaindata/data"] == found["chaindata/config"] == "0700"
    assert found["chaindata/data/state.db/CURRENT"] == "0644"
    assert found["chaindata/config/node_key.json"] == "0600"
    assert all(path.stat().st_uid == os.getuid() for path in staged.rglob("*"))
    assert (node.run_folder() / "data.staged").exists()


def test_the_files_belong_to_the_user_of_the_unit(node: LocalNode) -> None:
    unpacked(node)
    owner = (65534, 65534) if os.getuid() == 0 else (os.getuid(), os.getgid())
    node.done("place", "data", *map(str, owner), *LISTED, *PAIRS)
    staged = node.run_folder() / "stage/data"
    assert {(path.stat().st_uid, path.stat().st_gid) for path in staged.rglob("*")} == {owner}


@pytest.mark.slow
def test_place_killed_at_every_point_and_repeated(root: Path) -> None:
    Interruptions(root, unpacked, PLACE).check_repeated()


def test_what_is_placed_is_not_touched_again(node: LocalNode) -> None:
    unpacked(node)
    node.done(PLACE.script, *PLACE.args)
    before = state(node)
    write_database(node.run_folder() / "raw/data/home/ubuntu/app.db", b"", "another")
    node.done(PLACE.script, *PLACE.args)
    assert {path: what for path, what in state(node).items() if "/raw/" not in path} == {
        path: what for path, what in before.items() if "/raw/" not in path
    }


def failed(node: LocalNode, *args: str) -> str:
    outcome = node.run("place", *(args or PLACE.args))
    assert outcome.returncode == 1
    assert not (node.run_folder() / "data.staged").exists()
    return outcome.stderr.decode()


def test_a_member_that_is_missing_is_named(node: LocalNode) -> None:
    unpacked(node)
    assert "did not hold evm.db" in failed(node, *PLACE.args, "evm.db", "evm.db")


@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_links_and_devices_are_refused(node: LocalNode, kind: str) -> None:
    unpacked(node)
    odd = node.run_folder() / "raw/data/home/ubuntu/app.db/odd"
    if kind == "link":
        odd.symlink_to("/etc/passwd")
    else:
        os.mkfifo(odd)
    assert "links or devices" in failed(node)


def test_a_link_for_a_folder_leads_to_nothing(node: LocalNode) -> None:
    """Of an archive that nobody has read: what lies behind the link is the node's own."""
    unpacked(node)
    home = node.run_folder() / "raw/data/home"
    elsewhere = node.root / "elsewhere"
    home.rename(elsewhere)
    home.symlink_to(elsewhere)
    before = tree(elsewhere)
    assert "a link on the way to home/ubuntu/app.db" in failed(node)
    assert tree(elsewhere) == before


@pytest.mark.parametrize("current", ["", "MANIFEST-000099\n", "../../../../etc\n"])
def test_a_torn_database_is_refused(node: LocalNode, current: str) -> None:
    unpacked(node)
    (node.run_folder() / "raw/data/chaindata/data/state.db/CURRENT").write_text(current)
    assert "torn database" in failed(node)


def test_a_database_without_its_current_is_refused(node: LocalNode) -> None:
    unpacked(node)
    (node.run_folder() / "raw/data/chaindata/data/state.db/CURRENT").unlink()
    assert "it has no CURRENT" in failed(node)


@pytest.mark.parametrize("change", ["a file too many", "a file too few", "other bytes"])
def test_other_files_than_the_archive_lists_are_refused(node: LocalNode, change: str) -> None:
    """tar was killed, the disk was full, or somebody writes there: no file may be missing in silence."""
    unpacked(node)
    log = node.run_folder() / "raw/data/chaindata/data/state.db/LOG"
    if change == "a file too few":
        log.unlink()
    elif change == "other bytes":
        log.write_text("x")
    else:
        log.with_name("000009.ldb").touch()
    assert f"the archive lists {LISTED[0]} with {LISTED[1]}" in failed(node)


def test_an_owner_that_the_node_does_not_know_is_an_error(node: LocalNode) -> None:
    unpacked(node)
    assert "no-such-user" in failed(node, "data", "no-such-user", GROUP, *LISTED, *PAIRS)


# ── stage_file ──────────────────────────────────────────────────────────────────────────────────────────────

TEXT = b"[Service]\nExecStart=/usr/bin/loom run\n"
STAGE = Call("stage_file", ("services/loom.service", digest(TEXT)), TEXT)


def locked(machine: LocalNode) -> None:
    machine.write_unit("[Service]\nExecStart=/bin/true\n")
    machine.take()


def test_a_file_is_staged_whole_for_root_alone(node: LocalNode) -> None:
    locked(node)
    node.done(STAGE.script, *STAGE.args, stdin=TEXT)
    staged = node.run_folder() / "stage/services/loom.service"
    assert staged.read_bytes() == TEXT
    assert oct(staged.stat().st_mode)[-3:] == "600"


def test_stage_file_killed_at_every_point_and_repeated(root: Path) -> None:
    Interruptions(root, locked, STAGE).check_repeated()


def test_a_file_that_is_cut_on_its_way_is_not_staged(node: LocalNode) -> None:
    locked(node)
    outcome = node.run(STAGE.script, *STAGE.args, stdin=TEXT[:-5])
    assert outcome.returncode == 1
    assert b"did not arrive whole" in outcome.stderr
    assert not (node.run_folder() / "stage/services/loom.service").exists()


# ── signing ─────────────────────────────────────────────────────────────────────────────────────────────────

OUT = "stage/signing/priv_validator.json"
WRAPPED = {"type": "tendermint/SignatureEd25519", "value": "c2lnbmF0dXJl"}
PLAIN = OWN.validator_json(130, 2)
FORMS = {
    "0.27": PLAIN,
    "0.22": OWN.validator_json(130, 2, last_signature=WRAPPED),
    "pretty": json.dumps(json.loads(PLAIN), indent=2),
    "windows": json.dumps(json.loads(PLAIN), indent="\t").replace("\n", "\r\n") + "\r\n",
    "never signed": OWN.validator_json(0, step=0, last_signature=None, last_signbytes=None),
    "null signature": PLAIN.replace('"c2lnbmF0dXJl"', "null").replace('"00FF"', "null"),
    "numbers": PLAIN.replace('"130"', "130").replace('"2"', "2"),
    "a quoted step": OWN.validator_json(130, 2, last_step="3"),
    "hsm": OWN.validator_json(130, priv_key=None, key_id="1a2b"),
    "signature first": json.dumps({"last_signature": WRAPPED, "last_signbytes": "00FF"} | json.loads(PLAIN)),
}
#: With the signature's fields at the end, as no Tendermint writes them, but a person may.
FORMS["signature last"] = json.dumps(
    dict(sorted(json.loads(PLAIN).items(), key=lambda item: "signature" in item[0]))
)


def with_validator(node: LocalNode, text: str) -> Path:
    locked(node)
    node.config.mkdir(parents=True)
    (node.config / "priv_validator.json").write_text(text, newline="")
    return node.run_folder() / OUT


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("height", ["0", "140"])
def test_the_state_is_set_and_the_key_stays(node: LocalNode, form: str, height: str) -> None:
    text = FORMS[form]
    out = with_validator(node, text)
    node.done("signing", "live", height, OUT)
    before, after = json.loads(text), json.loads(out.read_text())
    assert (after["last_height"], after["last_round"], after["last_step"]) == (height, "0", 0)
    assert "last_signature" not in after
    assert "last_signbytes" not in after
    for name in ("address", "pub_key", "priv_key", "key_id"):
        assert after.get(name) == before.get(name)
    facts = read_validator(out.read_text())
    assert facts.problem is None
    assert facts.address == OWN.address
    assert oct(out.stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("name", ["last_height", "last_round", "last_step"])
def test_a_number_that_stands_there_twice_is_no_known_form(node: LocalNode, name: str) -> None:
    """Go takes the last one, and the edit would change the first."""
    out = with_validator(node, PLAIN.replace("{", f'{{"{name}": "7", ', 1))
    outcome = node.run("signing", "live", "0", OUT)
    assert (outcome.returncode, outcome.stderr) == (1, b"priv_validator.json is of no known form\n")
    assert not out.exists()


@pytest.mark.parametrize("form", FORMS)
def test_no_key_is_ever_printed(node: LocalNode, form: str) -> None:
    with_validator(node, FORMS[form])
    outcome = node.run("signing", "live", "0", OUT)
    assert outcome.stdout + outcome.stderr == b""


def test_signing_killed_at_every_point_and_repeated(root: Path) -> None:
    def build(machine: LocalNode) -> None:
        with_validator(machine, PLAIN)

    Interruptions(root, build, Call("signing", ("live", "0", OUT))).check_repeated(at_least=2)


def test_the_backups_file_can_be_the_base(node: LocalNode) -> None:
    out = with_validator(node, Key(9).validator_json(500))
    staged = node.run_folder() / "stage/config/chaindata/config/priv_validator.json"
    staged.parent.mkdir(parents=True)
    staged.write_text(PLAIN)
    node.done("signing", "stage/config/chaindata/config/priv_validator.json", "140", OUT)
    assert json.loads(out.read_text())["address"] == OWN.address


def test_called_again_after_the_file_was_replaced_it_works_on_the_nodes_own(node: LocalNode) -> None:
    out = with_validator(node, PLAIN)
    kept = node.run_folder() / "replaced/files/validator"
    kept.mkdir(parents=True)
    (kept / "was").write_text("had\n")
    (kept / "file").write_text(PLAIN)
    (node.config / "priv_validator.json").write_text("{}")
    node.done("signing", "live", "0", OUT)
    assert json.loads(out.read_text())["address"] == OWN.address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "not JSON",
        json.dumps({"key": json.loads(PLAIN), "last_height": "1"}),
        OWN.validator_json(130, last_signature={"value": {"deep": "x"}}),
    ],
    ids=["empty", "no fields", "no JSON", "two heights", "a signature of another form"],
)
def test_a_file_of_another_form_is_left_alone(node: LocalNode, text: str) -> None:
    out = with_validator(node, text)
    before = live(node)
    outcome = node.run("signing", "live", "0", OUT)
    assert outcome.returncode == 1
    assert not out.exists()
    assert live(node) == before
    assert OWN.stored.encode() not in outcome.stdout + outcome.stderr


def test_without_a_file_there_is_nothing_to_work_on(node: LocalNode) -> None:
    locked(node)
    outcome = node.run("signing", "live", "0", OUT)
    assert outcome.returncode == 1
    assert b"no priv_validator.json" in outcome.stderr
