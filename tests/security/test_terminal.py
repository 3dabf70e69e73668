"""No value reaches a terminal as an escape, and nothing that can be seen vanishes on its way there."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import click
import pytest
import yaml
from hypothesis import strategies as st

from loomtui.cli import output
from loomtui.cli.failures import explain
from loomtui.cli.logs import _Printer
from loomtui.errors import LoomtuiError
from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.log_tail import read_entry
from loomtui.loom import rpc
from loomtui.loom.config import mask_secrets, read_config_toml, read_loom_yml
from loomtui.loom.genesis import read_tendermint_genesis
from loomtui.loom.logs import explain as explain_line
from loomtui.loom.nodekey import read_node_key
from loomtui.loom.peers import read_peers
from loomtui.loom.units import read_cat, rewrite_peers
from loomtui.loom.validator import read_validator
from loomtui.matching import Matcher
from loomtui.restore.events import EventKind, Json, StepName
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import Plan
from loomtui.restore.planning.config_choices import unified_diff
from loomtui.restore.planning.planfile import dump_plan, read_plan
from loomtui.restore.record.run_store import RunStore
from loomtui.restore.report import render
from loomtui.text import clean, clean_line
from screens.health.health_screen import HealthScreen
from tests.restore.material import archive, file_choice, make_plan_of, node_plan, signing_choice
from tests.screens import scenes
from tests.screens.fake import WritableFakeEngine
from tests.screens.helping import LARGE, press, running, screen_text, until_shown
from tests.screens.test_hostile import PLACES
from tests.security.counting import hostile
from tests.security.values import CONTROLS, byte_strings, harmless, texts

_OUR_COLOURS = re.compile(r"\x1b\[(?:0|1|22|3[0-7]|9[0-7])m")


@hostile(2, text=texts(nul=True) | byte_strings())
def test_what_is_shown_is_harmless(text: str | bytes) -> None:
    harmless(clean(text))
    line = clean_line(text)
    harmless(line)
    assert not set(line) & set("\n\t")


@hostile(1, text=texts(nul=True))
def test_an_error_is_harmless_whatever_is_told_in_it(text: str) -> None:
    error = LoomtuiError(text, node=text, safe=text, advice=text)
    for told in (str(error), *error.args, error.what, error.node, error.safe, error.advice):
        harmless(told)


@hostile(1, parts=st.lists(st.sampled_from(CONTROLS) | st.sampled_from(("«one»", "«two»", "«three»"))))
def test_words_between_escapes_stay(parts: list[str]) -> None:
    """Also inside of a sequence that ends late or never: it could be the line that somebody wants to hide."""
    words = [part for part in parts if part.startswith("«")]
    assert re.findall("«[a-z]+»", clean("".join(parts))) == words


def test_a_unit_cannot_hide_a_line_from_its_diff() -> None:
    before = "[Service]\nExecStart=/usr/bin/loom run\n"
    after = "[Service]\n# \x1b]0;\nExecStartPre=/tmp/evil\n# \x07\nExecStart=/usr/bin/loom run\n"
    assert "+ExecStartPre=/tmp/evil" in unified_diff(before, after, "loom.service").splitlines()


@pytest.fixture
def coloured() -> Iterator[None]:
    """As on a terminal: click takes no escapes out."""
    with click.Context(click.Command("loomtui"), color=True):
        yield


def _printed(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    return _OUR_COLOURS.sub("", out + err)


@hostile(1, text=texts(nul=True), colour=st.sampled_from(("", "red")))
def test_the_command_line_prints_it_as_text(
    coloured: None, capsys: pytest.CaptureFixture[str], text: str, colour: str
) -> None:
    output.say(text, colour=colour, bold=bool(colour))
    output.note(text)
    output.table(("A", "B"), [(text, output.Cell(text, colour))])
    output.diff(text)
    output.print_json({"value": text})
    output.print_json_line({text: [text]})
    explain(LoomtuiError(text, node=text, safe=text, advice=text))
    harmless(_printed(capsys))


@hostile(1, message=byte_strings() | texts(nul=True), follows=st.booleans())
def test_log_lines_are_text(
    coloured: None, capsys: pytest.CaptureFixture[str], message: str | bytes, follows: bool
) -> None:
    entry: dict[str, Any] = {"__REALTIME_TIMESTAMP": "1767323045000000", "__CURSOR": "s=1"}
    entry["MESSAGE"] = list(message) if isinstance(message, bytes) else message
    printer = _Printer(("n1",), Matcher(), as_json=follows, explain=True)
    for line in read_entry("n1", json.dumps(entry).encode()):
        printer.show(line)
    harmless(_printed(capsys))


@hostile(1, body=byte_strings() | st.binary(max_size=60))
def test_replies_and_files_break_no_reader(body: bytes) -> None:
    """They say ValueError, or what they found; whatever they say can be shown."""
    text = body.decode("utf-8", "replace")
    document = json.dumps(
        {"result": {"node_info": {"moniker": text, "id": text}, "sync_info": {"latest_block_height": text}}}
    ).encode()
    readers = (rpc.read_status, rpc.read_validators)
    for reader in readers:
        for sent in (body, document):
            try:
                reader(sent)
            except ValueError as error:
                harmless(clean(str(error)))
    for found in (read_node_key(body), read_validator(body)):
        harmless(clean(found.problem or ""))
    unit = read_cat(
        f"# /etc/systemd/system/loom.service\n[Service]\nExecStart=/usr/bin/loom run {text}\n{text}"
    )
    assert unit.files
    read_loom_yml(text)
    read_config_toml(text)
    read_peers(text)
    explain_line(text)
    assert mask_secrets(text).count("\n") == text.count("\n")
    for call in (lambda: read_tendermint_genesis(text), lambda: rewrite_peers(text, {})):
        try:
            call()
        except ValueError as error:
            harmless(clean(str(error)))
    read_facts(body)


# ── what is kept ────────────────────────────────────────────────────────────────────────────────────────────


def _plan(text: str) -> Plan:
    node = node_plan(
        data=archive(key=text or "k"),
        files=(file_choice("loom.yml", reason=text, diff=text, changes=True),),
        signing=signing_choice(reason=text),
        warnings=(text,),
        node_id=text,
        address=text,
    )
    finding = Finding(FindingCode.NOT_TOLD, text, text, text)
    made = make_plan_of(node, refusals=(finding,), warnings=(finding,), made_by=text)
    return dataclasses.replace(made, prediction=dataclasses.replace(made.prediction, sentence=text))


@pytest.mark.slow
@hostile(1, text=texts(nul=True))
def test_a_plan_file_shows_it_escaped_and_keeps_it(text: str) -> None:
    plan = _plan(text)
    written = dump_plan(plan)
    harmless(written)
    assert read_plan(yaml.load(written.encode(), Loader=yaml.SafeLoader), "plan") == plan


_FORMS: tuple[Literal["md", "json", "html"], ...] = ("md", "json", "html")


@pytest.mark.slow
@hostile(0.5, text=texts(nul=True), step=st.sampled_from(StepName))
def test_a_journal_and_its_reports_hold_text(text: str, step: StepName) -> None:
    data: dict[str, Json] = {"safe": text, "advice": text, "more": [text, {text: text}], "outcome": text}
    with tempfile.TemporaryDirectory() as folder:
        inventory = Path(folder) / "inventory.yml"
        inventory.write_text("cluster: lab\n")
        run = RunStore(Path(folder) / "runs").create(_plan(text), inventory)
        journal = run.journal()
        journal.write(EventKind.RUN_STARTED, text, data={"operator": text, **data})
        for kind in (EventKind.STEP_STARTED, EventKind.TASK_FAILED, EventKind.NOTE, EventKind.DECISION):
            journal.write(kind, text, step=step, node="n1", data=data)
        journal.close()
        harmless(run.journal_path.read_text(encoding="utf-8"))
        for form in _FORMS:
            harmless(render(run, form))
        assert "<script>" not in render(run, "html").lower().replace("<script>\n", "")
        json.loads(render(run, "json"))


# ── the screens ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@hostile(0.01, text=texts(max_parts=3).filter(lambda text: 0 < len(clean(text).strip()) < 100))
def test_screens_show_it_as_text(text: str) -> None:
    asyncio.run(_walk(text))


async def _walk(text: str) -> None:
    async with running(WritableFakeEngine(scenes.hostile(text)), LARGE) as (app, pilot):
        await press(pilot, "enter")  # an unfinished run is offered at first
        for place, pressed in PLACES.items():
            await press(pilot, *pressed)
            words = max(
                "".join(part if part.isalnum() else " " for part in clean(text)).split() or [""], key=len
            )
            await until_shown(pilot, words[:20], f"{words!r} on {place}")
            harmless(screen_text(app))
            await press(pilot, "escape", "escape", "escape")
            assert isinstance(app.screen, HealthScreen)
