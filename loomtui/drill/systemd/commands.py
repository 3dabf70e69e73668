"""What `systemctl` answers, in the words of systemd 252."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loomtui.drill.systemd.manager import Manager, Reply, signal_number, unit_name
from loomtui.drill.systemd.properties import properties, unit_file_state
from loomtui.drill.systemd.tools import analyze, systemd_run

_VERSION = "systemd 252 (252.practice)\n+PAM +AUDIT default-hierarchy=unified\n"
_TAKES_VALUE = frozenset(
    {"-p", "--property", "-n", "--lines", "-t", "--type", "-s", "--signal", "-o", "--output"}
)
_LONG = {
    "-p": "--property",
    "-P": "--property",
    "-t": "--type",
    "-s": "--signal",
    "-n": "--lines",
    "-o": "--output",
}

Options = dict[str, list[str]]


@dataclass(frozen=True)
class Call:
    """One call of systemctl, after its verb."""

    manager: Manager
    options: Options
    names: list[str]


def answer(manager: Manager, tool: str, arguments: list[str], folder: Path) -> Reply:
    if "--version" in arguments:
        return Reply(out=_VERSION)
    if tool == "systemd-run":
        return systemd_run(manager, arguments, folder)
    if tool == "systemd-analyze":
        return analyze(arguments, folder)
    options, words = _split(arguments)
    verb, *names = words or ["list-units"]
    if verb not in _VERBS:
        return Reply(err=f"Unknown command verb {verb}.\n", status=1)
    return _VERBS[verb](Call(manager, options, names))


def _split(arguments: list[str]) -> tuple[Options, list[str]]:
    options: Options = {}
    words = []
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-") or argument == "-":
            words.append(argument)
            continue
        if argument.startswith("-") and not argument.startswith("--") and len(argument) > 2:
            argument, value, equals = argument[:2], argument[2:], "="
        else:
            argument, equals, value = argument.partition("=")
        if not equals and argument in {*_TAKES_VALUE, "-P"}:
            value = next(rest, "")
        if argument == "-P":
            options["--value"] = [""]
        options.setdefault(_LONG.get(argument, argument), []).append(value)
    return options, words


def _stop(call: Call) -> Reply:
    if "--no-block" not in call.options:
        return _each(Manager.stop)(call)
    for name in call.names:
        threading.Thread(target=call.manager.stop, args=(name,), daemon=True).start()
    return Reply()


def _each(act: Callable[[Manager, str], Reply]) -> Callable[[Call], Reply]:
    def run(call: Call) -> Reply:
        if not call.names:
            return Reply(err="Too few arguments.\n", status=1)
        replies = [act(call.manager, name) for name in call.names]
        status = next((reply.status for reply in replies if reply.status), 0)
        return Reply("".join(r.out for r in replies), "".join(r.err for r in replies), status)

    return run


def _restart(manager: Manager, name: str) -> Reply:
    stopped = manager.stop(name)
    return manager.start(name) if stopped.status in (0, 5) else stopped


def _try_restart(manager: Manager, name: str) -> Reply:
    service = manager.service(name)
    return _restart(manager, name) if service and service.active == "active" else Reply()


def _is_active(call: Call) -> Reply:
    states = [
        service.active if (service := call.manager.service(name)) else "inactive" for name in call.names
    ]
    out = (
        "" if "-q" in call.options or "--quiet" in call.options else "".join(f"{state}\n" for state in states)
    )
    return Reply(out, status=0 if "active" in states else 3)


def _is_failed(call: Call) -> Reply:
    states = [
        service.active if (service := call.manager.service(name)) else "inactive" for name in call.names
    ]
    return Reply("".join(f"{state}\n" for state in states), status=0 if "failed" in states else 1)


def _is_enabled(call: Call) -> Reply:
    states = []
    for name in call.names:
        service = call.manager.service(name)
        if service is None:
            text = f"Failed to get unit file state for {unit_name(name)}: No such file or directory\n"
            return Reply(err=text, status=1)
        states.append(unit_file_state(call.manager, service))
    return Reply("".join(f"{state}\n" for state in states), status=0 if "enabled" in states else 1)


def _enable(call: Call) -> Reply:
    messages = ""
    for name in call.names:
        service = call.manager.service(name)
        if service is None or service.definition.fragment is None:
            return Reply(
                err=f"Failed to enable unit: Unit file {unit_name(name)} does not exist.\n", status=1
            )
        link = call.manager.link(name)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(service.definition.fragment)
            messages += f"Created symlink {link} → {service.definition.fragment}.\n"
    started = [call.manager.start(name) for name in call.names] if "--now" in call.options else []
    return Reply(
        err=messages + "".join(reply.err for reply in started),
        status=max((r.status for r in started), default=0),
    )


def _disable(call: Call) -> Reply:
    messages = ""
    for name in call.names:
        if call.manager.link(name).is_symlink():
            call.manager.link(name).unlink()
            messages += f"Removed {call.manager.link(name)}.\n"
        if "--now" in call.options:
            call.manager.stop(name)
    return Reply(err=messages)


def _reload(call: Call) -> Reply:
    return call.manager.reload()


def _reset_failed(call: Call) -> Reply:
    return call.manager.reset_failed(call.names)


def _kill(call: Call) -> Reply:
    try:
        number = signal_number(call.options.get("--signal", ["TERM"])[-1])
    except ValueError as error:
        return Reply(err=f"Failed to parse signal string {error}.\n", status=1)
    for name in call.names:
        if service := call.manager.service(name):
            service.kill(number)
    return Reply()


def _cat(call: Call) -> Reply:
    out: list[str] = []
    err = ""
    for name in call.names:
        service = call.manager.service(name)
        if service is None or service.definition.fragment is None:
            return Reply("\n".join(out), f"No files found for {unit_name(name)}.\n", 1)
        for path in (service.definition.fragment, *service.definition.drop_ins):
            try:
                text = path.read_text("utf-8", "replace")
            except OSError:
                err += f"Failed to cat {path}: No such file or directory\n"
                continue
            out.append(f"# {path}\n{text}{'' if text.endswith(chr(10)) else chr(10)}")
        if call.manager.needs_reload(service.definition):
            err += f"Warning: {service.name} changed on disk, the version systemd has loaded is outdated.\n"
    return Reply("\n".join(out), err, 1 if "Failed" in err else 0)


def _list_units(call: Call) -> Reply:
    lines = []
    for name in call.manager.names():
        service = call.manager.service(name)
        if service and (service.active != "inactive" or "--all" in call.options or "-a" in call.options):
            description = service.definition.get("Description", name)
            lines.append(f"{name} loaded {service.active} {service.sub} {description}")
    if "--no-legend" not in call.options:
        lines = ["UNIT LOAD ACTIVE SUB DESCRIPTION", *lines, "", f"{len(lines)} loaded units listed."]
    return Reply("".join(f"{line}\n" for line in lines))


def _status(call: Call) -> Reply:
    out = ""
    status = 0
    for name in call.names:
        service = call.manager.service(name)
        if service is None:
            return Reply(out, f"Unit {unit_name(name)} could not be found.\n", 4)
        out += f"● {service.name}\n     Loaded: loaded ({service.definition.fragment})\n"
        out += f"     Active: {service.active} ({service.sub})\n   Main PID: {service.pid}\n"
        status = status or (0 if service.active == "active" else 3)
    return Reply(out, status=status)


def _is_system_running(_call: Call) -> Reply:
    return Reply("running\n")


def _show(call: Call) -> Reply:
    """Unknown properties are left out, as systemd does."""
    wanted = [name for value in call.options.get("--property", []) for name in value.split(",") if name]
    blocks = []
    for name in call.names or [""]:
        values = properties(call.manager, name) if name else {"Version": "252"}
        shown = {key: values[key] for key in wanted if key in values} if wanted else values
        if "--value" in call.options:
            blocks.append("".join(f"{value}\n" for value in shown.values()))
        else:
            blocks.append("".join(f"{key}={value}\n" for key, value in shown.items()))
    return Reply("\n".join(blocks))


_VERBS: dict[str, Callable[[Call], Reply]] = {
    "start": _each(lambda manager, name: manager.start(name)),
    "stop": _stop,
    "restart": _each(_restart),
    "try-restart": _each(_try_restart),
    "is-active": _is_active,
    "is-failed": _is_failed,
    "is-enabled": _is_enabled,
    "enable": _enable,
    "disable": _disable,
    "daemon-reload": _reload,
    "reset-failed": _reset_failed,
    "kill": _kill,
    "cat": _cat,
    "show": _show,
    "status": _status,
    "list-units": _list_units,
    "is-system-running": _is_system_running,
}
