"""The `ssh` program is asked: without waiting for ever, once for a host, and in its own words."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from pathlib import Path

import pytest

from loomtui.errors import CallError
from loomtui.fleet.ssh.openssh import program as program_module
from loomtui.fleet.ssh.openssh.configuration import Configuration, Which
from loomtui.fleet.ssh.openssh.options import Asked, SshOptions, as_files, from_program
from loomtui.fleet.ssh.sshconfig import Routes
from loomtui.inventory.model import Node, SshSettings
from tests.fleet.openssh import stand_in, target, written

ANSWER = "user op\nhostname 10.0.0.9\nport 2209\n"


def ask(which: Which, file: Path | None = None, host: str = "loom-n9") -> SshOptions:
    return Configuration(which, file).answer(Asked(host, "op", 2209)).options


def is_over(process: int, within: float) -> bool:
    """Waits for the end of a process that is not a child of ours. `within`: seconds."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], within)[0])
    finally:
        os.close(descriptor)


def test_the_usual_files_are_left_to_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the machine's own configuration counts as it does for `ssh HOST`."""
    body = f'echo "$@" > {tmp_path}/words\nprintf "{ANSWER}"'
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", body))
    monkeypatch.setattr("loomtui.fleet.ssh.openssh.configuration._home_of_user", Path.home)
    assert ask(Which.USUAL).host_name == "10.0.0.9"
    assert (tmp_path / "words").read_text() == "-G -lop -p2209 -- loom-n9\n"
    config = written(tmp_path, "")
    ask(Which.NAMED, config)
    assert (tmp_path / "words").read_text() == f"-G -F{config} -lop -p2209 -- loom-n9\n"


def test_a_home_folder_that_the_program_does_not_know_is_read_by_us(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", f"touch {tmp_path}/asked"))
    (home / ".ssh").mkdir()
    (home / ".ssh/config").write_text("Host loom-n9\n HostName 10.0.0.10\n")
    assert ask(Which.USUAL).host_name == "10.0.0.10"
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("version", ["OpenSSH_6.6.1p1 Ubuntu", "Dropbear v2022.83", ""])
def test_a_program_that_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", f"touch {tmp_path}/asked", version))
    assert ask(Which.NAMED, written(tmp_path, "HostName 10.0.0.11\n")).host_name == "10.0.0.11"
    assert not (tmp_path / "asked").exists()


def test_older_programs_leave_names_as_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f'printf "{ANSWER}userknownhostsfile ~/k %s\\nidentityagent ~/%%h\\n" "$(cat {tmp_path}/more)"'
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", body, "OpenSSH_7.4p1"))
    (tmp_path / "more").write_text("/two")
    config = written(tmp_path, "\n")
    options = ask(Which.NAMED, config)
    assert options.user_known_hosts[1] == "/two"
    assert options.identity_agent.endswith("/10.0.0.9")
    assert not options.user_known_hosts[0].startswith("~")
    (tmp_path / "more").write_text("/k/%h")
    with pytest.raises(CallError, match="does not fill in"):
        ask(Which.NAMED, config, "another")


def test_what_the_program_refuses_is_refused_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = 'printf "Bad owner or permissions on /root/.ssh/config\\033[2J\\r\\n" >&2; exit 255'
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", body))
    with pytest.raises(CallError) as caught:
        ask(Which.NAMED, written(tmp_path, "\n"))
    assert "`ssh` refuses its configuration for loom-n9: Bad owner or permissions" in caught.value.what
    assert "\x1b" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_a_program_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program_module, "_SECONDS", 0.5)
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", f"sleep 300 & echo $! > {tmp_path}/pid; wait"))
    program_module.ssh_program.cache_clear()
    with pytest.raises(CallError, match=r"was ended: it took 0.5 s"):
        ask(Which.NAMED, written(tmp_path, "\n"))
    assert is_over(int((tmp_path / "pid").read_text()), within=10)


@pytest.mark.parametrize("body", ["yes", "yes >&2", 'printf "user op\\n"', 'printf "\\377\\376"'])
def test_an_answer_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setattr(program_module, "_SECONDS", 0.5)
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", body))
    with pytest.raises(CallError):
        ask(Which.NAMED, written(tmp_path, "\n"))


def test_it_is_asked_once_for_a_host_until_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", f'echo >> {tmp_path}/asked; printf "{ANSWER}"'))
    config = written(tmp_path, "\n")
    threads = [threading.Thread(target=ask, args=(Which.NAMED, config)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ask(Which.NAMED, config)
    assert (tmp_path / "asked").read_text() == "\n"
    written(tmp_path, "Port 22\n")
    ask(Which.NAMED, config)
    assert (tmp_path / "asked").read_text() == "\n\n"


def test_no_configuration_needs_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", f"touch {tmp_path}/asked"))
    assert ask(Which.NONE).host_name == "loom-n9"
    assert not (tmp_path / "asked").exists()


@pytest.mark.usefixtures("ssh_client")
def test_names_that_nobody_can_tell_apart_do_not_matter_where_the_inventory_has_one(tmp_path: Path) -> None:
    """Our reading would have to say where they end, and cannot for what stands in front."""
    config = written(tmp_path, 'Match exec true\nUserKnownHostsFile "/k/my hosts" /k/two\n')
    with pytest.raises(CallError, match="nobody can tell where the names of known_hosts files"):
        target(config)
    assert target(config, known_hosts="/k/own").known_hosts == (Path("/k/own"),)


def test_a_user_whom_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number alone."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert ask(Which.NONE).user == "op"
    with pytest.raises(CallError, match="nobody knows what you are called"):
        Configuration(Which.NONE).answer(Asked("node"))


def test_names_of_files_on_one_line() -> None:
    assert as_files("none") == ()
    assert as_files("/a ~/b") == ("/a", "~/b")
    assert as_files("/a b /c") == ("/a b /c",)
    with pytest.raises(CallError, match="gives no host"):
        from_program("hostname x\nport 0\nuser y\n")


@pytest.mark.usefixtures("ssh_client")
def test_what_a_command_of_match_exec_leaves_running_is_neither_waited_for_nor_ended(tmp_path: Path) -> None:
    """What runs on has a session of its own, and holds standard error."""
    config, pid = tmp_path / "config", tmp_path / "pid"
    config.write_text(f'Match exec "setsid sleep 12 & echo $! > {pid}"\n User found\n')
    program = program_module.ssh_program(os.environ["PATH"])
    assert program is not None
    begun = time.monotonic()
    try:
        assert "user found" in program.ask(Asked("loom-n1"), config).splitlines()
        assert time.monotonic() - begun < 10
        os.kill(int(pid.read_text()), 0)
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)


@pytest.mark.usefixtures("ssh_client")
def test_tokens_of_proxy_jump_stand_for_the_node(tmp_path: Path) -> None:
    """`ssh` fills them in when it makes a command of it, which `ssh -G` does not show yet."""
    config = tmp_path / "config"
    config.write_text(
        "Host n1\n HostName inner.example\n User op\n ProxyJump first,jump-%h:2022\n"
        "Host n2\n ProxyJump jump-%z\nHost *\n User someone\n"
    )
    routes = Routes(SshSettings(config_file=config))
    hops = routes.target(Node(name="n1", host="n1")).jumps
    assert [(hop.host, hop.user, hop.port) for hop in hops] == [
        ("first", "someone", 22),
        ("jump-inner.example", "someone", 2022),
    ]
    with pytest.raises(CallError, match="'%z' in 'jump-%z' stands for nothing"):
        routes.target(Node(name="n2", host="n2"))


ECHO = (
    'for host; do :; done; echo >> {0}/asked; printf "user op\\nhost $host\\nhostname $host\\nport 2209\\n"'
)


def test_it_is_asked_once_for_all_hosts_that_are_not_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", ECHO.format(tmp_path)))
    (tmp_path / "more.conf").write_text("Host *\n IdentitiesOnly yes\n")
    config = written(tmp_path, f"Include {tmp_path}/more.conf\n")
    hosts = ("n1", "n2.example.com", "10.0.0.7")
    assert tuple(ask(Which.NAMED, config, host).host_name for host in hosts) == hosts
    assert (tmp_path / "asked").read_text() == "\n"
    ask(Which.NAMED, config, "N1")  # of which the program makes another name
    ask(Which.NAMED, config, "127.1")
    assert (tmp_path / "asked").read_text() == "\n\n\n"


@pytest.mark.parametrize(
    "line",
    [
        "Host n1",
        "host * !n2",
        "Match host n1",
        "HostName 10.0.0.1",
        "UserKnownHostsFile /k/%h",
        "ProxyJump n1",
        "CanonicalizeHostname yes",
        'Include "{0}/inner.conf"',
        "Include ${{HOME}}/x",
    ],
)
def test_hosts_that_are_told_apart_are_each_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", ECHO.format(tmp_path)))
    (tmp_path / "inner.conf").write_text("Compression no\nHost n2\n")
    config = written(tmp_path, line.format(tmp_path) + "\n")
    for host in ("n1", "n2", "n2"):
        ask(Which.NAMED, config, host)
    assert (tmp_path / "asked").read_text() == "\n\n"
