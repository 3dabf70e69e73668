"""The terminal calls when a run waits, fails or ends and nobody types; and it gets its title back."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loomtui.inventory.model import NotifySettings
from loomtui.restore.events import StepName
from loomtui.restore.running.notices import Happening
from screens import terminal_calls
from screens.app import LoomApp
from screens.attention import QUIET_SECONDS, Attention, terminal_of
from screens.settings import Calls
from tests.cli.terminal import Terminal
from tests.sampling import rest_of_rows_slow
from tests.screens import scenes
from tests.screens.fake import WritableFakeEngine
from tests.screens.helping import press, running, until
from tests.screens.walking import begin, carry_out, until_asked

XTERM = {"TERM": "xterm-256color"}


class Heard:
    """A terminal that keeps what it is told, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.written: list[str] = []
        self.now = 0.0

    def write(self, data: str) -> None:
        self.written.append(data)

    def show_title(self, title: str) -> None:
        self.titles.append(title)

    def attention(self, app: LoomApp, calls: Calls = Calls.ALL) -> Attention:
        return Attention(app.context, lambda: self, calls, lambda: self.now)


def engine(
    notify: NotifySettings | None = None, fails: set[tuple[StepName, str]] | None = None
) -> WritableFakeEngine:
    scene = scenes.healthy()
    inventory = scene.inventory.model_copy(update={"notify": notify})
    return WritableFakeEngine(replace(scene, inventory=inventory), fails)


@pytest.fixture(autouse=True)
def _usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VTE_VERSION", raising=False)


async def test_it_calls_once_when_nobody_types() -> None:
    heard = Heard()
    async with running(engine()) as (app, pilot):
        attention = heard.attention(app)
        attention.look()
        assert heard.titles == []  # there is no run
        await begin(app, pilot)
        attention.look()
        assert heard.titles == [f"● waits for you: {app.context.cluster}"]
        heard.now += QUIET_SECONDS - 1
        attention.typed()  # somebody reads the preview
        heard.now += QUIET_SECONDS - 1
        attention.look()
        assert heard.written == []
        heard.now += 1
        attention.look()
        attention.look()
        assert heard.written[0] == "\a"
        assert "waits before the step 'Preflight'" in heard.written[1]
        assert len(heard.written) == 2
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_asked(app, pilot, StepName.STOP)
        attention.look()
        heard.now += QUIET_SECONDS
        attention.look()
        assert len(heard.written) == 4  # the next question is another one


@pytest.mark.parametrize(
    ("calls", "titles", "written"),
    rest_of_rows_slow([(Calls.BELL, 1, ["\a"]), (Calls.TITLE, 1, []), (Calls.OFF, 0, [])]),
)
async def test_the_operator_chooses_how(calls: Calls, titles: int, written: list[str]) -> None:
    heard = Heard()
    async with running(engine()) as (app, pilot):
        attention = heard.attention(app, calls)
        await begin(app, pilot)
        attention.look()
        heard.now += QUIET_SECONDS
        attention.look()
    assert (len(heard.titles), heard.written) == (titles, written)


async def test_a_failure_is_announced_by_the_inventorys_command() -> None:
    heard = Heard()
    notify = NotifySettings(command=("true",), after=60)
    made = engine(notify, {(StepName.PREFLIGHT, "db1")})
    async with running(made) as (app, pilot):
        attention = heard.attention(app)
        await begin(app, pilot)
        attention.look()
        await carry_out(app, pilot, StepName.PREFLIGHT)
        controller = app.context.controller
        assert controller is not None
        await until(pilot, lambda: controller.pending is not None, "what to do about the failure")
        attention.look()
        (run,) = made.begun
        heard.now += 59
        attention.look()
        assert run.announced == []
        heard.now += 1
        attention.look()
        attention.look()
        (notice,) = run.announced
    assert (notice.happening, notice.step, notice.nodes) == (Happening.FAILED, StepName.PREFLIGHT, ("db1",))
    assert "the disk is full" in notice.sentence
    assert notice.advice == "Make room, then retry."
    assert heard.titles[-1].startswith("✗ failed: ")


async def test_the_end_calls_as_well() -> None:
    heard = Heard()
    async with running(engine()) as (app, pilot):
        attention = heard.attention(app)
        await begin(app, pilot)
        await press(pilot, "e")
        controller = app.context.controller
        assert controller is not None
        await until(pilot, lambda: not controller.busy and controller.view is not None, "the end")
        attention.look()
        heard.now += QUIET_SECONDS
        attention.look()
    assert heard.titles == [f"stopped: {app.context.cluster}"]
    assert len(heard.written) == 2


async def test_no_other_driver_is_written_to() -> None:
    async with running(engine()) as (app, _):
        assert terminal_of(app._driver) is None


def test_sequences() -> None:
    assert terminal_calls.title("a\x1b]0;b\x07\nc") == "\x1b]2;a]0,b c\x07"
    text = "lab: a; b"
    assert terminal_calls.notification(text, XTERM) == "\x1b]9;loomtui: lab: a, b\x07"
    of_rxvt = "\x1b]777;notify;loomtui;lab: a, b\x07"
    assert terminal_calls.notification(text, {"TERM": "rxvt-unicode-256color"}) == of_rxvt
    assert terminal_calls.notification(text, {**XTERM, "VTE_VERSION": "7600"}) == of_rxvt
    assert terminal_calls.notification(text, {"TERM": "linux"}) == ""
    assert not terminal_calls.knows_titles({"TERM": "linux"})
    assert not terminal_calls.knows_titles({})


#: The screens on their own terminal, with an operator who is never there.
SCREENS = """
import screens.app, screens.attention
screens.app.LOOK_SECONDS, screens.attention.QUIET_SECONDS = 0.05, 0.0
from screens.terminal import LastingDriver
from tests.screens.fake import WritableFakeEngine
from tests.screens import scenes
engine = WritableFakeEngine(scenes.healthy())
screens.app.LoomApp(engine, settle_seconds=0, driver_class=LastingDriver).run()
"""


@pytest.mark.slow
def test_bell_and_title_in_the_bytes_of_a_terminal(tmp_path: Path, home: Path) -> None:
    with Terminal(program=[sys.executable, "-c", SCREENS], env={"HOME": str(home)}, cwd=tmp_path) as terminal:
        terminal.expect("HEALTHY")
        assert b"\x1b]2;" not in terminal.raw  # there is no run, and the title stays
        terminal.type("r")
        terminal.expect("choose")
        terminal.type("\r")
        terminal.expect("begin the restore")
        terminal.type("x")
        terminal.expect("\a")
        terminal.type("e")
        terminal.expect("\a")
        terminal.type("q")
        terminal.end()
    raw = bytes(terminal.raw)
    kept, waits = raw.index(b"\x1b[22;2t"), raw.index("\x1b]2;● waits for you: ".encode())
    assert kept < waits < raw.index(b"\x1b]9;loomtui: ") < raw.index(b"\x1b]2;stopped: ")
    assert raw.count(b"\x1b[23;2t") == 1
    assert raw.index(b"\x1b]2;stopped: ") < raw.index(b"\x1b[23;2t") < raw.rindex(b"\x1b[?1049l")
