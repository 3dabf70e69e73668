"""The socket through which the stand-ins on a node ask its service manager.

One call for each connection: tool, working directory and arguments to the end of what is sent, with NUL
between them. The reply likewise: exit status, standard error, standard output.
"""

from __future__ import annotations

import os
import socketserver
import threading
from contextlib import suppress
from pathlib import Path

from loomtui.drill.systemd.commands import answer
from loomtui.drill.systemd.manager import Manager, Reply

#: Below the node's folder.
_SOCKET = ".practice/systemd"


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64
    manager: Manager


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        with suppress(OSError):
            tool, folder, *arguments = self.rfile.read().decode("utf-8", "surrogateescape").split("\0")
            try:
                reply = answer(self.server.manager, tool, arguments, Path(folder))
            except Exception as error:  # noqa: BLE001 - the caller must hear of it
                reply = Reply(err=f"{tool}: {type(error).__name__}: {error}\n", status=1)
            fields = (str(reply.status), reply.err, reply.out)
            self.wfile.write("\0".join(fields).encode("utf-8", "surrogateescape"))


def serve(manager: Manager) -> None:
    """From now on the node's stand-ins get answers. The path is relative: socket addresses must be short."""
    path = manager.root / _SOCKET
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    server = _Server(os.path.relpath(path), _Handler)
    server.manager = manager
    threading.Thread(target=server.serve_forever, daemon=True).start()
