"""`journalctl`: reads and follows the node's journal file. Arguments: node root, then its own."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator

_VALUED = {
    "-u": "unit",
    "--unit": "unit",
    "-o": "output",
    "--output": "output",
    "-n": "lines",
    "--lines": "lines",
    "-S": "since",
    "--since": "since",
    "-U": "until",
    "--until": "until",
    "-c": "cursor",
    "--cursor": "cursor",
    "--after-cursor": "after",
    "--output-fields": "fields",
    "-p": "priority",
    "--priority": "priority",
    "-t": "identifier",
    "-g": "grep",
    "--grep": "grep",
    "-b": "boot",
}
_OPTIONAL = frozenset({"-n", "--lines", "-b"})
_POLL_SECONDS = 0.1
Entry = dict[str, str]


def main(root: str, arguments: list[str]) -> int:
    if "--version" in arguments:
        sys.stdout.write("systemd 252 (252.practice)\n")
        return 0
    options = _options(arguments)
    try:
        file = open(os.path.join(root, "var/log/journal.jsonl"), "rb")  # noqa: PTH118, PTH123, SIM115
        since = _read_time(options["since"]) if "since" in options else 0
        until = _read_time(options["until"]) if "until" in options else None
    except (OSError, ValueError) as error:
        sys.stderr.write(f"Failed to parse timestamp or to open the journal: {error}\n")
        return 1
    start = _position(options.get("after", options.get("cursor", "")))
    file.seek(start)
    if "follow" in options:  # implies the present boot, systemd 251 and later
        with open(os.path.join(root, "var/log/boot-id")) as boot:  # noqa: PTH118, PTH123
            options["boot_id"] = boot.read()
    entries = [entry for entry in _read(file) if _wanted(entry, options, since, until)]
    if "after" in options:
        entries = entries[1:]  # the first that is wanted, be it the cursor's own or not, up to systemd 255
    limit = options.get(
        "lines", "10" if "follow" in options and "no_tail" not in options and not start else "all"
    )
    if limit.isdigit():
        entries = entries[-int(limit) :] if int(limit) else []
    if "reverse" in options:
        entries.reverse()
    _print(entries, options)
    if not entries and "follow" not in options and "quiet" not in options:
        sys.stdout.write("-- No entries --\n")
    if "show_cursor" in options and entries:
        sys.stdout.write(f"-- cursor: {entries[-1]['__CURSOR']}\n")
    while "follow" in options:
        time.sleep(_POLL_SECONDS)
        if os.getppid() == 1:
            return 0
        _print([entry for entry in _read(file) if _wanted(entry, options, since, until)], options)
    return 0


def _options(arguments: list[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if re.match(r"-[a-zA-Z].", word) and not equals and word[:2] in _VALUED:
            name, equals, value = word[:2], "=", word[2:]
        if name in _VALUED:
            if not equals:
                takes = rest and (name not in _OPTIONAL or re.fullmatch(r"\d+|all", rest[0]))
                value = rest.pop(0) if takes else "10"
            options[_VALUED[name]] = value
        elif re.fullmatch(r"-[a-z]+", word):
            for letter in word[1:]:
                options[{"f": "follow", "q": "quiet", "r": "reverse"}.get(letter, letter)] = ""
        else:
            options[word.lstrip("-").replace("-", "_")] = ""
    return options


def _read_time(text: str) -> float:
    """Seconds since the epoch: `@SECONDS`, a date and time, `-5min`, `today`, `now`. Raises ValueError."""
    if text.startswith("@"):
        return float(text[1:])
    span = re.fullmatch(
        r"-?(\d+(?:\.\d+)?)\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)(?: ago)?", text
    )
    if span:
        return time.time() - float(span[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[span[2][0]]
    if text in ("now", "today"):
        return time.time() - (time.time() % 86400 if text == "today" else 0)
    from datetime import UTC, datetime

    at = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    return (at if at.tzinfo else at.replace(tzinfo=UTC if text.endswith("Z") else None)).timestamp()


def _position(cursor: str) -> int:
    match = re.search(r"i=([0-9a-f]+)", cursor)
    return int(match[1], 16) if match else 0


def _read(file: object) -> Iterator[Entry]:
    """Whole lines; half of one stays for the next look."""
    while True:
        at = file.tell()  # type: ignore[attr-defined]
        line = file.readline()  # type: ignore[attr-defined]
        if not line.endswith(b"\n"):
            file.seek(at)  # type: ignore[attr-defined]
            return
        entry = json.loads(line)
        entry["__CURSOR"] = f"s=practice;i={at:x}"
        yield entry


def _wanted(entry: Entry, options: dict[str, str], since: float, until: float | None) -> bool:
    logged_at = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
    unit = options.get("unit")
    if unit and "." not in unit:
        unit += ".service"
    return (
        logged_at >= since
        and (until is None or logged_at <= until)
        and (unit is None or unit in (entry["_SYSTEMD_UNIT"], entry.get("UNIT")))
        and options.get("boot_id") in (None, entry["_BOOT_ID"])
        and ("grep" not in options or re.search(options["grep"], entry["MESSAGE"]) is not None)
        and ("identifier" not in options or options["identifier"] == entry["SYSLOG_IDENTIFIER"])
    )


def _print(entries: list[Entry], options: dict[str, str]) -> None:
    output = options.get("output", "short")
    for entry in entries:
        if output == "json":
            line = json.dumps(_fields(entry, options), ensure_ascii=False)
        elif output == "cat":
            line = entry["MESSAGE"]
        else:
            line = (
                f"{_time(entry, output)} {entry['_HOSTNAME']} {entry['SYSLOG_IDENTIFIER']}[{entry['_PID']}]: "
            )
            line += entry["MESSAGE"]
        sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()


def _fields(entry: Entry, options: dict[str, str]) -> Entry:
    if "fields" not in options:
        return entry
    wanted = options["fields"].split(",")
    return {key: value for key, value in entry.items() if key in wanted or key.startswith("__")}


def _time(entry: Entry, output: str) -> str:
    microseconds = int(entry["__REALTIME_TIMESTAMP"])
    local_time = time.localtime(microseconds // 1_000_000)
    if output == "short-iso":
        return time.strftime("%Y-%m-%dT%H:%M:%S%z", local_time)
    if output == "short-iso-precise":
        return (
            time.strftime("%Y-%m-%dT%H:%M:%S", local_time)
            + f".{microseconds % 1_000_000:06d}"
            + time.strftime("%z", local_time)
        )
    if output == "short-unix":
        return f"{microseconds / 1e6:.6f}"
    return time.strftime("%b %d %H:%M:%S", local_time)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(0)
