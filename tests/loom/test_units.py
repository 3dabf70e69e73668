from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.launch.sources import SourceFile, Sources
from loomtui.loom.units import EffectiveUnit, PeerFlag, UnitFile, read_cat, read_unit

from .vectors import A, B, C

PERSISTENT, PEERS = PeerFlag.PERSISTENT, PeerFlag.PEERS
LIST = f"tcp://{A}@10.2.0.4:46656,tcp://{B}@10.2.0.5:46656"
PATH = "/etc/systemd/system/loom.service"
PLAYBOOK = f"""

None
[Unit]
Description=Loom
None

[Service]
Type=simple
User=ubuntu
WorkingDirectory=/home/ubuntu
ExecStart=/usr/bin/loom run --persistent-peers {LIST}
Restart=always

[Install]
WantedBy=multi-user.target
"""


def service(command: str, more: str = "") -> str:
    return f"[Service]\n{more}ExecStart={command}\n"


def values(unit: EffectiveUnit) -> dict[PeerFlag, str]:
    return {value.flag: value.value for value in unit.peer_values}


def test_the_unit_of_the_official_playbook_with_its_junk_lines() -> None:
    unit = read_unit(PATH, PLAYBOOK)
    assert unit.user == "ubuntu"
    assert unit.group == ""
    assert unit.working_directory == "/home/ubuntu"
    assert unit.exec_start == ("/usr/bin/loom", "run", "--persistent-peers", LIST)
    assert (unit.exec_start_file, unit.exec_start_line) == (PATH, 12)
    (value,) = unit.peer_values
    assert (value.flag, value.value, value.file, value.line) == (PERSISTENT, LIST, PATH, 12)
    assert unit.problems == ()
    assert unit.text_of(PATH) == PLAYBOOK
    with pytest.raises(KeyError):
        unit.text_of("/other")


def test_what_systemd_takes_where_nothing_is_said() -> None:
    unit = read_unit(PATH, service("/usr/bin/loom run"))
    assert (unit.user, unit.group, unit.working_directory, unit.environment_files) == ("root", "", "/", ())
    assert unit.peer_values == ()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (f"loom run --persistent-peers {LIST}", {PERSISTENT: LIST}),
        (f"loom run --persistent-peers={LIST}", {PERSISTENT: LIST}),
        (f'loom run --persistent-peers "{LIST}"', {PERSISTENT: LIST}),
        (f"loom run --persistent-peers='{LIST}'", {PERSISTENT: LIST}),
        (f'loom run "--persistent-peers={LIST}"', {PERSISTENT: LIST}),
        (f"loom run --peers {LIST}", {PEERS: LIST}),
        (f"loom run -p {LIST}", {PEERS: LIST}),
        (f"loom run -p={LIST}", {PEERS: LIST}),
        (f"loom run -p{LIST}", {PEERS: LIST}),
        (f"loom run --peers x --persistent-peers {LIST}", {PEERS: "x", PERSISTENT: LIST}),
        (
            f"loom run -p x --peers y --persistent-peers w --persistent-peers={LIST}",
            {PEERS: "y", PERSISTENT: LIST},
        ),
        (
            f"loom run --persistent-peers tcp://{A}@h:1, -p {LIST}",
            {PERSISTENT: f"tcp://{A}@h:1,", PEERS: LIST},
        ),
        ("loom run --persistent-peers ''", {PERSISTENT: ""}),
        ("loom run -p= --persistent-peers=", {PEERS: "", PERSISTENT: ""}),
        (f"loom run -- --peers {LIST}", {}),
        (f"loom --peers {LIST}", {PEERS: LIST}),
        (f"wrap -p x loom run --peers {LIST}", {PEERS: LIST}),
        (f"loom run \\\n  --persistent-peers \\\n  {LIST}", {PERSISTENT: LIST}),
        (f"loom run \\\n# a comment between\n\n  --peers {LIST}", {PEERS: LIST}),
        (f"loom run \\\r\n --peers {LIST}\r", {PEERS: LIST}),
        (f"-loom run --peers {LIST}", {PEERS: LIST}),
        (f"@/usr/bin/loom basechain run --peers {LIST}", {PEERS: LIST}),
        (f"+!:loom run --peers {LIST}", {PEERS: LIST}),
        (r"loom run --peers a\x2cb\sc\u00e9\U0001F600\101\t\"\\x", {PEERS: 'a,b cé😀A\t"\\x'}),
        (r"loom run --peers a\qb\xzz\x00\ud800", {PEERS: r"a\qb\xzz\x00\ud800"}),
        ("loom run --peers 100%%$$x", {PEERS: "100%$x"}),
    ],
)
def test_every_legal_way_to_give_peers(command: str, expected: dict[PeerFlag, str]) -> None:
    assert values(read_unit(PATH, service(command))) == expected


def test_prefixes_are_not_part_of_the_program() -> None:
    assert read_unit(PATH, service("-+/usr/bin/loom run")).exec_start == ("/usr/bin/loom", "run")
    assert read_unit(PATH, service("@/usr/bin/loom nick run")).exec_start == ("/usr/bin/loom", "run")


def test_the_line_of_a_value_behind_a_continuation() -> None:
    (value,) = read_unit(PATH, service(f"loom run \\\n--peers \\\n{LIST}")).peer_values
    assert value.line == 4


def test_a_continuation_at_the_end_of_the_file() -> None:
    assert values(read_unit(PATH, f"[Service]\nExecStart=loom run --peers {LIST} \\")) == {PEERS: LIST}


def test_exec_start_pre_and_other_sections_do_not_count() -> None:
    text = (
        f"[Unit]\nExecStart=nothing\n[Service]\nExecStartPre=/bin/loom run --peers {A}@h:1\n"
        f"; ExecStart=old\nExecStart=loom run --peers {LIST}\nExecStop=x\nUser=a\nUser=b\nnonsense\n"
    )
    unit = read_unit(PATH, text)
    assert values(unit) == {PEERS: LIST}
    assert unit.user == "b"


CAT = f"""# {PATH}
[Service]
User=ubuntu
Group=loom
WorkingDirectory=-/home/ubuntu
EnvironmentFile=-/etc/default/loom
ExecStart=/usr/bin/loom run --peers {LIST}

# /etc/systemd/system/loom.service.d/10-peers.conf
[Service]
ExecStart=
ExecStart=/usr/bin/loom run --persistent-peers {LIST}

# /run/systemd/system/service.d/20.conf
[Service]
User=loom
"""


def test_drop_ins_override_and_an_empty_exec_start_resets() -> None:
    unit = read_cat(CAT)
    drop_in = "/etc/systemd/system/loom.service.d/10-peers.conf"
    assert [file.path for file in unit.files] == [PATH, drop_in, "/run/systemd/system/service.d/20.conf"]
    assert (unit.user, unit.group, unit.working_directory) == ("loom", "loom", "/home/ubuntu")
    assert unit.environment_files == ("/etc/default/loom",)
    assert values(unit) == {PERSISTENT: LIST}
    assert (unit.exec_start_file, unit.peer_values[0].line) == (drop_in, 3)
    assert unit.problems == ()


def test_the_texts_of_cat_are_those_of_the_files() -> None:
    texts = ["[Service]\nExecStart=a\n", "# /etc/notes\n[Service]\nUser=b", "[Service]\nUser=c\n\n"]
    paths = [PATH, "/etc/systemd/system/loom.service.d/a.conf", "/run/systemd/system/loom.service.d/b.conf"]
    # each file begins with its header; a newline separates two of them
    cat = "\n".join(f"# {path}\n{text}" for path, text in zip(paths, texts, strict=True))
    assert [(file.path, file.text) for file in read_cat(cat).files] == list(zip(paths, texts, strict=True))


def test_warnings_in_front_of_cat_are_passed_over() -> None:
    warning = "# Warning: loom.service changed on disk, the version systemd has loaded is outdated.\n"
    assert read_cat(warning + CAT) == read_cat(CAT)


def test_cat_without_a_header_is_one_file() -> None:
    assert read_cat(PLAYBOOK).files == (UnitFile("", PLAYBOOK),)


def test_environment_files_can_be_reset() -> None:
    unit = read_unit(PATH, "[Service]\nEnvironmentFile=/a\nEnvironmentFile=\nEnvironmentFile=/b\n")
    assert unit.environment_files == ("/b",)


def test_variables_that_the_unit_sets_are_filled_in() -> None:
    more = f'Environment="PEERS={LIST}" ID={A}\n'
    assert values(read_unit(PATH, service("loom run --peers $PEERS", more))) == {PEERS: LIST}
    text = service("loom run --peers tcp://${ID}@h:1", more)
    assert values(read_unit(PATH, text)) == {PEERS: f"tcp://{A}@h:1"}


@pytest.mark.parametrize(
    ("more", "source"),
    [
        ("", "the variable PEERS"),
        (f"Environment=PEERS={LIST}\nEnvironmentFile=/etc/loom.env\n", "/etc/loom.env, which was not read"),
    ],
)
def test_variables_from_elsewhere_are_a_problem(more: str, source: str) -> None:
    unit = read_unit(PATH, service("loom run --peers $PEERS", more))
    assert unit.peer_values == ()
    assert f"--peers comes from {source}" in unit.peers_unknown
    assert unit.peers_unknown in unit.problems


@pytest.mark.slow
def test_variables_do_not_multiply_without_end() -> None:
    text = service("loom run --peers " + "${A}" * 10_000, "Environment=A=" + "x" * 20_000 + "\n")
    assert "comes from the variable A" in read_unit(PATH, text).problems[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no ExecStart="),
        ("[Service]\nExecStart=a\nExecStart=\n", "no ExecStart="),
        ("[Service]\nExecStart=a\nExecStart=b\n", "names 2 commands"),
        (service("/bin/a ; /bin/b"), "names 2 commands"),
        (service('loom run "--peers'), "quote is opened and never closed"),
        (service("loom run --peers"), "--peers has no value"),
        (service(f"loom run {LIST}"), "Loom ignores the argument"),
        (service(f"loom run --persistent-peers {A}@a:1, {B}@b:1"), f"Loom ignores the argument {B}@b:1"),
        (service("/bin/sh -c 'loom run --peers $(cat /etc/peers)'"), "/etc/peers, which could not be read"),
        pytest.param("[Service]\n" + "#" * 300_000, "too large", id="large"),
    ],
)
def test_what_is_wrong_in_a_unit_is_said(text: str, problem: str) -> None:
    assert problem in " ".join(read_unit(PATH, text).problems)


@pytest.mark.parametrize("command", [f"loom run --moniker me@{C}:1", f"loom run --name x@y:1 --peers {LIST}"])
def test_values_of_other_flags_are_no_peers(command: str) -> None:
    assert read_unit(PATH, service(command)).problems == ()


def test_a_semicolon_in_quotes_separates_nothing() -> None:
    assert read_unit(PATH, service('loom run ";" x')).exec_start == ("loom", "run", ";", "x")


def test_the_same_unit_is_read_once_and_what_is_long_is_not_kept() -> None:
    """A plan for many nodes asks for the same units again and again; texts of nodes may be of any length."""
    text, script = service("/start.sh"), SourceFile("/start.sh", "exec loom run\n")
    around = Sources(scripts={script.path: script})
    assert read_unit(PATH, text, around) is read_unit(PATH, text, Sources(scripts={script.path: script}))
    assert read_unit(PATH, text, around).wanted != read_unit(PATH, text).wanted
    long_text = text + "# and so on\n" * 1_000
    assert read_unit(PATH, long_text) is not read_unit(PATH, long_text)
    long_script = Sources(scripts={script.path: replace(script, text=script.text + "# and so on\n" * 1_000)})
    assert read_unit(PATH, text, long_script) is not read_unit(PATH, text, long_script)


unit_text = st.text("[]Service\nExecStart= loomrun-pes'\"\\$%{}#;\r@:tcp//,.0123")


@given(st.one_of(st.text(), unit_text, unit_text.map(lambda text: "[Service]\nExecStart=" + text)))
def test_no_text_raises(text: str) -> None:
    read_cat(text)
    assert read_unit(PATH, text).files == (UnitFile(PATH, text),)


@given(st.text(), st.lists(st.tuples(st.integers(0, 9), unit_text), max_size=3))
def test_no_output_of_cat_raises(junk: str, drop_ins: list[tuple[int, str]]) -> None:
    parts = [f"# /etc/systemd/system/loom.service.d/{name}.conf\n{text}" for name, text in drop_ins]
    read_cat("\n".join([junk, f"# {PATH}\n[Service]\n", *parts]))
