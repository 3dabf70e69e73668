"""Plans as files: what is written is read again; what no plan may hold is refused."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from loomtui.backups.model import Compression, Item
from loomtui.backups.prepared.places import manifest_key
from loomtui.backups.prepared.reference import ManifestRef
from loomtui.cli.views import plan_document
from loomtui.errors import CallError
from loomtui.loom.databases import CONFIG_TARGETS
from loomtui.restore.choices import BackupPolicy, Choices, Objectives
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import (
    ExternalAddress,
    FileAction,
    FileChoice,
    Plan,
    Prediction,
    RemedyKind,
    Scope,
    SigningAction,
    SigningChoice,
    Unknown,
    UnknownCode,
    ValidatorPower,
)
from loomtui.restore.planning.planfile import dump_plan, load_plan, read_plan, save_plan, write_private
from loomtui.restore.room import NodeRoom, OldData, RoomRemedy, RoomRemedyKind, RoomUnit, Shortage
from tests.restore.material import NOW, archive, make_plan_of, node_plan

# ── what is written is read again ───────────────────────────────────────────────────────────────────────────

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
lines = st.lists(
    st.sampled_from(["a: b", "  - x", "", "\t", "--- n", "# c", "'", '"', "é\u2028z"]), max_size=5
)
prose = texts | lines.map("\n".join)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
numbers = st.none() | st.integers(0, 2**60)
signings = st.builds(
    SigningChoice, st.sampled_from(SigningAction), st.none() | texts, numbers, numbers, numbers, prose
)
files = st.builds(
    FileChoice,
    st.sampled_from(CONFIG_TARGETS),
    st.sampled_from(FileAction),
    prose,
    st.booleans(),
    st.none() | texts,
    prose,
)
times = st.datetimes(timezones=st.just(UTC))
archives = st.builds(
    lambda key, compression, at: archive(key=key, compression=compression, taken_at=at),
    texts,
    st.sampled_from(Compression),
    times,
)
nodes = st.builds(
    lambda name, data, choices, signing, warnings: node_plan(
        name, data=data, files=tuple(choices), signing=signing, warnings=tuple(warnings)
    ),
    names,
    st.none() | archives,
    st.lists(files, max_size=3),
    signings,
    st.lists(prose, max_size=2),
)
powers = st.builds(ValidatorPower, texts, st.integers(0, 2**60), st.none() | texts)
predictions = st.builds(
    Prediction,
    st.booleans(),
    numbers,
    st.integers(),
    st.integers(),
    prose,
    st.lists(texts).map(tuple),
    prose,
    st.sampled_from(RemedyKind),
)
choices = st.builds(
    Choices,
    data_key=st.none() | texts,
    before=st.none() | times,
    nodes=st.none() | st.lists(names).map(tuple),
    stage_first=st.booleans(),
    reset_signing=st.booleans(),
    keep_keys=st.booleans(),
    sources=st.dictionaries(names, texts, max_size=2),
    gone=st.lists(names, max_size=2).map(tuple),
    backup_policy=st.sampled_from(BackupPolicy),
    redis=st.sampled_from([None, "keep", "10.2.0.9:6379"]),
    look=st.booleans(),
    look_limit_bytes=st.integers(0, 2**50),
)
findings = st.builds(Finding, st.sampled_from(FindingCode), st.none() | texts, prose, prose)
plans = st.builds(
    lambda chosen, wanted, prediction, validators, scope, refusals, made_by, at: make_plan_of(
        *chosen,
        choices=wanted,
        prediction=prediction,
        validators=tuple(validators),
        scope=scope,
        refusals=tuple(refusals),
        made_by=made_by,
        made_at=at,
    ),
    st.lists(nodes, min_size=1, max_size=3, unique_by=lambda node: node.name),
    choices,
    predictions,
    st.lists(powers, max_size=3),
    st.sampled_from(Scope),
    st.lists(findings, max_size=2),
    texts,
    times,
)


@pytest.mark.slow
@settings(max_examples=50)
@given(plans)
def test_any_plan_is_read_as_it_was_written(plan: Plan) -> None:
    data = yaml.load(dump_plan(plan).encode(), Loader=yaml.SafeLoader)
    assert read_plan(data, "plan") == plan


def test_a_plan_is_saved_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    plan = make_plan_of()
    save_plan(plan, path)
    assert load_plan(path) == plan
    assert oct(path.stat().st_mode)[-3:] == "600"
    assert [found.name for found in tmp_path.iterdir()] == ["plan.yml"]


def test_a_diff_can_be_read_in_the_file(tmp_path: Path) -> None:
    diff = "--- loom.yml (now)\n+++ loom.yml (after)\n@@ -1 +1 @@\n-a: 1\n+a: 2"
    choice = FileChoice("loom.yml", FileAction.RESTORE, "differs", changes=True, diff=diff)
    written = dump_plan(make_plan_of(node_plan(files=(choice,))))
    assert "      +a: 2\n" in written
    assert written.startswith("# A restore plan for lab")


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="cannot be written"):
        save_plan(make_plan_of(), tmp_path / "missing" / "plan.yml")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.yml"
    write_private(path, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(path, b"new")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["plan.yml"]


# ── what is no plan ─────────────────────────────────────────────────────────────────────────────────────────


def loaded(tmp_path: Path, text: str | bytes) -> Plan:
    path = tmp_path / "plan.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_plan(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a plan of this version"),
        ("just text", "not a plan of this version"),
        ("version: 99\n", "not a plan of this version"),
        ("version: 1\n", "not a valid plan"),
        ("a: [", "is not a plan"),
        ("a: &x 1\nb: *x\n", "aliases are not allowed"),
        ("a: !!python/object/apply:os.system ['true']\n", "is not a plan"),
        ("[" * 100_000, "is not a plan"),
        ("[" * 60 + "]" * 60, "nested too deep"),
        (b"\xff\xfe\x00\x00", "is not a plan"),
        ("a: \x1b[31m\n", "is not a plan"),
        ("made: 2026-99-99\n", "is not a plan"),
    ],
    ids=[
        "empty",
        "text",
        "later version",
        "fields missing",
        "cut off",
        "aliases",
        "code",
        "deep",
        "deeper than a plan",
        "no text",
        "escapes",
        "no date",
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(CallError, match=said) as caught:
        loaded(tmp_path, text)
    assert "\x1b" not in caught.value.what
    assert "\n" not in caught.value.what


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="cannot be read"):
        load_plan(tmp_path / "missing.yml")
    with pytest.raises(CallError, match="cannot be read"):
        load_plan(tmp_path)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(CallError, match="too large"):
        load_plan(path)


# ── what no plan may hold ───────────────────────────────────────────────────────────────────────────────────


def one(**changes: Any) -> Plan:
    return make_plan_of(node_plan(**changes))


def data(**changes: Any) -> Plan:
    return one(data=archive(**changes))


def ref(**changes: Any) -> ManifestRef:
    made = ManifestRef(manifest_key(archive().key), '"m"', "0" * 64, 100, NOW, "cron@depot")
    return replace(made, **changes)


def items(source: str, target: str) -> tuple[Item, ...]:
    return (Item(source, target),)


def losing(*names: str, consent: bool = True, size: int = 1, **changes: Any) -> Plan:
    """A plan that gives up these databases of its only node."""
    node = node_plan(gives_up=OldData(names, size, 1), **changes)
    unknown = () if node.data is None or node.data.is_known else (Unknown(UnknownCode.WHOLE, "whole?"),)
    return make_plan_of(node, choices=Choices(give_up_old_data=consent), unknowns=unknown)


HOSTILE = [
    losing("app.db", consent=False),
    losing(),
    losing("app.db", size=-1),
    losing("app.db", data=None),
    losing("app.db", data=archive(sha256="", items=())),
    losing("chaindata/config"),
    losing("chaindata/data"),
    losing("chaindata/data/../config.db"),
    losing("chaindata/data/x/y.db"),
    losing("../x/app.db"),
    losing("/app.db"),
    losing("old_app_1/../../x.db"),
    losing("old_app_ .db"),
    losing("contracts"),
    losing("app.db", "loom.yml"),
    one(taken_over_bytes=-1),
    one(working_directory="relative"),
    one(working_directory="/home/ubuntu/../root"),
    one(working_directory="/home/ubuntu\n"),
    one(working_directory="/home/\x1b[2J"),
    one(unit_path="../loom.service"),
    one(unit_path="/etc/systemd/system/"),
    one(unit_path="/etc/systemd/system/-x.service"),
    one(unit_path="/etc/passwd"),
    one(user="--reference=/etc/shadow"),
    one(user="root:root"),
    one(group=""),
    one(group="a b"),
    one(name="../n1"),
    make_plan_of(node_plan("n1"), node_plan("n1")),
    make_plan_of(cluster="lab\nversion: 2"),
    make_plan_of(verify_deadline_seconds=0),
    make_plan_of(verify_deadline_seconds=10**9),
    make_plan_of(objectives=Objectives(downtime_seconds=0)),
    make_plan_of(objectives=Objectives(data_loss_seconds=float("nan"))),
    make_plan_of(made_at=datetime(2026, 1, 1)),
    make_plan_of(choices=Choices(before=datetime(2026, 1, 1))),
    make_plan_of(choices=Choices(redis="10.2.0.9:6379 -a")),
    one(files=(FileChoice("../../etc/shadow", FileAction.RESTORE, "", changes=True),)),
    data(sha256="short"),
    data(sha256="0" * 64 + "\n"),
    data(etag='x"\nurl = "file:///etc/shadow'),
    data(etag="x\nrm -rf /"),
    data(etag='"unbalanced'),
    data(size_bytes=-1),
    data(taken_at=datetime(2026, 1, 1)),
    data(manifest=ref(key="elsewhere.loomtui.json")),
    data(manifest=ref(sha256="")),
    data(manifest=ref(etag='"m"\nurl = "file:///etc/shadow')),
    data(manifest=ref(size_bytes=-1)),
    data(manifest=ref(made_at=datetime(2026, 1, 1))),
    data(has_twin=True),
    data(items=items("../app.db", "app.db")),
    data(items=items("/app.db", "app.db")),
    data(items=items("-x", "app.db")),
    data(items=items("a\nb", "app.db")),
    data(items=items("app.db\n", "app.db")),
    data(items=items("app.db", "../app.db")),
    data(items=items("app.db", "/etc/passwd")),
    data(items=items("app.db", "old_app_*.db")),
    data(items=items("node_key.json", "chaindata/config/node_key.json")),
    data(items=(Item("a", "app.db"), Item("b", "app.db"))),
    one(config=archive(items=items("app.db", "app.db"))),
    one(config=archive(items=items("addrbook.json", "chaindata/config/addrbook.json"))),
]


@pytest.mark.parametrize("plan", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_plans_are_refused(tmp_path: Path, plan: Plan) -> None:
    with pytest.raises(CallError) as caught:
        loaded(tmp_path, dump_plan(plan))
    assert "\x1b" not in str(caught.value)


def test_a_plan_that_gives_old_data_up_is_read_again(tmp_path: Path) -> None:
    plan = losing("app.db", "chaindata/data/state.db", "old_app_17.db", "receipts_db")
    remedy = RoomRemedy(RoomRemedyKind.GIVE_UP, 5, True, ("loomtui plan",), "x")
    short = Shortage(("/w",), RoomUnit.BYTES, 1, 2, "parts")
    plan = replace(plan, room=(NodeRoom("n1", (short,), (remedy,)),))
    assert loaded(tmp_path, dump_plan(plan)) == plan
    document = plan_document(plan)
    assert document["room"] == [
        {
            "node": "n1",
            "shortages": [{"folders": ["/w"], "unit": "bytes", "free": 1, "needed": 2, "parts": "parts"}],
            "remedies": [
                {
                    "kind": "give-up-old-data",
                    "frees_bytes": 5,
                    "is_enough": True,
                    "commands": ["loomtui plan"],
                    "missing": "x",
                }
            ],
        }
    ]


def test_plain_plans_are_not(tmp_path: Path) -> None:
    config = archive(items=items("config/node_key.json", "chaindata/config/node_key.json"), etag="0a-12")
    plan = make_plan_of(
        node_plan(config=config, user="svc.loom$", unit_path="/lib/systemd/system/loom@a\\x2db.service"),
        node_plan("n2", data=None, working_directory="/srv/lo om"),
        node_plan("n3", data=archive(manifest=ref(), has_twin=True)),
    )
    assert loaded(tmp_path, dump_plan(plan)) == plan


def test_a_node_is_found_by_its_name() -> None:
    plan = make_plan_of(node_plan("n1"), node_plan("n2"))
    assert plan.node("n2").name == "n2"
    with pytest.raises(KeyError):
        plan.node("n3")


def test_fields_that_a_newer_version_adds_are_no_error(tmp_path: Path) -> None:
    text = dump_plan(replace(make_plan_of())) + "later: true\n"
    assert loaded(tmp_path, text) == make_plan_of()


def test_a_plan_with_an_earlier_name_of_a_field_is_read(tmp_path: Path) -> None:
    address = ExternalAddress("loom.yml", "EventDispatcherURI", "redis://10.2.0.9:6379", True, "reached")
    plan = make_plan_of(node_plan(external_addresses=(address,)))
    earlier = dump_plan(plan).replace("external_addresses:", "foreign:")
    assert "foreign:" in earlier
    assert loaded(tmp_path, earlier) == plan


def test_an_earlier_plan_is_made_anew_of_what_it_tells(tmp_path: Path) -> None:
    data = yaml.safe_load(dump_plan(make_plan_of(node_plan("n1"), node_plan("n2"), left_out=("n3",))))
    del data["choices"]
    data |= {"stage_first": True, "reset_confirmed": True, "backup_policy": "stop", "options": []}
    assert loaded(tmp_path, yaml.safe_dump(data)).choices == Choices(
        data_key=archive().key,
        nodes=("n1", "n2"),
        stage_first=True,
        reset_signing=True,
        backup_policy=BackupPolicy.STOP,
    )


def test_a_plan_whose_findings_are_plain_texts_is_read(tmp_path: Path) -> None:
    """As an earlier loomtui wrote it, and as `loomtui plan --json` prints it."""
    found = Finding(FindingCode.NO_ROOM, "n1", "n1: not enough room", "Make room")
    plan = make_plan_of(refusals=(found,), warnings=(found,))
    read = loaded(tmp_path, json.dumps(plan_document(plan)))
    told = Finding(FindingCode.NOT_TOLD, None, "n1: not enough room. Make room")
    assert (read.refusals, read.warnings) == ((told,), (told,))
    assert replace(read, refusals=plan.refusals, warnings=plan.warnings) == plan


def test_json_tells_findings_as_texts_and_as_types() -> None:
    found = Finding(FindingCode.NO_ROOM, "n1", "n1: not enough room", "Make room")
    document = json.loads(json.dumps(plan_document(make_plan_of(refusals=(found,)))))
    assert document["refusals"] == ["n1: not enough room. Make room"]
    assert document["findings"]["refusals"] == [
        {"code": "no-room", "node": "n1", "sentence": "n1: not enough room", "advice": "Make room"}
    ]
