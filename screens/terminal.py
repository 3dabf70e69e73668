"""The terminal that is gone: an SSH connection that broke, a window that was closed."""

from __future__ import annotations

import os
import select
import threading

_SIGHUP_STATUS = 129


def end_with_terminal(descriptor: int = 0) -> None:
    """Ends this process at once when its terminal goes, also where no SIGHUP tells of it.

    The screens could neither show nor ask any more, and their driver would wait for ever. Every event
    of a run is on the disk by then: it is resumed from another terminal.
    """
    threading.Thread(target=_watch, args=(descriptor,), name="terminal", daemon=True).start()


def _watch(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # POLLHUP, POLLERR and POLLNVAL are told without being asked for
    poll.poll()
    os._exit(_SIGHUP_STATUS)
