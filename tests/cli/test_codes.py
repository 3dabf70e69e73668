"""A bastion that wants a code at every login: asked for at a terminal once, refused where nobody is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.terminal import Terminal
from tests.fleet.bastion import bastion_before_nodes
from tests.fleet.sshd import Sshd


@pytest.fixture
def bastion(tmp_path: Path) -> Iterator[Sshd]:
    with bastion_before_nodes(tmp_path, "424242") as server:
        yield server


def begun(bastion: Sshd) -> int:
    assert bastion.behaviour.questions is not None
    return bastion.behaviour.questions.begun


@pytest.mark.slow
def test_it_is_asked_for_once_at_a_terminal(bastion: Sshd, tmp_path: Path, home: Path) -> None:
    with Terminal(
        "nodekeys", "-i", str(tmp_path / "inventory.yml"), env={"HOME": str(home)}, cwd=tmp_path
    ) as terminal:
        terminal.expect(f"jump host jumper@127.0.0.1:{bastion.port} asks.")
        terminal.expect("> Use the")
        terminal.expect("blue token.")
        terminal.expect("> Serial: ")
        terminal.type("blue7\r")
        terminal.expect("> Verification code: ")
        terminal.type("424242\r")
        assert terminal.end() in {0, 1}
        assert "blue7" in terminal.shown
        assert "424242" not in terminal.shown
        assert b"\x1b]0;evil" not in terminal.raw
        assert terminal.shown.count("asks.") == 2
    assert bastion.behaviour.logins == ["jumper"]


@pytest.mark.parametrize("command", [("status", "--json"), ("nodekeys", "--json"), ("status",)])
def test_nobody_is_there(bastion: Sshd, tmp_path: Path, loomtui: Run, command: tuple[str, ...]) -> None:
    done = loomtui(*command, "-i", str(tmp_path / "inventory.yml"))
    assert done.status == 4
    told = " ".join((done.out + done.err).split())
    assert f"jumper@127.0.0.1:{bastion.port} wants a code that changes with every login" in told
    assert "a batch run cannot give one" in told
    assert begun(bastion) == 1
