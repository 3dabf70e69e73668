"""Log lines as the node prints them: level, local time, message padded to 44, then `key=value`."""

from __future__ import annotations

import json
import os
import re
import sys
from datetime import datetime

_LEVELS = {"debug": 0, "info": 1, "error": 2, "none": 3}
_PLAIN = re.compile(r"^[^\s=\"]+$")


class Log:
    """On standard error, from there to the journal. Only errors by default, as on a real node.

    A file that LogDestination names is opened without append or truncate: each start writes over it from its
    beginning.
    """

    def __init__(self, level: str = "error", destination: str = "") -> None:
        self._least = _LEVELS.get(level, 2)
        path = destination.removeprefix("file://")
        self._output = sys.stderr
        if path not in ("", "-"):
            self._output = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666), "w", encoding="utf-8")

    def error(self, message: str, **fields: object) -> None:
        self._write("E", 2, message, fields)

    def info(self, message: str, **fields: object) -> None:
        self._write("I", 1, message, fields)

    def _write(self, letter: str, level: int, message: str, fields: dict[str, object]) -> None:
        if level < self._least:
            return
        now = datetime.now()  # local time, without its zone
        stamp = now.strftime("%Y-%m-%d|%H:%M:%S.") + f"{now.microsecond // 1000:03d}"
        pairs = "".join(f" {key}={_value(value)}" for key, value in fields.items())
        self._output.write(f"{letter}[{stamp}] {message:<44}{pairs}\n")
        self._output.flush()


def _value(value: object) -> str:
    text = str(value)
    return text if _PLAIN.match(text) else json.dumps(text, ensure_ascii=False)
