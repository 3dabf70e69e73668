"""A node on this very machine: a folder, the real scripts, and stand-ins for what only a server has.

`LocalNode` runs a script as the node would; a fleet of them is in `local_fleet`. Scripts find their tools in
the node's own `bin` alone, so that what a node lacks can be told.
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from loomtui.fleet.scripts import ChangeScript, InspectScript, script_text

STAND_INS = Path(__file__).with_name("stand_ins")
DRILL_BIN = Path(__file__).parents[2] / "loomtui" / "drill" / "bin"
USER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name
RUN = "20260101-120000-abcd"

#: All that the scripts may need beyond a shell's own commands; curl, bzip2 and the like come by choice.
_TOOLS = re.findall(
    r"\w+",
    "base64 basename cat chmod chown cmp cp cut date df dirname du env false find getent grep head id kill ln"
    " mkdir mkfifo mv nohup readlink rm rmdir runuser sed setsid sh sha256sum sleep sort stat tail tar tee"
    " setpriv timeout touch tr true uname wc",
)
#: The commands that change something: an interruption is placed before each of them.
_CHANGING = re.findall(r"\w+", "chmod chown cp ln mkdir mkfifo mv rm rmdir sync systemctl tar touch")
_DEFAULT_PATH = ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#: Counts the changing commands of a script, and kills the script with all its children before the n-th.
#: `torn`: a copy is half done by then.
_TRAP = """#!/bin/sh
read -r count <"$TRAP/count"
count=$((count + 1))
echo "$count" >"$TRAP/count"
echo {name} >>"$TRAP/names"
if [ "$count" = "$TRAP_AT" ]; then
    if [ -n "$TRAP_TORN" ] && [ {name} = cp ]; then
        for last; do from=$to to=$last; done
        [ ! -f "$from" ] || "${{TRAP%/*}}/bin/head" -c 5 "$from" >"$to"
    fi
    kill -9 0
fi
exec "${{TRAP%/*}}/bin/{name}" "$@"
"""


Tree = dict[str, tuple[object, ...]]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tree(*folders: Path, times: bool = True, without: Iterable[Path] = ()) -> Tree:
    """All below these folders: type, mode, owner, content; of files also the time of the last change."""
    left_out = tuple(without)
    found: Tree = {}
    for folder in folders:
        for path in sorted((folder, *folder.rglob("*"))):
            if any(path == skipped or skipped in path.parents for skipped in left_out):
                continue
            status = path.lstat()
            what: tuple[object, ...] = (oct(status.st_mode), status.st_uid, status.st_gid)
            if path.is_symlink():
                what = (*what, str(path.readlink()))
            elif path.is_file():
                what = (*what, digest(path.read_bytes()), *([status.st_mtime_ns] if times else []))
            found[str(path)] = what
    return found


def digests(folder: Path) -> set[str]:
    """Of every regular file below the folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {digest(path.read_bytes()) for path in files}


@dataclass
class LocalNode:
    """One node: `root` holds its bin, its units, its working directory."""

    root: Path
    name: str = "n1"
    tools: tuple[str, ...] = ()  # curl, wget, bzip2, gzip, xz, zstd, systemd-run
    trap_at: int = 0
    trap_torn: bool = False

    reader_seconds: int = 0  # that scripts wait for who has a database open

    disk_bytes: int | None = None  # how large its disk is, for looks.py; None: there is room

    is_there: bool = False

    @classmethod
    def found(cls, root: Path) -> Self:
        """One that was made before, at the same place."""
        return cls(root, is_there=True)

    def __post_init__(self) -> None:
        if self.is_there:
            return
        self.bin.mkdir(parents=True)
        self.unit_folder.mkdir(parents=True)
        self.workdir.mkdir(mode=0o755)
        self.state.mkdir()
        for name in _TOOLS:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)
        for name in ("systemctl", "systemd-analyze", "journalctl", "loom"):
            (self.bin / name).symlink_to(STAND_INS / name)
        for name in self.tools:
            self.add_tool(name)
        (self.bin / "sync").symlink_to(self.bin / "true")  # nothing here outlives a power cut anyway
        self.set_active("inactive")
        (self.state / "loaded").touch()

    # ── its places ──────────────────────────────────────────────────────────────────────────────────────

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def state(self) -> Path:
        return self.root / "systemd"

    @property
    def unit_folder(self) -> Path:
        return self.root / "etc/systemd/system"

    @property
    def unit(self) -> Path:
        return self.unit_folder / "loom.service"

    @property
    def hold(self) -> Path:
        return self.unit_folder / "loom.service.d/99-loomtui-hold.conf"

    @property
    def workdir(self) -> Path:
        return self.root / "work"

    @property
    def config(self) -> Path:
        return self.workdir / "chaindata/config"

    @property
    def has_backups(self) -> bool:
        """There may be something of backup.sh: a crontab, or where it stages."""
        return any((self.root / name).exists() for name in ("etc/cron.d", "tmp"))

    def run_folder(self, run: str = RUN) -> Path:
        return self.workdir / ".loomtui/runs" / run

    @property
    def lock(self) -> Path:
        return self.workdir / ".loomtui/lock"

    # ── its tools and its systemd ───────────────────────────────────────────────────────────────────────

    def write_tool(self, name: str, body: str) -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def add_tool(self, name: str) -> None:
        """The host's own, otherwise the practice cluster's stand-in."""
        if name == "systemd-run":
            (self.bin / name).symlink_to(STAND_INS / name)
        elif found := shutil.which(name):
            (self.bin / name).symlink_to(found)
        else:
            program = DRILL_BIN / ("http_fetch.py" if name in ("curl", "wget") else "decompress.py")
            self.write_tool(name, f'exec {sys.executable} {program} {name} "$@"')

    def write_unit(self, text: str) -> None:
        self.unit.write_text(text)
        self.reload()

    def reload(self) -> None:
        texts = [
            self.unit.read_text(),
            *(path.read_text() for path in sorted(self.hold.parent.glob("*.conf"))),
        ]
        (self.state / "loaded").write_text("".join(texts))

    @property
    def active(self) -> str:
        return self._state("active")

    def _state(self, name: str) -> str:
        path = self.state / name
        return path.read_text().strip() if path.exists() else ""

    def properties(self) -> dict[str, str]:
        """As `systemctl show` of the stand-in tells them."""
        loaded = (self.state / "loaded").read_text()
        settings = dict(line.split("=", 1) for line in loaded.splitlines() if "=" in line)
        command = settings.get("ExecStart", "")
        flaps = (self.state / "flaps").exists()
        restarts = flaps and self.active == "active"
        if restarts:
            with (self.state / "starts").open("a") as file:
                file.write("\n")
        starts = self._starts
        files = [self.unit, *sorted(self.hold.parent.glob("*.conf"))]
        on_disk = "".join(path.read_text() for path in files if path.is_file())
        return {
            "LoadState": "masked" if (self.state / "masked").exists() else "loaded",
            "ActiveState": self.active,
            "SubState": self._state("sub"),
            "MainPID": str(5_000_000 + starts) if restarts else self._state("pid"),
            "ExecMainStartTimestampMonotonic": str(starts),
            "NRestarts": str(starts) if flaps else "",
            "NeedDaemonReload": "no" if on_disk == loaded else "yes",
            "ExecStart": f"{{ path={command.split(' ')[0]} ; argv[]={command} ; ignore_errors=no ; }}",
            "User": settings.get("User", ""),
            "Group": settings.get("Group", ""),
            "WorkingDirectory": settings.get("WorkingDirectory", ""),
        }

    @property
    def _starts(self) -> int:
        """How often the service was started. The stand-in appends a line for each."""
        path = self.state / "starts"
        return path.stat().st_size if path.exists() else 0

    def set_active(self, active: str) -> None:
        running = active not in ("inactive", "failed")
        sub = "running" if running else "dead"
        for name, value in (("active", active), ("sub", sub), ("pid", "4999999" if running else "0")):
            (self.state / name).write_text(f"{value}\n")

    def take(self, run: str = RUN) -> None:
        """As `lock`, `hold` and `stop` leave the node, without running them."""
        for name in ("stage", "replaced", "job"):
            (self.run_folder(run) / name).mkdir(parents=True, mode=0o700)
        self.lock.write_text(json.dumps({"run": run, "who": "op"}) + "\n")
        self.hold.parent.mkdir()
        self.hold.write_text(f"# held by loomtui run {run}: a test\n[Unit]\nAssertPathExists=!/\n")
        (self.run_folder(run) / "was").write_text("active=active\nfolder=absent\n")
        self.reload()

    def held(self) -> tuple[str, str]:
        """The unit and its hold, as many scripts want them."""
        return self.unit.name, str(self.hold)

    # ── running a script ────────────────────────────────────────────────────────────────────────────────

    def text(self, script: InspectScript | ChangeScript) -> str:
        """The script as it is, except that it finds no tools outside the node's folder."""
        return self.closed(script_text(script))

    def closed(self, text: str) -> str:
        """Also in haste: nothing on this machine gets better by waiting for it."""
        hasty = {
            r"READER_SECONDS=\d+": f"READER_SECONDS={self.reader_seconds}",
            "PAUSES='[0-9 ]*'": "PAUSES='0 0 0.1'",
        }
        for told, instead in hasty.items():
            text = re.sub(f"^{told}", instead, text, flags=re.MULTILINE)
        return text.replace(_DEFAULT_PATH, "")

    def environment(self) -> dict[str, str]:
        path = str(self.bin)
        if self.trap_at:
            path = f"{self.trap}:{path}"
        return {
            "PATH": path,
            "TRAP": str(self.trap),
            "TRAP_AT": str(self.trap_at),
            "TRAP_TORN": "1" if self.trap_torn else "",
        }

    @property
    def trap(self) -> Path:
        return self.root / "trap"

    def set_trap(self, at: int, *, torn: bool = False) -> None:
        """From now on scripts are killed before their `at`-th command that changes something; 0: no trap."""
        self.trap_at, self.trap_torn = at, torn
        self.trap.mkdir(exist_ok=True)
        (self.trap / "count").write_text("0\n")
        (self.trap / "names").write_text("")
        for name in _CHANGING:
            (self.trap / name).write_text(_TRAP.format(name=name))
            (self.trap / name).chmod(0o755)

    def trapped(self) -> list[str]:
        """The changing commands since the trap was set."""
        return (self.trap / "names").read_text().split()

    def pass_over_processes(self) -> None:
        """Lets the scripts believe that no process has a file open: looking at all of them takes its time."""
        self.write_tool("find", f'case $1 in /proc/*) ;; *) exec {shutil.which("find")} "$@" ;; esac')

    def run(
        self, script: str, *args: str | Path, run: str = RUN, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """A change script on this node, in a process group of its own."""
        text = self.text(ChangeScript(script))
        command = ["/bin/sh", "-c", text, "loomtui", str(self.workdir), run, *map(str, args)]
        return subprocess.run(
            command,
            input=self.closed(stdin.decode()).encode() if script.startswith("fetch") else stdin,
            capture_output=True,
            env=self.environment(),
            start_new_session=True,
            timeout=60,
        )

    def done(self, script: str, *args: str | Path, run: str = RUN, stdin: bytes = b"") -> bytes:
        """The same, and it must end well; what it printed."""
        outcome = self.run(script, *args, run=run, stdin=stdin)
        assert outcome.returncode == 0, outcome.stderr.decode()
        return outcome.stdout

    def look(self, script: str, *args: str | Path, run: str = RUN) -> bytes:
        """What a script prints that only looks at this run."""
        text = self.text(InspectScript(script))
        command = ["/bin/sh", "-c", text, "loomtui", str(self.workdir), run, *map(str, args)]
        return subprocess.run(command, capture_output=True, env=self.environment(), check=True).stdout

    def end_jobs(self) -> None:
        """Ends what a script left running."""
        for pid in self.workdir.glob(".loomtui/runs/*/job/*/pid"):
            with contextlib.suppress(OSError, ValueError):
                number = int(pid.read_text())
                if str(pid.parent).encode() in Path(f"/proc/{number}/cmdline").read_bytes():
                    os.killpg(number, signal.SIGKILL)


@contextlib.contextmanager
def stubborn(node: LocalNode) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has a database open and does not mind SIGTERM. The node's scripts see processes then."""
    node.write_tool("find", f'exec {shutil.which("find")} "$@"')
    (node.workdir / "app.db").mkdir(exist_ok=True)
    (node.workdir / "app.db/LOCK").touch()
    command = "trap '' TERM; exec 3<app.db/LOCK; echo; exec sleep 600"
    process = subprocess.Popen(["/bin/sh", "-c", command], cwd=node.workdir, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()
