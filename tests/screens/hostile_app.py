"""The screens of an engine that says hostile things in every field: `python -m tests.screens.hostile_app`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

from loomtui.errors import CallError
from loomtui.fleet.ssh.prompter import Prompter
from loomtui.restore.events import Event, EventKind, StepName
from loomtui.restore.record.run_store import RunSummary
from loomtui.restore.report import Chronicle
from screens.app import LoomApp
from screens.terminal import LastingDriver
from tests.screens import plans, scenes
from tests.screens.basics import CLUSTER, NOW
from tests.screens.fake import RUN_ID, WritableFakeEngine
from tests.screens.scenes import Scene

#: What is seen of it at its beginning, wherever there is room for little.
SEEN = "[/]seen"

#: Clipboard, title, link, screen, cursor, colours that hide, character sets, a device control string, an
#: application command, a reset, their forms of one character, a backspace, a turn of direction, and markup.
TEXT = (
    f"{SEEN}\x1b]52;c;ZXZpbA==\x07\x1b]0;evil\x1b\\\x1b]8;;http://evil\x07\x1b[2J\x1b[H\x1b[5;8m\x1b[?1000l"
    "\x1b(0\x1bPq#0\x1b\\\x1b_G\x1b\\\x1bc\x9b2J\x9d0;evil\x9c\x90\x08\x7f\u202e\u2066[@click=app.bell]x[/]end"
)


class HostileEngine(WritableFakeEngine):
    """Asks for a host key and a password as soon as it is open; a report cannot be had."""

    def open(self, prompter: Prompter) -> None:
        super().open(prompter)
        self._asking = asyncio.create_task(self._ask(prompter))

    async def _ask(self, prompter: Prompter) -> None:
        await prompter.host_key("db1", TEXT, TEXT, TEXT)
        await prompter.secret(TEXT, TEXT)

    def report(self, run_id: str, form: object = "md") -> str:
        raise CallError(TEXT, advice=TEXT)

    def chronicle(self, run_id: str) -> Chronicle:
        if run_id == RUN_ID:
            raise CallError(TEXT, advice=TEXT)
        return super().chronicle(run_id)


class Watched:
    """A run in other hands, of which one thing is told."""

    id = RUN_ID
    plan = plans.plan()

    async def events(self) -> AsyncIterator[Event]:
        yield Event(1, NOW, RUN_ID, EventKind.RUN_STARTED, TEXT, data={"operator": TEXT})
        yield Event(2, NOW, RUN_ID, EventKind.TASK_STARTED, TEXT, StepName.PREFLIGHT, "db1")
        await asyncio.Event().wait()


def scene() -> Scene:
    """Also with a run that somebody else works on."""
    hostile_scene = scenes.hostile(TEXT)
    other = RunSummary("20261120-120000-ef56", CLUSTER, NOW, None, None, StepName.DATA, TEXT, at_work=True)
    return replace(hostile_scene, runs=(*hostile_scene.runs, other), watched=Watched())


def main() -> int:
    engine = HostileEngine(scene(), {(StepName.DATA, "db2")}, TEXT)
    app = LoomApp(engine, now=lambda: NOW, settle_seconds=0, driver_class=LastingDriver)
    app.run()
    return app.return_code or app.return_value or 0


if __name__ == "__main__":
    sys.exit(main())
