"""The inventory: every error at once, each with its line; and what the typed result says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from loomtui.errors import CallError, InventoryError, Problem
from loomtui.inventory import (
    Inventory,
    LoomSettings,
    Node,
    NotifySettings,
    Objectives,
    Ports,
    Role,
    S3Settings,
    Signer,
    SshSettings,
    load,
    schema,
)
from loomtui.inventory.checks import cross_check
from loomtui.inventory.document import Document, read_document
from loomtui.inventory.load import PROBLEM_LIMIT, SIZE_LIMIT

SAMPLE = Path(__file__).parents[2] / "sample_inventory.yml"

SMALL = """\
cluster: c
production: false
s3: {bucket: backups}
nodes:
  - {name: n1, host: 10.0.0.1}
  - {name: n2, host: 10.0.0.2}
"""

TEN_ERRORS = """\
cluster: "bad name"
production: maybe
ssh:
  usr: ubuntu
  port: "22"
s3:
  bucket: s3://loom/backups
nodes:
  - name: n1
    host: ubuntu@10.0.0.1
  - name: n1
    host: 10.0.0.2
    role: validatr
  - nme: n3
    host: 10.0.0.2
  - name: n4
    host: 10.0.0.4
    host: 10.0.0.5
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(text: str) -> Path:
        path = tmp_path / "inventory.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(InventoryError) as caught:
        load(path)
    return caught.value.problems


def only_problem(path: Path) -> Problem:
    (problem,) = problems_of(path)
    return problem


def test_sample_inventory_loads_and_shows_every_field() -> None:
    inventory = load(SAMPLE)
    assert inventory.cluster == "loom-example"
    assert [node.role for node in inventory.nodes].count(Role.BACKUP) == 1
    text = SAMPLE.read_text(encoding="utf-8")
    models = (
        Inventory,
        SshSettings,
        LoomSettings,
        Ports,
        S3Settings,
        NotifySettings,
        Objectives,
        Signer,
        Node,
    )
    missing = [name for model in models for name in model.model_fields if f"{name}:" not in text]
    assert missing == []


def test_a_command_to_notify(write: Write) -> None:
    settings = load(write(SMALL + "notify: {command: [curl, -m, '8'], after: 0}\n")).notify
    assert settings == NotifySettings(command=("curl", "-m", "8"), timeout=10, after=0)
    assert load(write(SMALL)).notify is None
    wrong = problems_of(write(SMALL + "notify:\n  command: [curl, 8]\n  timeout: 61\n  shell: true\n"))
    assert [problem.field for problem in wrong] == ["notify.command[1]", "notify.timeout", "notify.shell"]
    assert "in quotes where it is a number" in wrong[0].expected
    (text,) = problems_of(write(SMALL + "notify: {command: 'curl x'}\n"))
    assert text.expected == "a list of at least one argument, the program first; there is no shell"
    (empty,) = problems_of(write(SMALL + "notify: {command: []}\n"))
    assert empty.expected == text.expected


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKZ+a16+tSLDwEyABRuqkR++WVf1gBAw0W+PgBD3fcaA"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKZ+a16+tSLDwEyABRuqkR++WVf1gBAw0W+PgBD3fcaB"


def signers(*people: tuple[str, str]) -> str:
    listed = "".join(f"  - {{name: {name}, key: '{key}'}}\n" for name, key in people)
    return f"{SMALL}require_second: true\nallowed_signers:\n{listed}"


def test_two_people_may_sign(write: Write) -> None:
    inventory = load(write(signers(("anna", f"{KEY} anna@desk"), ("ben@example.com", OTHER_KEY))))
    assert inventory.require_second
    assert inventory.allowed_signers[0] == Signer(name="anna", key=KEY)
    assert inventory.allowed_signers[0].blob[-1:] == b"\x80"
    assert not load(write(SMALL)).require_second


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        (signers(("anna", KEY)), "require_second", "two people and more"),
        (signers(("anna", KEY), ("anna", OTHER_KEY)), "require_second", "two people and more"),
        (f"{SMALL}require_second: true\n", "require_second", "two people and more"),
        (signers(("anna", KEY), ("ben", f"{KEY} b")), "allowed_signers[1].key", "a key of their own"),
        (signers(("anna", KEY), ("b n", OTHER_KEY)), "allowed_signers[1].name", "without blanks"),
        (signers(("anna", KEY), ("ben", "ssh-rsa AAAA")), "allowed_signers[1].key", "a public SSH key"),
        (signers(("anna", KEY), ("ben", KEY[12:])), "allowed_signers[1].key", "a public SSH key"),
        (signers(("anna", KEY), ("'*'", OTHER_KEY)), "allowed_signers[1].name", "without blanks"),
    ],
)
def test_signers_that_are_wrong(write: Write, text: str, field: str, expected: str) -> None:
    (problem,) = problems_of(write(text))
    assert problem.field == field
    assert expected in problem.expected


def test_ten_errors_show_ten_errors_in_the_order_of_their_lines(write: Write) -> None:
    problems = problems_of(write(TEN_ERRORS))
    assert [(problem.line, problem.field) for problem in problems] == [
        (1, "cluster"),
        (2, "production"),
        (4, "ssh.usr"),
        (5, "ssh.port"),
        (7, "s3.bucket"),
        (10, "nodes[0].host"),
        (11, "nodes[1].name"),
        (13, "nodes[1].role"),
        (14, "nodes[2].nme"),
        (15, "nodes[2].host"),
        (17, "nodes[3].host"),
    ]


def test_problem_says_file_line_field_found_expected_and_suggestion(write: Write) -> None:
    path = write(TEN_ERRORS)
    by_field = {problem.field: str(problem) for problem in problems_of(path)}
    assert by_field["ssh.usr"].startswith(f"{path}:4: ssh.usr: found an unknown key, expected one of user,")
    assert by_field["ssh.usr"].endswith("(did you mean 'user'?)")
    assert "found 'maybe', expected true or false" in by_field["production"]
    assert (
        "found '22', expected a port number from 1 to 65535 (write it without quotes)" in by_field["ssh.port"]
    )
    assert "expected validator or backup" in by_field["nodes[1].role"]
    assert "the user belongs into ssh: user" in by_field["nodes[0].host"]
    assert "as nodes[0] in line 9" in by_field["nodes[1].name"]
    assert "in line 18, first in line 17" in by_field["nodes[3].host"]


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        (("cluster: c\n", ""), "cluster", "a name of letters"),
        (("production: false\n", ""), "production", "true or false"),
        (("s3: {bucket: backups}\n", ""), "s3", "a mapping with keys of bucket"),
        (("s3: {bucket: backups}", "s3:"), "s3", "a mapping with keys of bucket"),
        (
            ("bucket: backups", "bucket: backups, endpoint: ftp://x"),
            "s3.endpoint",
            "an http:// or https:// URL",
        ),
        (("bucket: backups", "bucket: backups, region: EU"), "s3.region", "an AWS region"),
        (
            ("bucket: backups", "bucket: backups, addressing_style: vhost"),
            "s3.addressing_style",
            "auto or path or virtual",
        ),
        (("bucket: backups", "bucket: backups, look_limit: many"), "s3.look_limit", "a size: a number"),
        (("bucket: backups", "bucket: backups, look_limit: -1"), "s3.look_limit", "a size: a number"),
        (("bucket: backups", "bucket: backups, look_limit: true"), "s3.look_limit", "a size: a number"),
        (("cluster: c", "cluster: c\nobjectives: {downtime: 30}"), "objectives.downtime", "30m, 1h30m"),
        (("cluster: c", "cluster: c\nobjectives: {downtime: 0s}"), "objectives.downtime", "30m, 1h30m"),
        (("cluster: c", "cluster: c\nobjectives: {data_loss: soon}"), "objectives.data_loss", "30m, 1h30m"),
        (("cluster: c", "cluster: c\nobjectives: {data_loss: -1h}"), "objectives.data_loss", "30m, 1h30m"),
        (("cluster: c", "cluster: c\nobjectives: {rto: 1h}"), "objectives.rto", "one of downtime, data_loss"),
        (("cluster: c", "cluster: c\nobjectives: 1h"), "objectives", "a mapping with keys of downtime"),
        (("host: 10.0.0.1", "host: '-oProxyCommand=id'"), "nodes[0].host", "a host name"),
        (("host: 10.0.0.1", "host: tcp://10.0.0.1"), "nodes[0].host", "a host name"),
        (("host: 10.0.0.1", "host: 10.0.0.1, port: 0"), "nodes[0].port", "a port number"),
        (("host: 10.0.0.1", "host: 10.0.0.1, port: true"), "nodes[0].port", "a port number"),
        (("cluster: c", "cluster: c\nssh: {user: -x}"), "ssh.user", "a user name"),
        (
            ("cluster: c", "cluster: c\nssh: {connect_timeout: 0}"),
            "ssh.connect_timeout",
            "a number of seconds",
        ),
        (
            ("cluster: c", "cluster: c\nssh: {key_file: 3}"),
            "ssh.key_file",
            "an absolute path on this machine",
        ),
        (("cluster: c", "cluster: c\nssh: {known_hosts: known}"), "ssh.known_hosts", "begins with ~/"),
        (("cluster: c", "cluster: c\nssh: {sudo: always}"), "ssh.sudo", "auto or never"),
        (("cluster: c", "cluster: c\nloom: {binary: loom}"), "loom.binary", "an absolute path"),
        (("cluster: c", "cluster: c\nloom: {binary: /a/../b}"), "loom.binary", "an absolute path"),
        (("cluster: c", "cluster: c\nloom: {service: 'a b'}"), "loom.service", "a systemd service"),
        (("cluster: c", "cluster: c\nloom: {service: -H}"), "loom.service", "a systemd service"),
        (("cluster: c", "cluster: c\nloom: {service: .service}"), "loom.service", "a systemd service"),
        (
            ("cluster: c", "cluster: c\nloom: {ports: {rpc: 46656}}"),
            "loom.ports.rpc",
            "three different ports",
        ),
        (("name: n2", "name: N1"), "nodes[1].name", "a name of its own"),
        (("host: 10.0.0.2", "host: 10.0.0.1"), "nodes[1].host", "a host or port of its own"),
        (("host: 10.0.0.2", "host: 10.0.0.2, address: 10.0.0.1"), "nodes[1].address", "P2P port of its own"),
        (
            ("host: 10.0.0.2", "host: 10.0.0.2, backup_host: n1"),
            "nodes[1].backup_host",
            "a host name of its own",
        ),
        (("name: n1,", "name: n1, role: backup,"), "nodes", "at least one node with role: validator"),
        (("name: n1", "name: &x n1"), "nodes[1].name", "the value, written out"),
        (("name: n1", "name: !!python/name:os.system n1"), "nodes[0].name", "a plain value"),
        (("name: n1", "[name]: n1"), "nodes[0].?", "a key that is text"),
    ],
)
def test_each_error_alone(write: Write, change: tuple[str, str], field: str, expected: str) -> None:
    text = SMALL.replace(*change)
    assert text != SMALL
    if "role: backup" in text:
        text = text.replace("name: n2,", "name: n2, role: backup,")
    if "&x" in text:
        text = text.replace("name: n2", "name: *x")
    matching = [problem for problem in problems_of(write(text)) if problem.field == field]
    assert matching
    assert expected in matching[0].expected


@pytest.mark.parametrize(("written", "size"), [("2 GB", 2_000_000_000), ("0", 0), ("1.5MiB", 1_572_864)])
def test_a_size_is_written_as_on_the_command_line(write: Write, written: str, size: int) -> None:
    path = write(SMALL.replace("bucket: backups", f"bucket: backups, look_limit: {written}"))
    assert load(path).s3.look_limit == size
    assert load(write(SMALL)).s3.look_limit is None


@pytest.mark.parametrize(("written", "seconds"), [("30m", 1800), ("1h 30m", 5400), ("2d", 172_800)])
def test_objectives_are_lengths_of_time(write: Write, written: str, seconds: int) -> None:
    path = write(SMALL.replace("cluster: c", f"cluster: c\nobjectives: {{downtime: {written}}}"))
    objectives = load(path).objectives
    assert objectives.downtime == timedelta(seconds=seconds)
    assert objectives.data_loss is None
    assert load(write(SMALL)).objectives.downtime is None


def test_a_misspelt_key_is_one_problem_and_not_a_missing_one_as_well(write: Write) -> None:
    problem = only_problem(write(SMALL.replace("cluster: c", "clutser: c")))
    assert (problem.field, problem.suggestion) == ("clutser", "did you mean 'cluster'?")


def test_value_of_an_unknown_key_is_never_shown(write: Write) -> None:
    text = SMALL.replace("cluster: c", "cluster: c\nssh: {password: hunter2}")
    with pytest.raises(InventoryError) as caught:
        load(write(text))
    assert "hunter2" not in str(caught.value)


def test_password_in_a_url_is_never_shown(write: Write) -> None:
    problem = only_problem(
        write(SMALL.replace("bucket: backups", "bucket: backups, endpoint: http://u:pw@h"))
    )
    assert "pw" not in str(problem)


def test_terminal_escapes_of_the_file_do_not_reach_the_message(write: Write) -> None:
    problem = only_problem(write(SMALL.replace("cluster: c", r'cluster: "\e]52;c;aGk=\a\e[2J"')))
    assert "\x1b" not in str(problem)
    assert "\x07" not in str(problem)


def test_same_ssh_host_twice_is_said_once(write: Write) -> None:
    text = SMALL.replace("host: 10.0.0.1", "host: '::1'").replace("host: 10.0.0.2", "host: '[0:0::1]'")
    problem = only_problem(write(text))
    assert "a host or port of its own" in problem.expected


def test_nodes_may_share_a_host_on_ports_of_their_own(write: Write) -> None:
    text = SMALL.replace("host: 10.0.0.2", "host: 10.0.0.1, port: 2222, loom: {ports: {p2p: 30001}}")
    inventory = load(write(text))
    assert inventory.loom_of(inventory.node("n2")).ports.p2p == 30001


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "(the file)"),
        ("- a\n- b\n", "(the file)"),
        ("cluster: [\n", "(the file)"),
        ("cluster:\n\t- x\n", "(the file)"),
        ("a: 1\n---\nb: 2\n", "(the file)"),
        ("\x00", "(the file)"),
        ("[" * 5000, "(the file)"),
    ],
)
def test_what_is_no_inventory_at_all(write: Write, text: str, field: str) -> None:
    assert problems_of(write(text))[0].field == field


def test_tabs_get_a_hint(write: Write) -> None:
    assert "not with tabs" in only_problem(write("cluster:\n\t- x\n")).suggestion


def test_size_encoding_and_access(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    path.write_bytes(b"#" * (SIZE_LIMIT + 1))
    with pytest.raises(CallError, match="larger than"):
        load(path)
    path.write_bytes(b"cluster: c\nx: \xff\n")
    with pytest.raises(CallError, match=":2: the inventory is not UTF-8"):
        load(path)
    with pytest.raises(CallError, match="cannot be read"):
        load(tmp_path)


def test_bom_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert load(path).cluster == "c"


def test_number_of_problems_is_bounded(write: Write) -> None:
    keys = "".join(f"unknown_{number}: 1\n" for number in range(PROBLEM_LIMIT * 2))
    assert len(problems_of(write(SMALL + keys))) == PROBLEM_LIMIT


def test_settings_of_a_node_lie_over_those_of_the_cluster(write: Write) -> None:
    inventory = load(
        write(
            SMALL.replace("host: 10.0.0.1", "host: 10.0.0.1, ssh: {port: 23}, loom: {ports: {p2p: 1}}")
            + "ssh: {user: ubuntu, port: 22}\nloom: {service: node, ports: {rpc: 2}}\n"
        )
    )
    first, second = inventory.nodes
    assert (inventory.ssh_of(first).user, inventory.ssh_of(first).port) == ("ubuntu", 23)
    assert (inventory.ssh_of(second).user, inventory.ssh_of(second).port) == ("ubuntu", 22)
    ports = inventory.loom_of(first).ports
    assert (ports.p2p, ports.rpc, ports.api) == (1, 2, 46658)
    assert inventory.loom_of(first).unit_file == "/etc/systemd/system/node.service"


def test_schema_is_json_and_names_every_top_level_key() -> None:
    made = json.loads(json.dumps(schema()))
    assert made["$schema"].startswith("https://json-schema.org/")
    assert set(made["properties"]) == set(Inventory.model_fields)
    assert set(made["required"]) == {"cluster", "production", "s3", "nodes"}


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
_KEYS = st.sampled_from(
    ["cluster", "nodes", "name", "host", "port", "role", "ssh", "loom", "ports", "p2p", "address", "s3", "x"]
)
_DATA = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=25,
)


@given(data=st.dictionaries(_KEYS, _DATA, max_size=8))
def test_no_data_of_any_shape_breaks_the_cross_checks(data: dict[str, object]) -> None:
    document = Document("f", data)
    cross_check(document)
    assert all(problem.line == 1 for problem in document.problems)


@given(text=st.text(max_size=80) | _DATA.map(lambda data: str(yaml.safe_dump(data))))
def test_no_text_breaks_the_reader(text: str) -> None:
    document = read_document("f", text)
    assert all("\x1b" not in str(problem) for problem in document.problems)
