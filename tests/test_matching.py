"""The one filter: what is typed to choose lines or rows, on the screens and with --grep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.matching import Matcher

#: What regular expressions are made of, so that many of those that are made up mean something.
_PIECES = st.sampled_from(
    [*"aA1.*+?!|()[]{}^$\\-,", "(?", "(?i", "{2,}", "{99999999999999}", "\\d", "[[", " "]
)
_TYPED = st.text(max_size=40) | st.lists(_PIECES, max_size=12).map("".join)


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("", True),
        ("  ", True),
        ("!", True),
        ("DB1", True),
        ("!db1", False),
        ("x$", False),
        ("!x$", True),
        ("second", True),
        ("!second", False),
    ],
)
def test_what_is_typed_chooses(typed: str, taken: bool) -> None:
    assert Matcher(typed).takes("db1 running", "the second text") is taken


def test_a_text_is_searched_up_to_a_limit() -> None:
    assert Matcher("needle").takes("hay needle")
    assert not Matcher("needle").takes("hay needle", limit=6)


@pytest.mark.parametrize("typed", ["[", "(", "a{99999999999999}", "!*", "(" * 200, "a" * 201])
def test_what_is_no_regular_expression_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="not a regular expression"):
        Matcher(typed)


@pytest.mark.parametrize(
    "typed", ["(a+)+$", "(?:a*b?)*c", "!(.*){2,}x", "((a{1,})b)+", "(a{1,20}){1,20}b", "(a+){30}", "([)]+)+"]
)
def test_a_repetition_of_repetitions_is_refused_for_it_may_never_end(typed: str) -> None:
    with pytest.raises(ValueError, match="repeats what repeats"):
        Matcher(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "(ab)+",
        r"(\d{1,3}\.){3}\d+",
        "(a+)?",
        r"\(a+\)+",
        "[(a+]+",
        "(a+)b+",
        "a++",
        "(ab|cd)*e",
        "x{,y}+",
        "(?x)a # ))",
    ],
)
def test_other_repetitions_are_not(typed: str) -> None:
    Matcher(typed)


@pytest.mark.parametrize("typed", ["[[a]", "[a||b]", "[a&&b]"])
def test_python_does_not_warn_on_the_terminal(typed: str) -> None:
    Matcher(typed)  # pytest makes every warning an error


@given(_TYPED, st.text(max_size=40), st.integers(0, 50))
def test_no_typed_text_ends_it(typed: str, text: str, limit: int) -> None:
    try:
        matcher = Matcher(typed)
    except ValueError:
        return
    assert matcher.typed == typed
    assert matcher.takes(text, limit=limit) in (True, False)
    for start, end in matcher.spans(text):
        assert 0 <= start < end <= len(text)


@given(st.text(alphabet="ab!", max_size=12))
def test_what_is_inverted_takes_what_was_not_taken(typed: str) -> None:
    plain = typed.lstrip("!")
    if plain:
        assert Matcher(f"!{plain}").takes("abba") is not Matcher(plain).takes("abba")
