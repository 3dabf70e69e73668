"""A process of the drill under its guardian (`loomtui.drill.serve`), and how it is talked to.

It has a folder of its own. It ends and everything is removed as soon as its standard input closes: at the end
of the `with` block, and as well when this process is killed.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from loomtui.errors import LoomtuiError

CALL_SECONDS = 60.0
STOP_SECONDS = 20.0


class PracticeError(LoomtuiError):
    """The practice cluster could not be started, or did not answer."""


class Control:
    """One JSON object a line each way; one call at a time."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self._process = process
        self._to = cast(IO[bytes], process.stdin)
        self._from = cast(IO[bytes], process.stdout)
        self._log = log
        self._lock = threading.Lock()
        self._rest = b""

    def call(self, command: str, *, within: float = CALL_SECONDS, **arguments: Any) -> Any:
        """`within`: seconds. Raises PracticeError when the cluster refuses or does not answer."""
        line = json.dumps({"command": command, **arguments}).encode() + b"\n"
        with self._lock:
            try:
                self._to.write(line)
                self._to.flush()
            except OSError:
                raise PracticeError("The practice cluster has ended.") from None
            return self.reply(within)

    def reply(self, seconds: float) -> Any:
        reply = json.loads(self._line(time.monotonic() + seconds))
        if "error" in reply:
            raise PracticeError(
                f"The practice cluster says: {reply['error']}.",
                advice="Start it again; on a busy machine with fewer --nodes.",
            )
        return reply["result"]

    def _line(self, deadline: float) -> bytes:
        descriptor = self._from.fileno()
        while b"\n" not in self._rest:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(descriptor, 65536) if ready else b""
            if not chunk:
                why = "did not answer in time" if not ready else "ended unexpectedly"
                raise PracticeError(f"The practice cluster {why}.", advice=self._last_words())
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:].decode("utf-8", "replace")

    def close(self) -> None:
        """Closing its input ends the cluster; it removes its folder before it ends."""
        with suppress(OSError):
            self._to.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # It ends by itself, later: where much was restored, much is to be removed.
            self._process.terminate()
            threading.Thread(target=self._process.wait, daemon=True).start()
        self._from.close()


@contextmanager
def guarded(
    module: str, arguments: Sequence[str], folder: Path | None, *, start_seconds: float
) -> Iterator[tuple[Control, Any]]:
    """Runs the module with `--root` and these arguments; gives its first reply.

    Its root is a new folder inside `folder`. Raises PracticeError when it does not come up.
    """
    place = [] if folder is None else ["--folder", str(folder)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "loomtui.drill.serve", "--module", module, *place, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        control = Control(process, log)
        try:
            yield control, control.reply(start_seconds)
        finally:
            control.close()
