"""`systemctl`, `systemd-run`, `systemd-analyze`: ask the node's manager. First arguments: node root, tool."""

from __future__ import annotations

import json
import os
import socket
import sys


def main(root: str, tool: str, arguments: list[str]) -> int:
    call = {"tool": tool, "arguments": arguments, "folder": os.getcwd()}  # noqa: PTH109
    with socket.socket(socket.AF_UNIX) as connection:
        os.chdir(os.path.join(root, ".practice"))  # noqa: PTH118 - pathlib starts slowly; socket addresses are short
        try:
            connection.connect("systemd")
            connection.sendall(json.dumps(call).encode() + b"\n")
            with connection.makefile("rb") as file:
                reply = json.loads(file.readline())
        except (OSError, ValueError) as error:
            sys.stderr.write(f"Failed to connect to bus: {error}\n")
            return 1
    sys.stderr.write(reply["err"])
    sys.stdout.write(reply["out"])
    return int(reply["status"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
