"""`loomtui serve` shows the read-only screens in a browser. It refuses what it must before it serves."""

from __future__ import annotations

import asyncio
import logging
import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loomtui.cli.asking import prompter
from loomtui.cli.extras import need
from loomtui.cli.output import note, progress, say
from loomtui.cli.settings import Settings, inventory_option, run_async
from loomtui.errors import CallError, HostKeyRefused
from loomtui.text import clean_line
from loomtui.wording.quantities import count

if TYPE_CHECKING:
    from loomtui.fleet.ssh.prompter import Prompter, Question, Unanswered
    from loomtui.inventory import Inventory
    from loomtui.web.address import Address

_PORT = 8023


@click.command()
@inventory_option
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Listen here.")
@click.option("--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True, help="0 is any.")
@click.option("--anywhere", is_flag=True, help="Allow an address that other machines reach, unencrypted.")
@click.pass_obj
def serve(settings: Settings, host: str, port: int, anywhere: bool) -> int:
    """Show the screens in a browser, read-only."""
    need("loomtui serve", "serve", textual_serve="textual-serve>=1.1.3,<2", aiohttp="aiohttp>=3.10")
    import screens
    from loomtui.web.address import resolve

    address = resolve(host, port, anywhere=anywhere)
    inventory = settings.inventory()
    screens.preferences(settings.theme)
    _tell_faults()
    return run_async(_serve(inventory, _command(settings.path, settings.theme), address))


@click.command(hidden=True)
@inventory_option
@click.pass_obj
def served(settings: Settings) -> int:
    """What `loomtui serve` runs for each browser."""
    if sys.stdin.isatty():
        raise CallError("this is what loomtui serve runs for each browser.", advice="Call loomtui serve.")
    import screens

    return screens.run_served(settings.inventory(), theme=settings.theme)


def _command(inventory: Path, theme: str | None) -> str:
    """The shell command for each browser. With -P, Python imports nothing from the current folder."""
    chosen = ["--theme", theme] if theme else []
    whole = [sys.executable, "-P", "-m", "loomtui", *chosen, "served", "-i", str(inventory.absolute())]
    return f"exec {shlex.join(whole)}"


async def _serve(inventory: Inventory, command: str, address: Address) -> int:
    from loomtui.web.server import serving

    await _meet(inventory)
    async with serving(command, f"{inventory.cluster} - loomtui", address) as url:
        if not address.is_loopback:
            note("Nothing is encrypted: who reads the network reads the token and all that is shown.")
        note("Read-only, for whoever has this address; ctrl+c ends it:")
        say(url)
        with redirect_stdout(sys.stderr):  # the last words of a browser's process
            await asyncio.Event().wait()
    return 0


async def _meet(inventory: Inventory) -> None:
    """Asks about host keys, which nobody could do in a browser. Raises ExceptionGroup of HostKeyRefused."""
    from loomtui.engine.live import LiveEngine, opened

    async with opened(LiveEngine(inventory), _HostKeysOnly(prompter())) as engine:
        progress(f"connecting to {count(len(inventory.nodes), 'node')}")
        errors = await engine.connect()
    refused = [error for error in errors.values() if isinstance(error, HostKeyRefused)]
    if refused:
        raise ExceptionGroup("host keys", refused)
    for error in errors.values():
        if error is not None:
            note(f"{error} It is served all the same.")


class _HostKeysOnly:
    """Takes no secret, because one that is given here would not be there in a browser."""

    def __init__(self, prompter: Prompter) -> None:
        self._prompter = prompter

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        return await self._prompter.host_key(node, host, key_type, fingerprint)

    async def secret(self, node: str, prompt: str) -> str | None:
        return None

    async def answer(self, question: Question) -> str | Unanswered:
        from loomtui.fleet.ssh.prompter import Unanswered

        return Unanswered.NOBODY

    def tell(self, asker: str, lines: tuple[str, ...]) -> None:
        """Nobody can be told in a browser either."""


class _Notes(logging.Handler):
    """Shows a fault in one line, without the traceback that libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        note(clean_line(f"{record.getMessage()} {f'({type(error).__name__}: {error})' if error else ''}"))


def _tell_faults() -> None:
    for name in ("aiohttp", "asyncio", "textual-serve"):
        logger = logging.getLogger(name)
        logger.addHandler(_Notes(logging.WARNING))
        logger.propagate = False
