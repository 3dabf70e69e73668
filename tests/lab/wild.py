"""An sshd, a sudo or an account of a lab's node set up otherwise for a while, and put back."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from loomtui.fleet.ssh.prompter import Question, Unanswered
from loomtui.inventory.model import Inventory
from tests.lab.client import Lab
from tests.lab.tree import SUDO_USER

_RESTART = "systemctl reset-failed ssh; systemctl restart ssh"  # however often
_DROP_IN = "/etc/ssh/sshd_config.d/00-wild.conf"  # the first value that sshd reads counts


@dataclass
class Person:
    """Answers what it is asked from a list, and notes the questions."""

    answers: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None  # what happens before the answer comes
    code: Callable[[], str | None] = lambda: None  # what is typed when a server asks something else
    questions: list[Question] = field(default_factory=list)  # all that servers asked
    told: list[str] = field(default_factory=list)

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        return False

    async def secret(self, node: str, prompt: str) -> str | None:
        self.asked.append(prompt)
        await asyncio.to_thread(self.meanwhile)
        return self.answers.pop(0) if self.answers else None

    async def answer(self, question: Question) -> str | Unanswered:
        self.questions.append(question)
        code = await asyncio.to_thread(self.code)
        return Unanswered.DECLINED if code is None else code

    def tell(self, asker: str, lines: tuple[str, ...]) -> None:
        self.told += lines


@contextmanager
def sshd(lab: Lab, node: str, settings: str) -> Iterator[None]:
    """Its sshd reads these settings too; connections that are there go on."""
    _put(lab, node, _DROP_IN, settings)
    try:
        lab.run(node, f"sshd -t && {_RESTART}")
        yield
    finally:
        lab.run(node, f"rm -f {_DROP_IN}; {_RESTART}")


@contextmanager
def file(lab: Lab, node: str, path: str, text: str, mode: str = "644") -> Iterator[None]:
    """A file that is not there otherwise, or reads so for a while."""
    lab.run(node, f"[ ! -e {path} ] || cp -p {path} {path}.was")
    _put(lab, node, path, text, mode)
    try:
        yield
    finally:
        lab.run(node, f"rm -f {path}; [ ! -e {path}.was ] || mv {path}.was {path}")


@contextmanager
def changed(lab: Lab, node: str, there: str, back: str) -> Iterator[None]:
    """Between two commands that root runs on the node."""
    lab.run(node, there)
    try:
        yield
    finally:
        lab.run(node, back)


def _put(lab: Lab, node: str, path: str, text: str, mode: str = "644") -> None:
    lab.run(node, f"printf %s {shlex.quote(text)} > {path} && chmod {mode} {path}")


def of(
    lab: Lab, *names: str, user: str = SUDO_USER, hosts: dict[str, str] | None = None, **ssh: object
) -> Inventory:
    """The lab's inventory with these nodes alone, reached otherwise."""
    whole = lab.inventory(user)
    nodes = tuple(
        node.model_copy(update={"host": (hosts or {}).get(node.name, node.host)})
        for node in whole.nodes
        if node.name in names
    )
    return whole.model_copy(update={"ssh": whole.ssh.model_copy(update=ssh), "nodes": nodes})


def keygen(*args: str | Path) -> None:
    subprocess.run(["ssh-keygen", "-q", *map(str, args)], check=True, capture_output=True, timeout=60)


def journal(lab: Lab, node: str, since: str) -> str:
    """What sshd wrote since a moment that `moment` gave."""
    lab.run(node, "journalctl --sync")
    return lab.run(node, f"journalctl -u ssh --no-pager -o cat --after-cursor='{since}'").stdout


def moment(lab: Lab, node: str) -> str:
    """The end of the node's journal."""
    lab.run(node, "journalctl --sync")
    return (
        lab.run(node, "journalctl -n 1 --no-pager --show-cursor -o cat")
        .stdout.partition("-- cursor: ")[2]
        .strip()
    )
