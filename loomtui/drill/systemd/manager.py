"""One node's service manager: loads units, starts and stops their services."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from loomtui.drill.systemd.journal import Journal
from loomtui.drill.systemd.service import Service, StartRefusedError
from loomtui.drill.systemd.unitfile import Definition, define, find_files, load, stamp

_WANTS = "etc/systemd/system/multi-user.target.wants"


@dataclass(frozen=True)
class Reply:
    """What a stand-in prints, and its exit status."""

    out: str = ""
    err: str = ""
    status: int = 0


class Manager:
    def __init__(self, root: Path, hostname: str, environment: Mapping[str, str]) -> None:
        self.root = root
        self._journal = Journal(root, hostname)
        self._environment = environment  # of every service; the practice may change it
        self._services: dict[str, Service] = {}
        self._lock = threading.RLock()

    def service(self, name: str) -> Service | None:
        """Loaded when it is first asked for, as systemd does; None: no such unit."""
        name = unit_name(name)
        with self._lock:
            if name not in self._services:
                definition = load(self.root, name)
                if definition is None:
                    return None
                self._services[name] = Service(definition, self._journal, self._environment)
            return self._services[name]

    def names(self) -> list[str]:
        with self._lock:
            return sorted(self._services)

    def start(self, name: str) -> Reply:
        service = self.service(name)
        name = unit_name(name)
        if service is None:
            return Reply(err=f"Failed to start {name}: Unit {name} not found.\n", status=5)
        if service.definition.get("RefuseManualStart").lower() in ("yes", "true", "1", "on"):
            why = f"Operation refused, unit {name} may be requested by dependency only"
            detail = "(it is configured to refuse manual start/stop)."
            return Reply(err=f"Failed to start {name}: {why} {detail}\n", status=4)
        try:
            service.start()
        except StartRefusedError as refused:
            return Reply(err=f"{refused}\n" if str(refused) else "", status=refused.status)
        return Reply(err=self._stale_warning(service))

    def stop(self, name: str) -> Reply:
        service = self.service(name)
        name = unit_name(name)
        if service is None:
            return Reply(err=f"Failed to stop {name}: Unit {name} not loaded.\n", status=5)
        service.stop()
        return Reply(err=self._stale_warning(service))

    def _stale_warning(self, service: Service) -> str:
        if not self.needs_reload(service.definition):
            return ""
        what = f"The unit file, source configuration file or drop-ins of {service.name} changed on disk."
        return f"Warning: {what} Run 'systemctl daemon-reload' to reload units.\n"

    def needs_reload(self, definition: Definition) -> bool:
        if definition.transient:
            return False
        fragment, drop_ins = find_files(self.root, definition.name)
        return stamp([path for path in (fragment, *drop_ins) if path]) != definition.stamp

    def reload(self) -> Reply:
        """Definitions anew from the disk; running processes stay as they are."""
        with self._lock:
            for name, service in list(self._services.items()):
                if service.definition.transient:
                    continue
                definition = load(self.root, name)
                if definition is not None:
                    service.definition = definition
                elif service.active in ("inactive", "failed"):
                    del self._services[name]
        return Reply()

    def run_transient(self, name: str, properties: list[str], command: str, *, collect: bool) -> Reply:
        """`command`: quoted as for ExecStart=; may hold newlines."""
        name = unit_name(name)
        folder = self.root / "run/systemd/transient"
        with self._lock:
            if name in self._services or find_files(self.root, name)[0]:
                why = f"Unit {name} was already loaded or has a fragment file."
                return Reply(err=f"Failed to start transient service unit: {why}\n", status=1)
            folder.mkdir(parents=True, exist_ok=True)
            text = (
                "# This is a transient unit file, created programmatically via the systemd API.\n[Service]\n"
            )
            text += "".join(f"{entry}\n" for entry in properties)
            (folder / name).write_text(f"{text}ExecStart={command}\n")
            definition = define(name, [text], fragment=folder / name, transient=True)
            definition = replace(definition, lists={**definition.lists, "ExecStart": [command]})
            service = Service(definition, self._journal, self._environment)
            self._services[name] = service
        service.start()
        threading.Thread(target=self._forget_when_over, args=(service, collect), daemon=True).start()
        return Reply(err=f"Running as unit: {name}\n")

    def _forget_when_over(self, service: Service, collect: bool) -> None:
        """A transient unit is unloaded once it has ended; one that failed only when it is to be collected."""
        service.wait_until_over()
        if service.active == "failed" and not collect:
            return
        self.forget(service)

    def forget(self, service: Service) -> None:
        with self._lock:
            self._services.pop(service.name, None)
        if service.definition.fragment:
            service.definition.fragment.unlink(missing_ok=True)

    def reset_failed(self, names: list[str]) -> Reply:
        for name in names or self.names():
            service = self._services.get(unit_name(name))
            if service is None:
                name = unit_name(name)
                why = f"Unit {name} not loaded."
                return Reply(err=f"Failed to reset failed state of unit {name}: {why}\n", status=1)
            service.reset_failed()
            if service.definition.transient and service.active == "inactive":
                self.forget(service)
        return Reply()

    def link(self, name: str) -> Path:
        return self.root / _WANTS / unit_name(name)

    def power_off(self) -> None:
        """Everything that runs ends at once, and what was in /run is gone."""
        for name in self.names():
            service = self._services[name]
            service.lose_power()
        with self._lock:
            self._services.clear()
        for path in sorted((self.root / "run").rglob("*"), reverse=True):
            with suppress(OSError):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

    def boot(self) -> None:
        self._journal.boot()
        for path in (self.root / _WANTS).glob("*.service"):
            self.start(path.name)


def unit_name(name: str) -> str:
    return name if "." in name else f"{name}.service"


def signal_number(text: str) -> int:
    """Of `9`, `KILL`, `SIGKILL`. Raises ValueError."""
    if text.isdigit():
        return int(text)
    try:
        return signal.Signals[text if text.startswith("SIG") else f"SIG{text}"]
    except KeyError:
        raise ValueError(text) from None
