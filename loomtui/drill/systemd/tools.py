"""What `systemd-run` and `systemd-analyze` answer."""

from __future__ import annotations

import shlex
from pathlib import Path

from loomtui.drill.systemd.manager import Manager, Reply
from loomtui.drill.systemd.unitfile import complaints

Options = dict[str, list[str]]


def systemd_run(manager: Manager, arguments: list[str], folder: Path) -> Reply:
    valued = {
        "--unit": "--unit",
        "-u": "--unit",
        "--property": "-p",
        "-p": "-p",
        "--description": "--description",
    }
    valued |= {
        "--working-directory": "--cwd",
        "--setenv": "-E",
        "-E": "-E",
        "--uid": "--uid",
        "--gid": "--gid",
    }
    valued |= {"--slice": "--slice", "--service-type": "--type"}
    options: Options = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name in valued:
            options.setdefault(valued[name], []).append(value if equals else (rest.pop(0) if rest else ""))
        else:
            options.setdefault({"-G": "--collect", "-d": "--same-dir"}.get(name, name), []).append(value)
    if not rest:
        return Reply(err="Command line to execute required.\n", status=1)
    properties = [f"{key}={options[flag][-1]}" for flag, key in _RUN_KEYS.items() if flag in options]
    properties += options.get("-p", [])
    properties += [f"Environment={shlex.quote(entry)}" for entry in options.get("-E", [])]
    if "--same-dir" in options:
        properties.append(f"WorkingDirectory={folder}")
    command = " ".join(_quote(word) for word in rest)
    name = options.get("--unit", [f"run-r{abs(hash(tuple(rest))):x}"])[-1]
    reply = manager.run_transient(name, properties, command, collect="--collect" in options)
    quiet = "--quiet" in options or "-q" in options
    return Reply(status=reply.status, err="" if quiet and not reply.status else reply.err)


_RUN_KEYS = {
    "--description": "Description",
    "--cwd": "WorkingDirectory",
    "--uid": "User",
    "--gid": "Group",
    "--slice": "Slice",
    "--type": "Type",
}


def _quote(word: str) -> str:
    return shlex.quote(word.replace("$", "$$"))


def analyze(arguments: list[str], folder: Path) -> Reply:
    words = [argument for argument in arguments if not argument.startswith("-")]
    if words[:1] != ["verify"] or len(words) < 2:
        return Reply(err="Only verify is known here.\n", status=1)
    problems: list[str] = []
    for name in words[1:]:
        path = folder / name
        if path.suffix != ".service":
            problems.append(f"Failed to prepare filename {name}: Invalid argument")
            continue
        try:
            problems += complaints(path.read_text("utf-8", "replace"), str(path))
        except OSError:
            problems.append(f"Failed to open {path}: No such file or directory")
    fatal = any("ignoring line" not in line for line in problems)
    return Reply(err="".join(f"{line}\n" for line in problems), status=1 if fatal else 0)
