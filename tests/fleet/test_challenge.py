"""What a server asks, as it may be shown: no order to a terminal, and never without end."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramiko import Message
from paramiko.ssh_exception import SSHException

from loomtui.fleet.ssh.challenge import Challenge, Prompt, read_challenge
from loomtui.text import UNSHOWABLE


def message(
    name: bytes, instruction: bytes, *prompts: tuple[bytes, bool], count: int | None = None
) -> Message:
    written = Message()
    for text in (name, instruction, b""):
        written.add_string(text)
    written.add_int(len(prompts) if count is None else count)
    for text, echo in prompts:
        written.add_string(text)
        written.add_boolean(echo)
    return Message(written.asbytes())


def test_what_openssh_sends_of_pam() -> None:
    """Its messages stand before the question, in the same prompt."""
    read = read_challenge(message(b"", b"", (b"Last try today.\r\n\nVerification code: ", False)))
    assert read == Challenge((), (Prompt(("Last try today.",), "Verification code:", echo=False),))


def test_long_menu_keeps_its_question() -> None:
    menu = "".join(f" {number}. Device with a long name {'x' * 60}\n" for number in range(40))
    [prompt] = read_challenge(message(b"", b"", (f"{menu}\nPasscode or option: ".encode(), True))).prompts
    assert prompt.text == "Passcode or option:"
    assert len(prompt.before) == 24
    assert prompt.before[-1] == "…"


def test_name_and_instruction_stand_before_each_question() -> None:
    read = read_challenge(message(b"Token", b"The blue one.\n", (b"PIN: ", False), (b"Serial: ", True)))
    assert read.prompts == (
        Prompt(("Token", "The blue one."), "PIN:", echo=False),
        Prompt(("Token", "The blue one."), "Serial:", echo=True),
    )


@pytest.mark.parametrize(
    "text", ["Password: ", "password:", "oncall's password: ", "Password for oncall@EXAMPLE.ORG:", "Password"]
)
def test_password(text: str) -> None:
    [prompt] = read_challenge(message(b"", b"", (text.encode(), False))).prompts
    assert prompt.for_password


@pytest.mark.parametrize(
    "text",
    [
        "Verification code: ",
        "Password & verification code: ",
        "One-time password (OATH) for `oncall': ",
        "Passcode or option (1-2): ",
        "S/Key Password: ",
        "Enter your new password: ",
        "New password: ",
        "Your password has expired. Password for what? ",
        "",
    ],
)
def test_anything_else_is_no_password(text: str) -> None:
    [prompt] = read_challenge(message(b"", b"", (text.encode(), False))).prompts
    assert not prompt.for_password


def test_what_is_shown_while_it_is_typed_is_no_password() -> None:
    [prompt] = read_challenge(message(b"", b"", (b"Password: ", True))).prompts
    assert not prompt.for_password


def test_four_billion_questions() -> None:
    with pytest.raises(SSHException, match="asks 4294967295 questions at a time"):
        read_challenge(message(b"", b"", count=0xFFFFFFFF))


@given(st.binary(), st.binary(), st.lists(st.tuples(st.binary(max_size=300), st.booleans()), max_size=5))
def test_hostile_words(name: bytes, instruction: bytes, prompts: list[tuple[bytes, bool]]) -> None:
    read = read_challenge(message(name, instruction, *prompts))
    assert [prompt.echo for prompt in read.prompts] == [echo for _, echo in prompts]
    for lines in (read.lines, *(prompt.before for prompt in read.prompts)):
        assert len(lines) <= 24
        assert not any("\n" in line or UNSHOWABLE.search(line) for line in lines)
    for prompt in read.prompts:
        assert not UNSHOWABLE.search(prompt.text)
        assert "\n" not in prompt.text
        assert len(prompt.text) <= 200


@given(st.binary(max_size=200))
def test_rubbish(data: bytes) -> None:
    """What is cut off reads as empty."""
    with contextlib.suppress(SSHException):
        assert len(read_challenge(Message(data)).prompts) <= 20
