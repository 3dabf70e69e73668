"""Questions that a connection may raise, asked at a terminal: an unknown host key, a password."""

from __future__ import annotations

import asyncio
import getpass
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from loomtui.text import clean_line

if TYPE_CHECKING:
    from loomtui.fleet.asking import Asker

T = TypeVar("T")


def asker(*, batch: bool = False) -> Asker:
    """Asks the person at the terminal; refuses everything where nobody can answer."""
    from loomtui.fleet.asking import Refuse

    return Refuse() if batch or not (sys.stdin.isatty() and sys.stderr.isatty()) else TerminalAsker()


class TerminalAsker:
    """One question at a time, on standard error; the answer to a secret is not shown."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        question = (
            f"{node}: the host key of {host} is not known.\n"
            f"  {key_type} {fingerprint}\n"
            "  Compare it with what the machine itself says: ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub\n"
            "  Type yes to trust it from now on"
        )
        async with self._turn:
            answer = await _in_thread(
                lambda: click.prompt(_lines(question), default="no", err=True, show_default=True)
            )
        return str(answer).strip().lower() == "yes"

    async def secret(self, node: str, prompt: str) -> str | None:
        async with self._turn:
            text = f"{clean_line(node)}: {clean_line(prompt)}: "
            return await _in_thread(lambda: getpass.getpass(text, stream=sys.stderr)) or None


def _lines(text: str) -> str:
    return "\n".join(
        clean_line(line) if line.strip() == line else "  " + clean_line(line) for line in text.split("\n")
    )


async def _in_thread(question: Callable[[], T]) -> T:
    """The loop goes on while a person thinks; a daemon thread does not keep an interrupted process alive."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def ask() -> None:
        try:
            result = question()
        except BaseException as error:  # noqa: BLE001 - handed over to the one who waits
            loop.call_soon_threadsafe(_settle, answer, None, error)
        else:
            loop.call_soon_threadsafe(_settle, answer, result, None)

    threading.Thread(target=ask, name="question", daemon=True).start()
    return await answer


def _settle(answer: asyncio.Future[T], result: T | None, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)  # type: ignore[arg-type]
