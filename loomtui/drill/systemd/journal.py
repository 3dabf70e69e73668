"""A node's journal: JSON lines in a file, which the stand-in `journalctl` reads and follows."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from pathlib import Path

FILE = "var/log/journal.jsonl"
BOOT_FILE = "var/log/boot-id"  # of the present boot: what `journalctl -f` shows is of it alone


class Journal:
    def __init__(self, root: Path, hostname: str) -> None:
        path = root / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        self._hostname = hostname
        self._lock = threading.Lock()
        self._boot_file = root / BOOT_FILE
        self._boot = ""
        self.boot()

    def boot(self) -> None:
        """What comes from now on is of another boot."""
        self._boot = uuid.uuid4().hex
        self._boot_file.write_text(self._boot)

    def write(self, unit: str, message: str, *, pid: int, name: str, priority: int = 6) -> None:
        """What a service says on its standard output or error."""
        self._put({"_SYSTEMD_UNIT": unit, "SYSLOG_IDENTIFIER": name, "PRIORITY": str(priority)}, pid, message)

    def manager(self, unit: str, message: str, *, priority: int = 6) -> None:
        """What systemd says about a unit."""
        fields = {"_SYSTEMD_UNIT": "init.scope", "UNIT": unit, "SYSLOG_IDENTIFIER": "systemd"}
        self._put({**fields, "PRIORITY": str(priority)}, 1, message)

    def _put(self, fields: dict[str, str], pid: int, message: str) -> None:
        with self._lock:
            entry = {
                "__REALTIME_TIMESTAMP": str(time.time_ns() // 1000),
                "__MONOTONIC_TIMESTAMP": str(time.monotonic_ns() // 1000),
                "_BOOT_ID": self._boot,
                "_HOSTNAME": self._hostname,
                "_PID": str(pid),
                "_UID": str(os.getuid()),
                **fields,
                "MESSAGE": message,
            }
            os.write(self._file, json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
