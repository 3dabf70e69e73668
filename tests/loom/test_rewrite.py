"""The one change that loomtui makes to a unit: only the peers' values, and every other character stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.units import PeerFlag, read_unit, rewrite_peers

from .test_units import CAT, LIST, PERSISTENT, PLAYBOOK, service, values
from .vectors import A, B, C

PEERS = PeerFlag.PEERS
NEW = f"tcp://{C}@10.9.0.6:26656"


@pytest.mark.parametrize(
    "command",
    [
        f"loom run --persistent-peers {LIST} --more",
        f"loom run --persistent-peers={LIST}",
        f'loom run --persistent-peers "{LIST}" --more',
        f"loom run --persistent-peers='{LIST}' x",
        f'loom run "--persistent-peers={LIST}" x',
        f"loom run \\\n\t--persistent-peers   {LIST}   \\\n\t--more",
        f"loom run --persistent-peers old --peers {B}@x:1 --persistent-peers {LIST}",
        f"-@/usr/bin/loom loom run --persistent-peers {LIST}",
    ],
)
def test_only_the_value_changes(command: str) -> None:
    before = (
        f"None\n\n[Unit]\n#x\n{service(command)}ExecStartPre=loom run --persistent-peers {LIST}\n[Install]"
    )
    after = rewrite_peers(before, {PERSISTENT: NEW})
    assert after == before.replace(LIST, NEW, 1)
    assert values(read_unit("", after))[PERSISTENT] == NEW


def test_crlf_stays() -> None:
    before = PLAYBOOK.replace("\n", "\r\n")
    assert rewrite_peers(before, {PERSISTENT: NEW}) == before.replace(LIST, NEW)


def test_the_command_that_is_in_force_is_the_one_that_changes() -> None:
    before = f"[Service]\nExecStart=loom run --peers {LIST}\nExecStart=\nExecStart=loom run --peers {LIST}\n"
    after = rewrite_peers(before, {PEERS: NEW})
    assert (
        after
        == f"[Service]\nExecStart=loom run --peers {LIST}\nExecStart=\nExecStart=loom run --peers {NEW}\n"
    )


def test_a_drop_in_can_be_changed_alone() -> None:
    text = CAT.split("10-peers.conf\n")[1].split("\n\n#")[0]
    assert rewrite_peers(text, {PERSISTENT: NEW}) == text.replace(LIST, NEW)


def test_both_flags_at_once() -> None:
    before = service(f"loom run -p {LIST} --persistent-peers x")
    after = rewrite_peers(before, {PERSISTENT: LIST, PEERS: NEW})
    assert after == service(f"loom run -p {NEW} --persistent-peers {LIST}")


def test_absent_flags_are_appended() -> None:
    before = service("/usr/bin/loom run  ") + "Restart=always\n"
    both = rewrite_peers(before, {PERSISTENT: LIST, PEERS: NEW})
    assert (
        both == service(f"/usr/bin/loom run --peers {NEW} --persistent-peers {LIST}  ") + "Restart=always\n"
    )
    one = rewrite_peers(service(f"loom run --peers {LIST}"), {PERSISTENT: LIST, PEERS: NEW})
    assert one == service(f"loom run --peers {NEW} --persistent-peers {LIST}")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('--peers ""', f'--peers "{NEW}"'),
        ("--peers=", f"--peers={NEW}"),
        ('--peers=""', f"--peers={NEW}"),
        ('"--peers="', f'"--peers={NEW}"'),
        (f"'--peers={A}@h:1,'{B}@h:1", f"'--peers={NEW}'"),
        (f'{A}"x"'.join(["--peers ", ""]), f"--peers {NEW}"),
        (f"-p{LIST}", f"-p{NEW}"),
        (f"-p={LIST}", f"-p={NEW}"),
    ],
)
def test_empty_values_and_quotes_in_odd_places(before: str, after: str) -> None:
    result = rewrite_peers(service(f"loom run {before} --more"), {PEERS: NEW})
    assert values(read_unit("", result)) == {PEERS: NEW}
    assert read_unit("", result).exec_start[-1] == "--more"
    if '""' not in before:
        assert result == service(f"loom run {after} --more")


@pytest.mark.parametrize("before", [f"--peers {LIST}", f"--peers '{LIST}'", f"--peers={LIST}", "--peers ''"])
def test_an_empty_list_does_not_swallow_the_next_argument(before: str) -> None:
    result = rewrite_peers(service(f"loom run {before} --more"), {PEERS: ""})
    unit = read_unit("", result)
    assert values(unit) == {PEERS: ""}
    assert unit.exec_start[-1] == "--more"


def test_an_empty_list_is_appended_as_such() -> None:
    assert rewrite_peers(service("loom run"), {PEERS: ""}) == service('loom run --peers ""')


@pytest.mark.parametrize(
    ("text", "value", "sentence"),
    [
        ("", NEW, "no ExecStart="),
        ("[Service]\nExecStart=\n", NEW, "no ExecStart="),
        pytest.param("x" * 300_000, NEW, "too large", id="large"),
        (service("loom run --peers $PEERS"), NEW, r"comes from the variable \$PEERS"),
        (service("loom run --peers a,${MORE}"), NEW, r"comes from the variable a,\$\{MORE\}"),
        (service("loom run $OPTIONS"), NEW, r"may come from the variable \$OPTIONS"),
        (service("loom run --peers"), NEW, "has no value"),
        (service(f"/bin/sh -c 'exec loom run --peers {LIST}'"), NEW, "inside a shell command"),
        (service("/usr/local/bin/start-loom"), NEW, "does not call `loom run`"),
        (service("loom run -- x"), NEW, "does not call `loom run`"),
        (service("loom run --peers x"), "a b", "no place in a unit file"),
        (service("loom run --peers x"), "$(reboot)", "no place in a unit file"),
        (service("loom run --peers x"), "a\nExecStartPre=b", "no place in a unit file"),
        (service(f"loom run -p={LIST}"), "", "cannot be written as the value of -p"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_a_reason(text: str, value: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        rewrite_peers(text, {PEERS: value})


def test_nothing_asked_nothing_changed() -> None:
    assert rewrite_peers(PLAYBOOK, {}) == PLAYBOOK


blanks = st.sampled_from([" ", "  ", "\t", " \\\n ", " \\\r\n\t", " \\\n# comment\n "])
quotes = st.sampled_from(["", '"', "'"])
junk = st.sampled_from(["", "None\n", "\n\n", "# --peers x\n", "; c\r\n", "[Unit]\nAfter=network.target\n"])
others = st.sampled_from(["", "--moniker me", "--app-height 5", '"quoted word"', r"\x41", "x=y", "-v"])
lists = st.lists(st.sampled_from([f"tcp://{A}@10.0.0.1:46656", f"{B}@db.internal:1"]), max_size=5).map(
    ",".join
)


@given(st.data())
def test_property_every_byte_outside_the_value_stays(data: st.DataObject) -> None:
    flag = data.draw(st.sampled_from(list(PeerFlag)))
    quote, join = data.draw(quotes), data.draw(st.one_of(blanks, st.just("=")))
    old, new = data.draw(lists.filter(bool)), data.draw(lists.filter(bool))
    head = data.draw(junk) + data.draw(junk) + "[Service]\n" + data.draw(st.sampled_from(["User=x\n", ""]))
    program = data.draw(st.sampled_from(["/usr/bin/loom", "-loom", "+!loom", "@loom loom", "env X=1 loom"]))
    before = f"{head}ExecStart={program}{data.draw(blanks)}run{data.draw(blanks)}{data.draw(others)}"
    before += f"{data.draw(blanks)}{flag}{join}{quote}"
    after = f"{quote}{data.draw(blanks)}{data.draw(others)}\n{data.draw(junk)}"
    assert rewrite_peers(before + old + after, {flag: new}) == before + new + after


@pytest.mark.slow
@given(
    st.text("[Service]\nExecStart=loom run --peers'\"\\$%x=, \t\r;#-"), st.sampled_from(list(PeerFlag)), lists
)
def test_property_hostile_units_give_the_value_or_a_refusal(command: str, flag: PeerFlag, new: str) -> None:
    text = f"[Service]\nExecStart=loom run {command}\n"
    try:
        result = rewrite_peers(text, {flag: new})
    except ValueError:
        return  # the reasons have tests of their own
    assert values(read_unit("", result))[flag] == new
    before, after = read_unit("", text), read_unit("", result)
    assert len(after.exec_start) == len(before.exec_start) + (0 if flag in values(before) else 2)
