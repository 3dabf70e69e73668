"""`loomtui rollback RUN --left-out`: what is asked, done and said. The engine's part is in tests/restore."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from loomtui.cli import restoring
from loomtui.cli.settings import Settings
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.record.given_up import GIVEN_UP
from loomtui.restore.record.marks import GIVEN_BACK, LEFT_OUT
from tests.restore.material import NOW, make_plan_of, node_plan
from tests.restore.stories import Story, whole


class Handle:
    """Tells which of its deeds was wanted."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def give_back(self) -> Outcome:
        self.done.append("give back")
        return Outcome.RESTORED


def call(story: Story, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[str], str]:
    """The questions, the deeds, and what is printed."""
    run = story.write(folder, make_plan_of(*(node_plan(name) for name in ("n1", "n2", "n3"))))
    handle, questions = Handle(), list[str]()

    async def work(
        _run: object, _inventory: object, _printer: object, act: Callable[..., Any], **_: Any
    ) -> Any:
        return await act(handle)

    def confirm(question: str, _inventory: object, **_: Any) -> None:
        questions.append(question)

    monkeypatch.setattr(restoring, "open_run", lambda *_: (run, SimpleNamespace(cluster="c")))
    monkeypatch.setattr(restoring, "confirm", confirm)
    monkeypatch.setattr(restoring, "work", work)
    said = CliRunner().invoke(
        restoring.rollback, [run.id, "--left-out"], obj=Settings(), catch_exceptions=False
    )
    assert said.exit_code == 0
    return questions, handle.done, said.output


def test_only_what_is_held_still_is_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = whole(NOW, "n1", "n2", "n3")
    for node, mark in (("n2", LEFT_OUT), ("n2", GIVEN_BACK), ("n3", LEFT_OUT), ("n3", GIVEN_UP)):
        story.tell_data(EventKind.NOTE, StepName.DATA, node, {mark: True})
    (question,), done, said = call(story, tmp_path, monkeypatch)
    assert "replaced on n3 is put back" in question
    assert "n2" not in question
    assert "The other nodes are not touched." in question
    assert "The old data of n3 was given up and does not come back" in question
    assert done == ["give back"]
    assert "Given back: what was left out has what it had before the run" in said


def test_where_there_is_none_nothing_is_asked_and_the_engine_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions, done, _ = call(whole(NOW, "n1", "n2", "n3"), tmp_path, monkeypatch)
    assert questions == []
    assert done == ["give back"]
