"""What an SSH configuration says of a host, asked of the `ssh` program and read by us."""

from __future__ import annotations

from pathlib import Path

import pytest

from loomtui.errors import CallError
from loomtui.fleet.ssh.openssh.configuration import Configuration, Which, read_options
from loomtui.fleet.ssh.openssh.options import Asked, chosen
from loomtui.fleet.ssh.openssh.reading import Files
from tests.fleet.openssh import target, written


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


@pytest.mark.parametrize(
    ("family", "host", "dialled"),
    [
        ("any", "127.1", "127.0.0.1"),
        ("inet", "127.1", "127.0.0.1"),
        ("INET6", "127.1", "127.1"),
        ("inet6", "0::1", "::1"),
        ("inet", "0::1", "0::1"),
    ],
)
def test_an_address_is_one_only_in_the_family_that_is_wanted(
    either: str, tmp_path: Path, family: str, host: str, dialled: str
) -> None:
    assert target(written(tmp_path, f"AddressFamily {family}\n"), host).host == dialled


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
