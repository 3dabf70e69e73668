"""What a browser sees in these tests: it speaks as Textual's web driver does, and says back what it hears."""

from __future__ import annotations

import json
import os
import sys
import time

_NAUGHTY = (
    {"type": "open_url", "url": "http://elsewhere.example/", "new_tab": True},
    {
        "type": "deliver_file_start",
        "key": "k",
        "path": "/etc/passwd",
        "open_method": "download",
        "mime_type": "text/plain",
        "encoding": "utf-8",
    },
)


def tell(kind: bytes, payload: bytes) -> None:
    os.write(1, kind + len(payload).to_bytes(4, "big") + payload)


def heard() -> tuple[bytes, bytes] | None:
    head = sys.stdin.buffer.read(5)
    return (head[:1], sys.stdin.buffer.read(int.from_bytes(head[1:], "big"))) if len(head) == 5 else None


def main(how: str) -> None:
    if how == "fails":
        sys.exit("it cannot start")
    os.write(1, b"__GANGLION__\n")
    tell(b"D", f"pid {os.getpid()} size {os.environ['COLUMNS']}x{os.environ['ROWS']}\n".encode())
    if how == "naughty":
        for meta in _NAUGHTY:
            tell(b"M", json.dumps(meta).encode())
    while (packet := heard()) is not None:
        kind, payload = packet
        if kind == b"D" and payload == b"crash":
            os._exit(1)
        if kind == b"M" and json.loads(payload)["type"] == "quit" and how != "stays":
            tell(b"M", b'{"type": "exit"}')
            return
        tell(b"D", kind + b" " + payload + b"\n")
    while how == "stays":
        time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
