"""The stand-in for systemd: what the engine relies on when it stops, holds and starts services."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loomtui.drill.systemd.commands import answer
from loomtui.drill.systemd.manager import Manager, Reply
from tests.drill.looking import until

_ASLEEP = "exec sleep 60"
Call = Callable[..., Reply]


class Node:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.manager = Manager(root, "host", {"PATH": os.environ["PATH"]})
        self.folder = root / "etc/systemd/system"
        self.folder.mkdir(parents=True)

    def call(self, tool: str, *arguments: str) -> Reply:
        return answer(self.manager, tool, list(arguments), self.root)

    def ctl(self, *arguments: str) -> Reply:
        return self.call("systemctl", *arguments)

    def show(self, name: str = "loom") -> dict[str, str]:
        out = self.ctl("show", name).out
        return dict(line.split("=", 1) for line in out.splitlines())

    def install(self, script: str, more: str = "", name: str = "loom.service") -> Path:
        program = self.root / "program"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        unit = self.folder / name
        unit.write_text(f"[Service]\nExecStart={program}\nWorkingDirectory={self.root}\n{more}\n")
        return unit

    def drop_in(self, name: str, text: str) -> Path:
        path = self.folder / "loom.service.d" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def journal(self) -> str:
        return (self.root / "var/log/journal.jsonl").read_text()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    made.manager.power_off()


def test_a_service_runs_and_stops(node: Node) -> None:
    node.install(f"echo hello; echo bad >&2; {_ASLEEP}")
    assert node.ctl("start", "loom") == Reply()
    shown = node.show()
    assert (shown["ActiveState"], shown["SubState"], shown["LoadState"]) == ("active", "running", "loaded")
    assert int(shown["MainPID"]) > 0
    assert int(shown["ExecMainStartTimestampMonotonic"]) > 0
    assert node.ctl("is-active", "loom").status == 0
    until(lambda: '"MESSAGE": "hello"' in node.journal() and '"MESSAGE": "bad"' in node.journal())
    assert node.ctl("stop", "loom").status == 0
    assert node.show()["MainPID"] == "0"
    assert node.ctl("is-active", "loom.service") == Reply("inactive\n", "", 3)


def test_a_service_that_cannot_start_flaps(node: Node) -> None:
    node.install("exit 1", "Restart=always\nRestartSec=50ms\nStartLimitInterval=0")
    node.ctl("start", "loom")
    until(lambda: int(node.show()["NRestarts"]) >= 7)
    until(lambda: node.show()["SubState"] == "auto-restart")
    assert node.show()["ActiveState"] == "activating"
    node.ctl("stop", "loom")
    count = node.journal().count("Scheduled restart job")
    assert node.show()["ActiveState"] == "inactive"
    assert count >= 7


def test_the_start_limit_ends_it_by_default(node: Node) -> None:
    node.install("exit 1", "Restart=always\nRestartSec=1ms")
    node.ctl("start", "loom")
    until(lambda: node.show()["Result"] == "start-limit-hit")
    assert node.ctl("is-failed", "loom").out == "failed\n"
    node.ctl("reset-failed", "loom")
    assert node.show()["ActiveState"] == "inactive"


def test_restart_on_failure_leaves_a_good_end_alone(node: Node) -> None:
    node.install("exit 0", "Restart=on-failure\nRestartSec=1ms")
    node.ctl("start", "loom")
    until(lambda: node.show()["ActiveState"] == "inactive")
    assert node.show()["NRestarts"] == "0"


def test_an_assertion_refuses_every_start(node: Node) -> None:
    node.install(_ASLEEP)
    node.drop_in("99-loomtui-hold.conf", "# held by loomtui run x\n[Unit]\nAssertPathExists=!/\n")
    node.ctl("daemon-reload")
    assert node.ctl("start", "loom") == Reply("", "Assertion failed on job for loom.service.\n", 1)
    assert node.show()["ActiveState"] == "inactive"


def test_an_assertion_ends_a_flapping_service(node: Node) -> None:
    node.install("exit 1", "Restart=always\nRestartSec=300ms\nStartLimitInterval=0")
    node.ctl("start", "loom")
    until(lambda: node.show()["SubState"] == "auto-restart")
    node.drop_in("99-hold.conf", "[Unit]\nAssertPathExists=!/\n")
    node.ctl("daemon-reload")
    until(lambda: node.show()["ActiveState"] == "inactive")


def test_a_condition_skips_the_start_without_an_error(node: Node) -> None:
    node.install(_ASLEEP)
    node.drop_in("a.conf", "[Unit]\nConditionPathExists=!/\n")
    node.ctl("daemon-reload")
    assert node.ctl("start", "loom").status == 0
    assert node.show()["ActiveState"] == "inactive"


def test_a_refused_manual_start(node: Node) -> None:
    node.install(_ASLEEP, "[Unit]\nRefuseManualStart=yes")
    assert "Operation refused" in node.ctl("start", "loom").err


def test_the_loaded_definition_stays_until_daemon_reload(node: Node) -> None:
    unit = node.install(_ASLEEP, "Environment=A=1")
    assert node.show()["Environment"] == "A=1"
    unit.write_text(unit.read_text().replace("A=1", "A=2 B=3"))
    shown = node.show()
    assert (shown["NeedDaemonReload"], shown["Environment"]) == ("yes", "A=1")
    assert "changed on disk" in node.ctl("start", "loom").err
    node.ctl("daemon-reload")
    shown = node.show()
    assert (shown["NeedDaemonReload"], shown["Environment"]) == ("no", "A=2 B=3")


def test_a_new_drop_in_needs_a_reload_too(node: Node) -> None:
    node.install(_ASLEEP)
    node.show()
    path = node.drop_in("b.conf", "[Service]\nUser=nobody\n")
    assert node.show()["NeedDaemonReload"] == "yes"
    node.ctl("daemon-reload")
    assert (node.show()["DropInPaths"], node.show()["User"]) == (str(path), "nobody")


def test_drop_ins_apply_in_the_order_of_their_names_and_reset_the_command(node: Node) -> None:
    node.install("exit 3")
    node.drop_in("20-b.conf", "[Service]\nExecStart=\nExecStart=/bin/sleep 60\n")
    node.drop_in("10-a.conf", "[Service]\nExecStart=\nExecStart=/bin/false\n")
    assert "path=/bin/sleep ; argv[]=/bin/sleep 60 ;" in node.show()["ExecStart"]
    listed = re.findall("^# (.*)$", node.ctl("cat", "loom").out, re.MULTILINE)
    assert [Path(path).name for path in listed] == ["loom.service", "10-a.conf", "20-b.conf"]


def test_environment_files_and_variables(node: Node) -> None:
    (node.root / "env").write_text("# comment\nPEERS='a b'\n")
    unit = node.install('echo "[$1][$2][$3]"')
    unit.write_text(
        unit.read_text().replace("/program", "/program ${PEERS} $PEERS")
        + f"EnvironmentFile={node.root}/env\n"
    )
    node.ctl("start", "loom")
    until(lambda: "[a b][a][b]" in node.journal())


def test_an_environment_file_that_is_missing(node: Node) -> None:
    node.install(_ASLEEP, "EnvironmentFile=/no/such/file")
    node.ctl("start", "loom")
    assert "Failed to load environment files" in node.journal()
    assert node.show()["ActiveState"] == "failed"


def test_output_that_goes_to_a_file(node: Node) -> None:
    log = node.root / "out.log"
    log.write_text("before\n")
    node.install("echo in the file; exec sleep 60", f"StandardOutput=append:{log}")
    node.ctl("start", "loom")
    until(lambda: log.read_text() == "before\nin the file\n")
    assert "in the file" not in node.journal()


def test_an_unknown_user_cannot_run(node: Node) -> None:
    node.install(_ASLEEP, "User=no-such-user")
    node.ctl("start", "loom")
    assert (node.show()["ActiveState"], node.show()["ExecMainStatus"]) == ("failed", "217")


def test_a_missing_working_directory(node: Node) -> None:
    node.install(_ASLEEP, "WorkingDirectory=/no/such/folder")
    node.ctl("start", "loom")
    assert node.show()["ExecMainStatus"] == "200"


def test_stop_kills_what_does_not_listen(node: Node) -> None:
    node.install("trap '' TERM; echo deaf; while :; do sleep 0.1; done", "TimeoutStopSec=300ms")
    node.ctl("start", "loom")
    until(lambda: '"MESSAGE": "deaf"' in node.journal())
    node.ctl("stop", "loom")
    assert (node.show()["ActiveState"], node.show()["ExecMainStatus"]) == ("inactive", "9")


def test_children_end_with_the_service(node: Node) -> None:
    node.install("sleep 61 & echo $! >child; wait")
    node.ctl("start", "loom")
    child = until(lambda: (node.root / "child").read_text().strip() if (node.root / "child").exists() else "")
    node.ctl("stop", "loom")
    until(lambda: not _alive(int(child)))


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] not in "ZX"
    except OSError:
        return False


def test_unknown_units_and_properties(node: Node) -> None:
    assert node.show("no-such")["LoadState"] == "not-found"
    assert node.ctl("start", "no-such").status == 5
    assert node.ctl("cat", "no-such").status == 1
    node.install(_ASLEEP)
    assert node.ctl("show", "loom", "-p", "Id,NoSuchProperty", "--property=LoadState").out == (
        "Id=loom.service\nLoadState=loaded\n"
    )
    assert node.ctl("show", "--value", "-p", "Id", "loom").out == "loom.service\n"


def test_enabled_services_start_at_boot(node: Node) -> None:
    node.install(_ASLEEP)
    assert node.ctl("is-enabled", "loom").out == "disabled\n"
    node.ctl("enable", "loom")
    assert node.ctl("is-enabled", "loom") == Reply("enabled\n")
    node.ctl("start", "loom")
    (node.root / "run/left").mkdir(parents=True)
    node.manager.power_off()
    assert not (node.root / "run/left").exists()
    node.manager.boot()
    assert node.show()["ActiveState"] == "active"


def test_a_transient_unit_is_seen_until_it_ends(node: Node) -> None:
    command = ("sh", "-c", 'sleep 0.2; echo "done $1"', "x", "$HOME is\nkept")
    reply = node.call("systemd-run", "--unit=job", "--collect", "--no-block", *command)
    assert reply.status == 0
    assert "Running as unit: job.service" in reply.err
    assert node.show("job")["ActiveState"] == "active"
    assert "already loaded" in node.call("systemd-run", "--unit", "job", "true").err
    until(lambda: node.show("job")["LoadState"] == "not-found")
    until(lambda: "done $HOME is" in node.journal())


def test_a_failed_transient_unit_stays_without_collect(node: Node) -> None:
    node.call("systemd-run", "--unit=job", "-p", "WorkingDirectory=/", "sh", "-c", "exit 5")
    until(lambda: node.show("job")["ActiveState"] == "failed")
    assert node.show("job")["ExecMainStatus"] == "5"
    node.ctl("reset-failed", "job")
    assert node.show("job")["LoadState"] == "not-found"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("[Service]\nExecStart=/bin/true\n", 0, ""),
        ("[Service]\nExecStart=/bin/true\n\nNone\n", 0, "loom.service:4: Missing '=', ignoring line."),
        ("[Service]\nExecStart=/no/such/program\n", 1, "Command /no/such/program is not executable"),
        ("[Service]\nExecStart=true\n", 1, "Neither a valid executable name nor an absolute path: true"),
        ("[Service]\nUser=x\n", 1, "Service has no ExecStart="),
        ("[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n", 1, "more than one ExecStart="),
        ('[Service]\nExecStart=/bin/true "a\n', 1, "Unbalanced quoting"),
    ],
)
def test_verify(node: Node, text: str, status: int, said: str) -> None:
    (node.root / "loom.service").write_text(text)
    reply = node.call("systemd-analyze", "verify", "loom.service")
    assert reply.status == status
    assert said in reply.err


def test_verify_wants_the_name_of_a_unit(node: Node) -> None:
    (node.root / "new").write_text("")
    assert "Failed to prepare filename" in node.call("systemd-analyze", "verify", "new").err


def test_the_version(node: Node) -> None:
    assert node.ctl("--version").out.startswith("systemd 252 ")
