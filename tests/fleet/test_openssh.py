"""The `ssh` program is asked how a host is reached; where there is none, we read its files ourselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from paramiko import HostKeys

from loomtui.errors import CallError, HostKeyRefused, NodeUnreachable
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.ssh.openssh import program as program_module
from loomtui.fleet.ssh.openssh.configuration import Configuration, Which, read_options
from loomtui.fleet.ssh.openssh.options import Asked, SshOptions, as_files, chosen, from_program
from loomtui.fleet.ssh.openssh.reading import Files
from loomtui.fleet.ssh.sshconfig import Routes, Target
from loomtui.inventory.model import Node, SshSettings
from tests.fleet.place import Place, write_key
from tests.fleet.sshd import Sshd
from tests.fleet.test_connection import configure, failure

NO_SSH = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh program here")


@pytest.fixture(params=[pytest.param("program", marks=NO_SSH), "our reading"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The test is done with the program, and without one."""
    if request.param != "program":
        (tmp_path / "empty").mkdir()
        monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    return str(request.param)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `ssh` program."""
    monkeypatch.setenv("PATH", str(tmp_path))


def target(config: Path, host: str = "node", **settings: object) -> Target:
    routes = Routes(SshSettings.model_validate({"config_file": config, **settings}))
    return routes.target(Node(name="n1", host=host))


def written(folder: Path, text: str) -> Path:
    path = folder / "config"
    path.write_text(text)
    return path


def stand_in(folder: Path, body: str, version: str = "OpenSSH_9.2p1 Debian-2") -> str:
    """A folder for PATH with an `ssh` of this version."""
    folder.mkdir(exist_ok=True)
    path = folder / "ssh"
    path.write_text(f'#!/bin/sh\n[ "$1" != -V ] || {{ echo "{version}" >&2; exit; }}\n{body}\n')
    path.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


# ── what is read ────────────────────────────────────────────────────────────────────────────────────────


def test_comments_behind_values(either: str, tmp_path: Path) -> None:
    """As `ssh` takes them since 8.5; they were part of the values here."""
    config = written(
        tmp_path,
        "Host loom-n1\n"
        "  HostName 127.0.0.1   # validator one\n"
        "  Port 22922  # moved off 22\n"
        "  User root # admin\n"
        f"  IdentityFile {tmp_path}/user_ed # ops key\n"
        f"  UserKnownHostsFile {tmp_path}/known_hosts # team file\n"
        '  HostKeyAlias "#1" # not a comment, and one\n',
    )
    found = target(config, "loom-n1")
    assert (found.host, found.port, found.user) == ("127.0.0.1", 22922, "root")
    assert found.key_files == (tmp_path / "user_ed",)
    assert found.known_hosts[0] == tmp_path / "known_hosts"
    assert found.known_as == ("#1", 22)


def test_what_the_inventory_says_is_part_of_the_question(either: str, tmp_path: Path) -> None:
    config = written(
        tmp_path,
        "Match user careful\n Port 2201\nMatch user op\n Port 2202\n"
        "Host *\n User careful\n UserKnownHostsFile /k/%r-%p-%h\n",
    )
    assert target(config).port == 22
    found = target(config, user="op")
    assert (found.user, found.port) == ("op", 2202)
    assert found.known_hosts[0] == Path("/k/op-2202-node")
    assert target(config, user="op", port=9).port == 9


def test_algorithms_and_strictness(either: str, tmp_path: Path) -> None:
    config = written(tmp_path, "Ciphers aes256-ctr\nMACs -hmac-sha1\nStrictHostKeyChecking yes\n")
    found = target(config)
    assert not found.asks
    assert chosen(found.algorithms.ciphers, ("aes128-ctr", "aes256-ctr"), ("aes256-ctr",)) == ("aes256-ctr",)
    assert "hmac-sha1" not in chosen(
        found.algorithms.macs, ("hmac-sha1", "hmac-sha2-256"), ("hmac-sha2-256",)
    )
    assert target(written(tmp_path, "Port 22\n")).asks


def test_names_of_files_with_blanks(either: str, tmp_path: Path) -> None:
    config = written(
        tmp_path,
        'UserKnownHostsFile "/k/my hosts" /k/two "/k/three or /four"\nGlobalKnownHostsFile none\n'
        'IdentityFile "/k/my key"\n',
    )
    found = target(config)
    assert found.known_hosts == (Path("/k/my hosts"), Path("/k/two"), Path("/k/three or /four"))
    assert found.key_files == (Path("/k/my key"),)


@pytest.mark.parametrize(
    "line",
    [
        "UserKnownHostsFile /k/%q",
        "UserKnownHostsFile /k/${LOOMTUI_NOT_SET}",
        "IdentityFile /k/%q",
        "CertificateFile /k/%",
        "ProxyCommand nc %q",
        "HostName %n.example.com",
    ],
)
def test_a_token_that_nobody_can_fill_in_is_refused(either: str, tmp_path: Path, line: str) -> None:
    with pytest.raises(CallError):
        target(written(tmp_path, line + "\n"))


def test_no_identity_file_at_all(either: str, tmp_path: Path) -> None:
    assert target(written(tmp_path, "IdentityFile none\n")).key_files == ()


def test_jump_hosts_have_their_own_settings_and_no_second_way(either: str, tmp_path: Path) -> None:
    config = written(
        tmp_path,
        "Host node inner\n ProxyJump outer,op@inner:24\nHost inner\n HostName 10.0.0.2\n"
        "Host outer\n HostName 10.0.0.1\n User out\n ProxyJump none\n",
    )
    jumps = target(config, user="me").jumps
    assert [(hop.user, hop.host, hop.port) for hop in jumps] == [
        ("out", "10.0.0.1", 22),
        ("op", "10.0.0.2", 24),
    ]


@pytest.mark.parametrize("jump", ["-oProxyCommand=true", "op@-v"])
def test_a_host_that_would_be_an_option_is_refused(either: str, tmp_path: Path, jump: str) -> None:
    with pytest.raises(CallError):
        target(written(tmp_path, f"Host node\n ProxyJump {jump}\n"))
    with pytest.raises(CallError, match="cannot be called"):
        Configuration(Which.NAMED, written(tmp_path, "\n")).answer(Asked("-V"))


def test_a_configuration_that_is_wrong_is_refused_with_file_and_line(either: str, tmp_path: Path) -> None:
    config = written(tmp_path, "Port 22\n\nFrobnicate yes\n")
    with pytest.raises(CallError, match=r"config:? line 3: ") as caught:
        target(config)
    assert "`ssh` refuses" in caught.value.what if either == "program" else True


def test_a_file_that_others_may_write(either: str, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.write_text("Port 23\n")
    inner.chmod(0o666)
    with pytest.raises(CallError, match="inner"):
        target(written(tmp_path, f"Include {inner}\n"))


# ── the program ─────────────────────────────────────────────────────────────────────────────────────────

ANSWER = "user op\nhostname 10.0.0.9\nport 2209\n"


def ask(which: Which, file: Path | None = None, host: str = "loom-n9") -> SshOptions:
    return Configuration(which, file).answer(Asked(host, "op", 2209)).options


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
    state = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    assert not state.exists() or state.read_text().split(") ")[1][0] in "ZX"


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


@NO_SSH
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


# ── our reading ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_machine_s_configuration_comes_after_the_user_s(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    system = tmp_path / "ssh_config"
    system.write_text(f"Include {tmp_path}/d/*.conf\nHost *\n User everybody\n")
    (tmp_path / "d/99-loom.conf").write_text("Host loom-n9\n HostName 10.0.0.9\n Port 2209\n User loom\n")
    (tmp_path / "user").write_text("Host loom-*\n Port 1\n")
    options = read_options(Files(tmp_path, tmp_path / "user", system), Asked("loom-n9"))
    assert (options.host_name, options.port, options.user) == ("10.0.0.9", 1, "loom")
    options = read_options(Files(tmp_path, tmp_path / "absent", system), Asked("loom-n9"))
    assert (options.host_name, options.port, options.user) == ("10.0.0.9", 2209, "loom")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("IdentityAgent $NAME#glued\n", "line 1: '$NAME#glued' names no environment variable"),
        ("Match exec true\n", "line 1: loomtui cannot judge the criterion 'exec'"),
        ("\nMatch localnetwork 10.0.0.0/8\n", "line 2: loomtui cannot judge the criterion 'localnetwork'"),
        ("Match !final\n", "line 1: versions of OpenSSH"),
        ("Match host 'a'\n", "line 1: versions of OpenSSH"),
        ("Match # nothing\n", "line 1: Match has no criterion"),
        ("Match all user op\n", "line 1: `all` stands alone"),
        ("CanonicalizeHostname yes\n", "line 1: loomtui cannot do canonicalizehostname"),
        ("CanonicalizePermittedCNAMEs *.a:*.b\n", "line 1: loomtui cannot do canonicalizepermittedcnames"),
        ("User u%h\n", "line 1: versions of OpenSSH"),
        ("Include /k/%h\n", "line 1: versions of OpenSSH"),
        ("ProxyJump none # none\n", "line 1: versions of OpenSSH"),
        ("Ciphers rot13\n", "line 1: loomtui does not know the algorithm 'rot13'"),
        ('Port"22"\n', "line 1: this is no keyword"),
        ("RefuseConnection ask the team first\n", "line 1: refuseconnection takes one argument"),
        ('RefuseConnection "ask the team first"\n', "line 1: ask the team first"),
        ("Port 22\nUser 'op\n", "line 2: a quote is not closed"),
        ("IdentitiesOnly perhaps\n", "line 1: identitiesonly cannot be 'perhaps'"),
        ("UserKnownHostsFile none /k\n", "line 1: `none` stands alone"),
    ],
)
def test_what_is_not_understood_is_refused_with_file_and_line(
    without: None, tmp_path: Path, text: str, said: str
) -> None:
    config = written(tmp_path, text)
    with pytest.raises(CallError) as caught:
        target(config)
    assert f"the SSH configuration cannot be read: {config} {said}" in caught.value.what
    assert caught.value.advice


def test_files_that_include_each_other(without: None, tmp_path: Path) -> None:
    with pytest.raises(CallError, match="include each other"):
        target(written(tmp_path, f"Include {tmp_path}/config\n"))


@pytest.mark.parametrize("content", [b"\0", b"x" * 1_000_001], ids=["null", "large"])
def test_what_is_no_configuration(without: None, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config").write_bytes(content)
    with pytest.raises(CallError, match="cannot be read"):
        target(tmp_path / "config")


# ── host keys under such a configuration ────────────────────────────────────────────────────────────────

Line = Callable[[Place, int], tuple[str, str]]


def plain(place: Place, port: int) -> tuple[str, str]:
    return "", f"[127.0.0.1]:{port}"


def hashed(place: Place, port: int) -> tuple[str, str]:
    return "HashKnownHosts yes\n", HostKeys.hash_host(f"[127.0.0.1]:{port}")


def alias(place: Place, port: int) -> tuple[str, str]:
    return "HostKeyAlias Loom-One\n", "loom-one"


def without_port(place: Place, port: int) -> tuple[str, str]:
    return "StrictHostKeyChecking no\n", f"other,[127.0.0.*]:{port}"


@pytest.mark.parametrize("name", [plain, hashed, alias, without_port])
async def test_a_changed_host_key_is_refused(either: str, place: Place, sshd: Sshd, name: Line) -> None:
    """The file is one that the configuration names, with tokens; nobody is asked, whatever it says."""
    option, called = name(place, sshd.port)
    known = place.root / "known_of_operator.127.0.0.1"
    other = write_key(place.root / "other")
    right = f"{called} {place.host_key.get_name()} {place.host_key.get_base64()}\n"
    wrong = f"{called} {other.get_name()} {other.get_base64()}\n"
    config = configure(
        place,
        f"Host loom\n HostName 127.0.0.1\n Port {sshd.port}\n User operator\n {option}"
        f" UserKnownHostsFile {place.root}/known_of_%r.%h {place.root}/none\n GlobalKnownHostsFile none\n",
    )
    inventory = place.inventory(sshd.port, known_hosts=None, user=None, **config)
    inventory = inventory.model_copy(update={"nodes": (Node(name="n1", host="loom"),)})
    known.write_text(f"# ours\n{right}")
    async with Fleet(inventory, place.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    known.write_text(f"# ours\n\n{wrong}")
    async with Fleet(inventory, place.person) as fleet:
        error = (await fleet.connect())["n1"]
    assert isinstance(error, HostKeyRefused)
    assert error.exit_status == 3
    assert f"({known}:3)" in error.what
    assert place.person.asked == []
    assert not (place.root / "none").exists()


async def test_an_unknown_key_is_not_asked_about_where_the_configuration_is_strict(
    place: Place, sshd: Sshd
) -> None:
    place.known_hosts.write_text("")
    error = await failure(place, sshd.port, **configure(place, "StrictHostKeyChecking yes\n"))
    assert isinstance(error, HostKeyRefused)
    assert place.person.asked == []
    assert place.known_hosts.read_text() == ""


async def test_a_new_key_goes_to_the_file_of_the_configuration(place: Place, sshd: Sshd) -> None:
    config = configure(place, f"UserKnownHostsFile {place.root}/known.%h.%p\n")
    async with Fleet(place.inventory(sshd.port, known_hosts=None, **config), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    assert len(place.person.asked) == 1
    assert (place.root / f"known.127.0.0.1.{sshd.port}").read_text().startswith(f"[127.0.0.1]:{sshd.port} ")
    assert not [path for path in place.root.iterdir() if "%" in path.name]


async def test_a_revoked_host_key(place: Place, sshd: Sshd) -> None:
    revoked = place.root / "revoked"
    config = configure(place, f"RevokedHostKeys {revoked}\n")
    for content, said in (
        (f"# gone\nssh-ed25519 {place.host_key.get_base64()} host\n", f"is marked as revoked ({revoked}:2)"),
        ("SSHKRL\n\0", "cannot be looked up"),
        (None, "No such file"),
    ):
        revoked.unlink(missing_ok=True)
        if content:
            revoked.write_text(content)
        error = await failure(place, sshd.port, **config)
        assert isinstance(error, HostKeyRefused)
        assert said in error.what
    revoked.write_text("# nobody\n")
    async with Fleet(place.inventory(sshd.port, **config), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen here")
async def test_a_host_key_that_a_krl_has(place: Place, sshd: Sshd) -> None:
    other = write_key(place.root / "other")
    for name, key, is_revoked in (("mine", place.host_key, True), ("others", other, False)):
        public = place.root / f"{name}.pub"
        public.write_text(f"{key.get_name()} {key.get_base64()}\n")
        krl = make_krl(place.root / f"{name}.krl", public)
        async with Fleet(
            place.inventory(sshd.port, **configure(place, f"RevokedHostKeys {krl}\n")), place.person
        ) as fleet:
            error = (await fleet.connect())["n1"]
        assert isinstance(error, HostKeyRefused) is is_revoked
        assert error is None or f"is marked as revoked ({krl})" in error.what


def make_krl(krl: Path, public: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", krl, public], check=True, timeout=60, capture_output=True)
    return krl


# ── algorithms ──────────────────────────────────────────────────────────────────────────────────────────


async def test_algorithms_of_the_configuration(place: Place, sshd: Sshd) -> None:
    text = "Ciphers aes256-ctr\nMACs hmac-sha2-512\nKexAlgorithms curve25519-sha256\n"
    config = configure(place, text + "HostKeyAlgorithms ssh-ed25519\n")
    async with Fleet(place.inventory(sshd.port, **config), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}
        server = vars(sshd.transports[-1])
        assert (server["remote_cipher"], server["remote_mac"]) == ("aes256-ctr", "hmac-sha2-512")


@pytest.mark.parametrize(
    ("text", "reached"),
    [("BindAddress 127.0.0.9\nAddressFamily inet\n", True), ("AddressFamily inet6\n", False)],
)
async def test_which_address_is_dialled_from_where(
    place: Place, sshd: Sshd, text: str, reached: bool
) -> None:
    config = configure(place, text)
    async with Fleet(place.inventory(sshd.port, **config), place.person) as fleet:
        assert ((await fleet.connect())["n1"] is None) is reached
        if reached:
            assert sshd.transports[-1].getpeername()[0] == "127.0.0.9"


HANDING = """
import socket, sys
connected = socket.create_connection((sys.argv[1], int(sys.argv[2])))
socket.send_fds(socket.socket(fileno=1), [b"\\0"], [connected.fileno()])
"""


@pytest.mark.parametrize("program", [HANDING, ""], ids=["hands over", "hands nothing over"])
async def test_a_proxy_command_that_hands_its_socket_over(place: Place, sshd: Sshd, program: str) -> None:
    (place.root / "handing.py").write_text(program)
    text = f"ProxyUseFdpass yes\nProxyCommand python3 {place.root}/handing.py %h %p\n"
    async with Fleet(place.inventory(sshd.port, **configure(place, text)), place.person) as fleet:
        error = (await fleet.connect())["n1"]
    if program:
        assert error is None
    else:
        assert isinstance(error, NodeUnreachable)
        assert "handed no connection over" in error.what


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ciphers chacha20-poly1305@openssh.com\n", "allows no cipher that loomtui has"),
        ("HostKeyAlgorithms ssh-dss\n", "allows no kind of host key that loomtui has"),
        ("PubkeyAcceptedAlgorithms rsa-sha2-512\n", "id (which PubkeyAcceptedAlgorithms leaves out)"),
    ],
)
async def test_algorithms_that_are_not_there(place: Place, sshd: Sshd, text: str, said: str) -> None:
    error = await failure(place, sshd.port, **configure(place, text))
    assert said in error.what
