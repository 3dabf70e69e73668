"""What `systemctl`, `systemd-run` and `systemd-analyze` answer, in the words of systemd 252."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loomtui.drill.systemd.manager import Manager, Reply, signal_number, unit_name
from loomtui.drill.systemd.service import Service
from loomtui.drill.systemd.unitfile import complaints

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
        return _systemd_run(manager, arguments, folder)
    if tool == "systemd-analyze":
        return _analyze(arguments, folder)
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


def _unit_file_state(manager: Manager, service: Service) -> str:
    if service.definition.transient:
        return "transient"
    return "enabled" if manager.link(service.name).is_symlink() else "disabled"


def _is_enabled(call: Call) -> Reply:
    states = []
    for name in call.names:
        service = call.manager.service(name)
        if service is None:
            text = f"Failed to get unit file state for {unit_name(name)}: No such file or directory\n"
            return Reply(err=text, status=1)
        states.append(_unit_file_state(call.manager, service))
    return Reply("".join(f"{state}\n" for state in states), status=0 if "enabled" in states else 1)


def _enable(call: Call) -> Reply:
    told = ""
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
            told += f"Created symlink {link} → {service.definition.fragment}.\n"
    started = [call.manager.start(name) for name in call.names] if "--now" in call.options else []
    return Reply(
        err=told + "".join(reply.err for reply in started), status=max((r.status for r in started), default=0)
    )


def _disable(call: Call) -> Reply:
    told = ""
    for name in call.names:
        if call.manager.link(name).is_symlink():
            call.manager.link(name).unlink()
            told += f"Removed {call.manager.link(name)}.\n"
        if "--now" in call.options:
            call.manager.stop(name)
    return Reply(err=told)


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


# systemctl show


def _show(call: Call) -> Reply:
    """Unknown properties are left out, as systemd does."""
    wanted = [name for value in call.options.get("--property", []) for name in value.split(",") if name]
    blocks = []
    for name in call.names or [""]:
        found = _properties(call.manager, name) if name else {"Version": "252"}
        shown = {key: found[key] for key in wanted if key in found} if wanted else found
        if "--value" in call.options:
            blocks.append("".join(f"{value}\n" for value in shown.values()))
        else:
            blocks.append("".join(f"{key}={value}\n" for key, value in shown.items()))
    return Reply("\n".join(blocks))


def _properties(manager: Manager, name: str) -> dict[str, str]:
    service = manager.service(name)
    if service is None:
        return _of_unknown(unit_name(name))
    definition = service.definition
    told = {
        "Id": service.name,
        "Names": service.name,
        "Description": definition.get("Description", service.name),
        "LoadState": "loaded",
        "ActiveState": service.active,
        "SubState": service.sub,
        "Result": service.result,
        "Type": definition.get("Type", "simple"),
        "Restart": definition.get("Restart", "no"),
        "RestartUSec": _span(definition.seconds("RestartSec", 0.1)),
        "TimeoutStopUSec": _span(definition.seconds("TimeoutStopSec", 90)),
        "KillMode": definition.get("KillMode", "control-group"),
        "MainPID": str(service.pid),
        "ExecMainPID": str(service.pid),
        "ExecMainCode": str(service.exit_code),
        "ExecMainStatus": str(service.exit_status),
        "NRestarts": str(service.restarts),
        "User": definition.get("User"),
        "Group": definition.get("Group"),
        "WorkingDirectory": definition.get("WorkingDirectory"),
        "Environment": " ".join(definition.lists.get("Environment", ())),
        "EnvironmentFiles": " ".join(
            f"{path} (ignore_errors=no)" for path in definition.lists.get("EnvironmentFile", ())
        ),
        "FragmentPath": str(definition.fragment or ""),
        "DropInPaths": " ".join(str(path) for path in definition.drop_ins),
        "UnitFileState": _unit_file_state(manager, service),
        "NeedDaemonReload": "yes" if manager.needs_reload(definition) else "no",
        "RefuseManualStart": "yes" if definition.get("RefuseManualStart") in ("yes", "true", "1") else "no",
        "Transient": "yes" if definition.transient else "no",
        "CanStart": "yes",
        "ControlGroup": f"/system.slice/{service.name}" if service.pid else "",
    }
    for command in ("ExecStartPre", "ExecStart"):
        for line, ignored in definition.commands(command):
            told[command] = _exec(service, line, ignored)
    return told | _times(service)


def _of_unknown(name: str) -> dict[str, str]:
    return {
        "Id": name,
        "Names": name,
        "Description": name,
        "LoadState": "not-found",
        "LoadError": f'org.freedesktop.systemd1.NoSuchUnit "Unit {name} not found."',
        "ActiveState": "inactive",
        "SubState": "dead",
        "Result": "success",
        "MainPID": "0",
        "NRestarts": "0",
        "FragmentPath": "",
        "DropInPaths": "",
        "UnitFileState": "",
        "NeedDaemonReload": "no",
    }


def _times(service: Service) -> dict[str, str]:
    names = (
        "ExecMainStart",
        "ExecMainExit",
        "ActiveEnter",
        "ActiveExit",
        "InactiveEnter",
        "InactiveExit",
        "StateChange",
    )
    told = {}
    for name in names:
        wall, monotonic = service.times.get(name, (0, 0))
        told[f"{name}Timestamp"] = _stamp(wall) if wall else ""
        told[f"{name}TimestampMonotonic"] = str(monotonic)
    return told


def _stamp(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / 1e6, UTC).strftime("%a %Y-%m-%d %H:%M:%S UTC")


def _span(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    parts = [
        f"{minutes:.0f}min" if minutes else "",
        f"{rest:g}s" if rest >= 1 else f"{rest * 1000:g}ms" if rest else "",
    ]
    return " ".join(part for part in parts if part) or "0"


def _exec(service: Service, words: list[str], ignored: bool) -> str:
    start = _stamp(service.times["ExecMainStart"][0]) if "ExecMainStart" in service.times else "n/a"
    stop = _stamp(service.times["ExecMainExit"][0]) if "ExecMainExit" in service.times else "n/a"
    code = {0: "(null)", 1: "exited", 2: "killed"}[service.exit_code]
    return (
        f"{{ path={words[0]} ; argv[]={' '.join(words)} ; ignore_errors={'yes' if ignored else 'no'} ; "
        f"start_time=[{start}] ; stop_time=[{stop}] ; pid={service.pid} ; code={code} ; "
        f"status={service.exit_status}/0 }}"
    )


_VERBS: dict[str, Callable[[Call], Reply]] = {
    "start": _each(lambda manager, name: manager.start(name)),
    "stop": _each(lambda manager, name: manager.stop(name)),
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


# systemd-run and systemd-analyze


def _systemd_run(manager: Manager, arguments: list[str], folder: Path) -> Reply:
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


def _analyze(arguments: list[str], folder: Path) -> Reply:
    _, words = _split(arguments)
    if words[:1] != ["verify"] or len(words) < 2:
        return Reply(err="Only verify is known here.\n", status=1)
    found: list[str] = []
    for name in words[1:]:
        path = folder / name
        if path.suffix != ".service":
            found.append(f"Failed to prepare filename {name}: Invalid argument")
            continue
        try:
            found += complaints(path.read_text("utf-8", "replace"), str(path))
        except OSError:
            found.append(f"Failed to open {path}: No such file or directory")
    fatal = any("ignoring line" not in line for line in found)
    return Reply(err="".join(f"{line}\n" for line in found), status=1 if fatal else 0)
