"""The consensus WAL: what was said at this height, so that a node that stops in the middle can go on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_HEAD_BYTES = 1_000_000
_MARK = "#ENDHEIGHT: "


class WalGapError(Exception):
    """Tendermint's words for a WAL of another height."""


class Wal:
    def __init__(self, folder: Path, *, height: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._head = folder / "wal"
        self._old = folder / "wal.000"
        if not self._head.exists():
            self._head.write_text(f"{_MARK}0\n")
        self.height = height
        self._file = os.open(self._head, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def replay(self) -> list[dict[str, Any]]:
        """The messages after the last block. Raises WalGapError."""
        lines: list[str] = []
        for path in (self._old, self._head):
            if path.exists():
                lines += path.read_text("utf-8", "replace").splitlines()
        marks = {line[len(_MARK) :]: at for at, line in enumerate(lines) if line.startswith(_MARK)}
        if str(self.height + 1) in marks:
            raise WalGapError(f"WAL should not contain #ENDHEIGHT {self.height + 1}")
        if str(self.height) not in marks:
            raise WalGapError(
                f"Cannot replay height {self.height + 1}. WAL does not contain #ENDHEIGHT for {self.height}"
            )
        messages = []
        for line in lines[marks[str(self.height)] + 1 :]:
            try:
                messages.append(json.loads(line))
            except ValueError:
                continue  # a torn last line
        return messages

    def write(self, message: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def end(self, height: int) -> None:
        self.height = height
        os.write(self._file, f"{_MARK}{height}\n".encode())
        if os.fstat(self._file).st_size > _HEAD_BYTES:
            os.close(self._file)
            self._head.replace(self._old)
            self._head.write_text(f"{_MARK}{height}\n")
            self._file = os.open(self._head, os.O_WRONLY | os.O_APPEND)
