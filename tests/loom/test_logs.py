"""Every message of docs/messages.md and of what real nodes were seen to print has an explanation."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.logrules import RULES
from loomtui.loom.logs import Severity, explain

from .vectors import A, B

AT = "E[2026-11-22|18:48:01.425] "


def _messages() -> list[tuple[Severity, str, str]]:
    lines = (Path(__file__).parent / "data" / "messages.tsv").read_text().splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return [(Severity(severity), title, line) for severity, title, line in rows]


MESSAGES = _messages()


@pytest.mark.parametrize(("severity", "title", "line"), MESSAGES)
def test_every_known_message_is_explained(severity: Severity, title: str, line: str) -> None:
    found = explain(line)
    assert found
    assert (found.severity, found.title) == (severity, title)
    assert found.meaning
    assert "{" not in found.meaning + found.advice.text


def test_every_rule_is_tested() -> None:
    assert {title for _, title, _ in MESSAGES} == {rule.title for rule in RULES}


def test_a_mismatch_names_the_real_id_and_the_listed_one() -> None:
    for line in (line for _, _, line in MESSAGES if "missmatch" in line or "but got peer" in line):
        found = explain(line)
        assert found
        assert found.ids == (A, B)
        assert A in found.meaning


def test_other_lines_that_name_an_id() -> None:
    titles = {"A node meets its own ID", "Connected twice", "The node's ID"}
    for _, title, line in MESSAGES:
        found = explain(line)
        if title in titles:
            assert found
            assert found.ids == (A,)


@pytest.mark.parametrize("line", ["", "hello", "I[2026] Block{ module=x", "\x1b[2J"])
def test_an_unknown_message_has_no_explanation(line: str) -> None:
    assert explain(line) is None


def test_values_of_a_line_are_data() -> None:
    found = explain('err="Address ({0.__class__} \x1b[2J{x}) does not contain ID"')
    assert found
    assert found.meaning.startswith("{0.__class__} {x} in this")


hostile = st.text('EID[]|:. module=err"\\<>(){}#%s\x1b\x07ABC0123\n')


@given(st.one_of(st.text(), hostile, hostile.map(lambda text: f"{AT}{text}")))
def test_no_line_raises(text: str) -> None:
    explain(text)


@given(st.sampled_from([line for _, _, line in MESSAGES]), st.text(), st.text())
def test_no_known_message_amid_junk_raises(line: str, before: str, after: str) -> None:
    assert explain(line.replace("10.2.0", before) + after) or before or after
