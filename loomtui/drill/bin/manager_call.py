"""`systemctl`, `systemd-run`, `systemd-analyze`: ask the node's manager.

Arguments: node root, tool, working directory, then the tool's own.

Every look at a node starts this program anew, so it imports only what is built in: `socket` and `json`
would make it three times as slow. What goes each way: loomtui/drill/systemd/service_socket.py.
"""

from __future__ import annotations

import sys
from _socket import AF_UNIX, SHUT_WR, socket
from posix import chdir


def main(root: str, call: list[str]) -> int:
    connection = socket(AF_UNIX)
    reply = b""
    try:
        chdir(f"{root}/.practice")  # socket addresses are short
        connection.connect("systemd")
        connection.sendall("\0".join(call).encode("utf-8", "surrogateescape"))
        connection.shutdown(SHUT_WR)
        while piece := connection.recv(65536):
            reply += piece
        status, err, out = reply.split(b"\0", 2)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"Failed to connect to bus: {error}\n")
        return 1
    sys.stderr.buffer.write(err)
    sys.stdout.buffer.write(out)
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
