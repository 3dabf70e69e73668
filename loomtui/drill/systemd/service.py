"""One service: its process, its states and times, and what happens when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from loomtui.drill.systemd.journal import Journal
from loomtui.drill.systemd.spawning import CannotRunError, spawn
from loomtui.drill.systemd.unitfile import Definition

_STOP_SECONDS = 90.0
_RESTART_SECONDS = 0.1
_LIMIT_BURST = 5
_LIMIT_SECONDS = 10.0
_LINE_BYTES = 48 * 1024


class StartRefusedError(Exception):
    """`status` is systemctl's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def now() -> tuple[int, int]:
    """Microseconds: wall clock, and since boot."""
    return time.time_ns() // 1000, time.monotonic_ns() // 1000


class Service:
    """All methods may be called from any thread."""

    def __init__(self, definition: Definition, journal: Journal, environment: Mapping[str, str]) -> None:
        self.definition = definition
        self._journal = journal
        self._environment = environment
        self._lock = threading.RLock()
        self._ended = threading.Condition(self._lock)
        self._process: subprocess.Popen[bytes] | None = None
        self._timer: threading.Timer | None = None
        self._stopping = False
        self._starts: list[float] = []
        self.active = "inactive"
        self.sub = "dead"
        self.result = "success"
        self.restarts = 0
        self.exit_code = 0  # CLD_EXITED 1, CLD_KILLED 2; 0: has not ended
        self.exit_status = 0
        self.pid = 0
        self.times: dict[str, tuple[int, int]] = {}

    @property
    def name(self) -> str:
        return self.definition.name

    def start(self) -> None:
        """Raises StartRefusedError."""
        with self._lock:
            if self.active in ("active", "deactivating"):
                return
            self._cancel_timer()
            if self.sub == "auto-restart":
                self._enter("inactive", "dead")
            self._check()
            self._launch()

    def _check(self) -> None:
        failed = self.definition.failed_check("AssertPathExists")
        if failed:
            self._journal.manager(
                self.name, f"{self.name}: Starting requested but asserts failed.", priority=3
            )
            self._journal.manager(self.name, f"Assertion failed for {self._description}.", priority=3)
            raise StartRefusedError(f"Assertion failed on job for {self.name}.", 1)
        failed = self.definition.failed_check("ConditionPathExists")
        if failed:
            text = f"was skipped because of an unmet condition check (ConditionPathExists={failed})."
            self._journal.manager(self.name, f"{self._description} {text}")
            raise StartRefusedError("", 0)

    @property
    def _description(self) -> str:
        described = self.definition.get("Description")
        return f"{self.name} - {described}" if described else self.name

    def _launch(self) -> None:
        if self._over_limit():
            self._journal.manager(self.name, f"{self.name}: Start request repeated too quickly.", priority=4)
            self.result = "start-limit-hit"
            self._enter("failed", "failed")
            message = f"Job for {self.name} failed because start of the service was attempted too often."
            raise StartRefusedError(message, 1)
        self.result = "success"
        self._stopping = False
        try:
            self._process = spawn(self.definition, self._environment)
        except CannotRunError as error:
            self.times["ExecMainStart"] = self.times["ExecMainExit"] = now()
            self.exit_code, self.exit_status = 1, error.status
            self._journal.manager(self.name, f"{self.name}: {error}", priority=3)
            self._after_end()
            return
        self.pid = self._process.pid
        self.exit_code = self.exit_status = 0
        self.times["ExecMainStart"] = now()
        self.times.pop("ExecMainExit", None)
        self._enter("active", "running")
        self._journal.manager(self.name, f"Started {self._description}.")
        for work in (self._read_output, self._wait) if self._process.stdout else (self._wait,):
            threading.Thread(target=work, args=(self._process,), daemon=True).start()

    def _over_limit(self) -> bool:
        interval = self.definition.get("StartLimitIntervalSec") or self.definition.get("StartLimitInterval")
        span = (
            _LIMIT_SECONDS
            if not interval
            else self.definition.seconds(
                "StartLimitIntervalSec"
                if self.definition.get("StartLimitIntervalSec")
                else "StartLimitInterval",
                0,
            )
        )
        now = time.monotonic()
        self._starts = [start for start in self._starts if now - start < span]
        burst = int(self.definition.get("StartLimitBurst", str(_LIMIT_BURST)))
        if span and len(self._starts) >= burst:
            return True
        self._starts.append(now)
        return False

    def _read_output(self, process: subprocess.Popen[bytes]) -> None:
        name = Path(str(process.args[0])).name if isinstance(process.args, list) else self.name
        with cast(IO[bytes], process.stdout) as output:
            for line in _lines(output):
                self._journal.write(self.name, line, pid=process.pid, name=name)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        status = process.wait()
        with self._lock:
            if self._process is not process:
                return
            self._process = None
            self.pid = 0
            self.exit_code, self.exit_status = (1, status) if status >= 0 else (2, -status)
            self.times["ExecMainExit"] = now()
            _kill_group(process.pid, signal.SIGKILL)
            how = f"exited, status={status}/{'SUCCESS' if status == 0 else 'FAILURE'}"
            if status < 0:
                how = f"killed, status={-status}/{signal.Signals(-status).name.removeprefix('SIG')}"
            if status or not self._stopping:
                self._journal.manager(self.name, f"{self.name}: Main process exited, code={how}", priority=5)
            self._after_end()

    def _after_end(self) -> None:
        clean = (
            self._stopping or (self.exit_code == 1 and self.exit_status == 0) or self._ended_by_stop_signal
        )
        if not self._stopping or not clean:
            self.result = "success" if clean else ("exit-code" if self.exit_code == 1 else "signal")
        if not clean:
            self._journal.manager(self.name, f"{self.name}: Failed with result '{self.result}'.", priority=4)
        restart = self.definition.get("Restart", "no")
        again = restart == "always" or (not clean and restart in ("on-failure", "on-abnormal"))
        if again and not self._stopping:
            self._enter("activating", "auto-restart")
            pause = self.definition.seconds("RestartSec", _RESTART_SECONDS)
            self._timer = threading.Timer(pause, self._restart)
            self._timer.daemon = True
            self._timer.start()
        elif clean:
            if self._stopping:
                self._journal.manager(self.name, f"Stopped {self._description}.")
            self._enter("inactive", "dead")
        else:
            self._enter("failed", "failed")
        self._ended.notify_all()

    @property
    def _ended_by_stop_signal(self) -> bool:
        return self.exit_code == 2 and self.exit_status in (
            signal.SIGTERM,
            signal.SIGINT,
            signal.SIGHUP,
            signal.SIGPIPE,
        )

    def _restart(self) -> None:
        with self._lock, suppress(StartRefusedError):
            if self.sub != "auto-restart":
                return
            self.restarts += 1
            text = f"{self.name}: Scheduled restart job, restart counter is at {self.restarts}."
            self._journal.manager(self.name, text)
            self._timer = None
            self._enter("inactive", "dead")
            self._check()
            self._launch()

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def stop(self) -> None:
        """Waits until the process is gone: SIGTERM, and SIGKILL after TimeoutStopSec."""
        with self._lock:
            self._cancel_timer()
            self.restarts = 0
            if self._process is None:
                if self.active != "failed":
                    self._enter("inactive", "dead")
                self._ended.notify_all()
                return
            self._stopping = True
            self._enter("deactivating", "stop-sigterm")
            pid = self._process.pid
            _kill_group(pid, signal.SIGTERM)
            patience = self.definition.seconds("TimeoutStopSec", _STOP_SECONDS)
            if not self._ended.wait_for(lambda: self._process is None, patience):
                if self.definition.get("SendSIGKILL", "yes").lower() in ("no", "false", "0", "off"):
                    self._ended.wait_for(lambda: self._process is None)
                    return
                self._journal.manager(
                    self.name, f"{self.name}: State 'stop-sigterm' timed out. Killing.", priority=4
                )
                self.sub = "stop-sigkill"
                _kill_group(pid, signal.SIGKILL)
                self._ended.wait_for(lambda: self._process is None, 10)

    def wait_until_over(self) -> None:
        """Until it neither runs nor will be started again by itself."""
        with self._lock:
            self._ended.wait_for(lambda: self._process is None and self.active in ("inactive", "failed"))

    def lose_power(self) -> None:
        """Killed, and never restarted."""
        with self._lock:
            self._cancel_timer()
            if self._process is None:
                self._enter("inactive", "dead")
                return
            self._stopping = True
            _kill_group(self._process.pid, signal.SIGKILL)
            self._ended.wait_for(lambda: self._process is None, 10)

    def kill(self, number: int) -> None:
        with self._lock:
            if self._process:
                _kill_group(self._process.pid, number)

    def reset_failed(self) -> None:
        with self._lock:
            self.restarts = 0
            self._starts = []
            if self.active == "failed":
                self.result = "success"
                self._enter("inactive", "dead")

    def _enter(self, active: str, sub: str) -> None:
        if active != self.active:
            self.times["StateChange"] = now()
            left = {"active": "ActiveExit", "inactive": "InactiveExit", "failed": "InactiveExit"}.get(
                self.active
            )
            entered = {"active": "ActiveEnter", "inactive": "InactiveEnter", "failed": "InactiveEnter"}.get(
                active
            )
            for name in (left, entered):
                if name:
                    self.times[name] = now()
        self.active, self.sub = active, sub


def _kill_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _lines(output: IO[bytes]) -> Iterator[str]:
    with suppress(OSError, ValueError):
        while raw := output.readline(_LINE_BYTES):
            yield raw.decode("utf-8", "replace").rstrip("\n")
