from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from loomtui.fleet.facts import read_facts


def test_plain_and_encoded_values_and_noise_between_them() -> None:
    facts = read_facts(
        b"Welcome!\nstate =running\ntext aGVsbG8Kd29ybGQ=\nbroken !!!\n\nlone\nnumber =42\nnone =\n"
    )
    assert dict(facts) == {"state": b"running", "text": b"hello\nworld", "number": b"42", "none": b""}
    assert facts.number("number") == 42
    assert facts.number("state") is None
    assert facts.number("absent") is None
    assert [facts.decimal(name) for name in ("number", "state", "absent")] == [42.0, None, None]
    assert facts.line("text") == "hello world"
    assert facts.text("absent") is None
    assert facts.line("absent", "-") == "-"


def test_repeated_names_keep_their_order() -> None:
    facts = read_facts(b"tool =curl\ntool =bzip2\ndatabase/app.db =4\n")
    assert facts.all("tool") == (b"curl", b"bzip2")
    assert facts["tool"] == b"bzip2"
    assert facts.under("database") == {"app.db": b"4"}


def test_what_a_node_sends_is_cleaned_before_it_is_shown() -> None:
    hostile = b"\x1b]52;c;cm0=\x07\x1b[2Jred\x00\x85"
    facts = read_facts(b"x " + base64.b64encode(hostile) + b"\n")
    assert facts["x"] == hostile
    assert facts.line("x") == facts.text("x") == "]52;c;cm0=red\ufffd"


@given(st.binary())
def test_reading_never_fails(noise: bytes) -> None:
    assert all(isinstance(value, bytes) for value in read_facts(noise).values())


@given(st.dictionaries(st.from_regex(r"\A[a-z]{1,9}\Z"), st.binary(), max_size=4))
def test_what_is_written_is_read(values: dict[str, bytes]) -> None:
    text = b"".join(name.encode() + b" " + base64.b64encode(value) + b"\n" for name, value in values.items())
    assert dict(read_facts(text)) == values
