"""The properties of a unit, as `systemctl show` prints them."""

from __future__ import annotations

from datetime import UTC, datetime

from loomtui.drill.systemd.manager import Manager, unit_name
from loomtui.drill.systemd.service import Service


def unit_file_state(manager: Manager, service: Service) -> str:
    if service.definition.transient:
        return "transient"
    return "enabled" if manager.link(service.name).is_symlink() else "disabled"


def properties(manager: Manager, name: str) -> dict[str, str]:
    service = manager.service(name)
    if service is None:
        return _of_unknown(unit_name(name))
    definition = service.definition
    values = {
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
        "UnitFileState": unit_file_state(manager, service),
        "NeedDaemonReload": "yes" if manager.needs_reload(definition) else "no",
        "RefuseManualStart": "yes" if definition.get("RefuseManualStart") in ("yes", "true", "1") else "no",
        "Transient": "yes" if definition.transient else "no",
        "CanStart": "yes",
        "ControlGroup": f"/practice.slice/{service.name}" if service.pid else "",
    }
    for command in ("ExecStartPre", "ExecStart"):
        for line, ignored in definition.commands(command):
            values[command] = _exec(service, line, ignored)
    return values | _times(service)


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
    values = {}
    for name in names:
        wall, monotonic = service.times.get(name, (0, 0))
        values[f"{name}Timestamp"] = _stamp(wall) if wall else ""
        values[f"{name}TimestampMonotonic"] = str(monotonic)
    return values


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
