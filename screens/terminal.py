"""What the screens do with their terminal beyond drawing: its title, and what happens when it goes away.

A broken SSH connection or a closed window does not end a run, which goes on without it.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from textual.drivers.linux_driver import LinuxDriver
from textual.drivers.web_driver import WebDriver
from textual.message import Message

from screens import terminal_calls

if TYPE_CHECKING:
    from textual.app import App

#: As a shell reports a process that SIGHUP ended.
GONE_STATUS = 129


class TerminalGone(Message):
    """Nobody sees the screens any more, and nobody can answer."""


class LastingDriver(LinuxDriver):
    """A driver for which it is no error to write to a terminal that is gone, or to read from it.

    It gives the window its own title back when it ends, and while the shell has the terminal (ctrl+z).
    """

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._title = ""
        self._title_is_shown = False
        if self._file is not None:
            lasting: Any = _Lasting(self._file)
            self._file = lasting

    def start_application_mode(self) -> None:
        start: Callable[[], None] = super().start_application_mode  # Textual's own has no types
        start()
        self.show_title(self._title)

    def stop_application_mode(self) -> None:
        if self._title_is_shown:
            self.write(terminal_calls.OWN_TITLE)
            self._title_is_shown = False
        super().stop_application_mode()

    def show_title(self, title: str) -> None:
        """Gives the window a title; an empty one leaves it as it is."""
        self._title = title
        if not title or not terminal_calls.knows_titles(os.environ):
            return
        if not self._title_is_shown:
            self.write(terminal_calls.KEEP_TITLE)
            self._title_is_shown = True
        self.write(terminal_calls.title(title))

    def run_input_thread(self) -> None:
        with suppress(OSError):  # EIO; the watch tells what it means
            super().run_input_thread()


class BrowserDriver(WebDriver):
    """The driver for `loomtui serve`, which reads what is written. If that is gone, it is no error either."""

    def write(self, data: str) -> None:
        with suppress(OSError):
            super().write(data)

    def write_meta(self, data: dict[str, object]) -> None:
        with suppress(OSError):
            super().write_meta(data)


class _Lasting(io.TextIOBase):
    def __init__(self, file: TextIO) -> None:
        self._terminal = file

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._terminal.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._terminal.flush()

    def isatty(self) -> bool:
        return self._terminal.isatty()

    def fileno(self) -> int:
        return self._terminal.fileno()


def watch_terminal(app: App[Any], descriptor: int = 0) -> None:
    """Tells the app once with `TerminalGone`: by SIGHUP, and also if nobody sends one."""
    signal.signal(signal.SIGHUP, lambda _number, _frame: app.post_message(TerminalGone()))
    threading.Thread(target=_wait, args=(app, descriptor), name="terminal", daemon=True).start()


def _wait(app: App[Any], descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # POLLHUP, POLLERR and POLLNVAL are told without being asked for
    poll.poll()
    _detach(descriptor)
    app.post_message(TerminalGone())


def _detach(descriptor: int) -> None:
    """From now on there is nothing to read, without an end or an error. What is written goes nowhere."""
    silent, _kept_open = os.pipe()
    os.set_blocking(silent, False)  # who was about to read from the terminal must not wait here for ever
    os.dup2(silent, descriptor)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
