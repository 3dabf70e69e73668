"""Questions that a connection may raise, asked at a terminal: an unknown host key, a password, a code."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from loomtui.text import clean_line

if TYPE_CHECKING:
    from loomtui.fleet.ssh.prompter import Prompter, Question, Unanswered


def prompter(*, batch: bool = False) -> Prompter:
    """Asks the person at the terminal, and refuses everything if nobody can answer."""
    from loomtui.fleet.ssh.prompter import Refuse

    return Refuse() if batch or not (sys.stdin.isatty() and sys.stderr.isatty()) else TerminalAsker()


class TerminalAsker:
    """Asks one question at a time, on standard error; the answer to a secret is not shown."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        lines = (
            f"{clean_line(node)}: the host key of {clean_line(host)} is not known.",
            f"  {clean_line(key_type)} {clean_line(fingerprint)}",
            "  Compare it with what the machine itself says: ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub",
            "  Type yes to trust it from now on: ",
        )
        async with self._turn:
            answer = await _answer("\n".join(lines), hidden=False)
        return answer is not None and answer.strip().lower() == "yes"

    async def answer(self, question: Question) -> str | Unanswered:
        from loomtui.fleet.ssh.prompter import Unanswered

        lines = (
            f"{clean_line(question.asker)} asks. Your answer goes to this server only, and is not kept.",
            *(f"  > {clean_line(line)}" for line in question.before),
            *((f"  {question.note}",) if question.note else ()),
            f"  > {clean_line(question.prompt)} ",
        )
        async with self._turn:
            answer = await _answer("\n".join(lines), hidden=not question.echo)
        return Unanswered.DECLINED if answer is None else answer

    def tell(self, asker: str, lines: tuple[str, ...]) -> None:
        for line in lines:
            click.echo(f"{clean_line(asker)} says: {clean_line(line)}", err=True)

    async def secret(self, node: str, prompt: str) -> str | None:
        async with self._turn:
            question = f"{clean_line(node)}: {clean_line(prompt).rstrip(':')}: "
            return await _answer(question, hidden=True) or None


async def _answer(question: str, *, hidden: bool) -> str | None:
    """Reads one line from the terminal, or None at its end. What was typed before the question is ignored.

    No thread waits for it: one that sat in a read would keep an interrupted process from ending.
    """
    terminal = sys.stdin.fileno()
    loop = asyncio.get_running_loop()
    typed = asyncio.Event()
    with _listening(terminal, hidden=hidden):
        click.echo(question, nl=False, err=True)
        loop.add_reader(terminal, typed.set)
        try:
            await typed.wait()
        finally:
            loop.remove_reader(terminal)
        line = os.read(terminal, 4096)
    if hidden:
        click.echo(err=True)  # the newline that was typed was not shown either
    return line.decode("utf-8", "replace").rstrip("\r\n") if line else None


@contextmanager
def _listening(terminal: int, *, hidden: bool) -> Iterator[None]:
    before = termios.tcgetattr(terminal)
    now = termios.tcgetattr(terminal)
    if hidden:
        now[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSAFLUSH, now)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
