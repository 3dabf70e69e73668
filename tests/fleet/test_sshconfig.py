from __future__ import annotations

from pathlib import Path

import pytest

from loomtui.errors import CallError
from loomtui.fleet.ssh.sshconfig import Routes, Target
from loomtui.inventory.model import Node, SshSettings


def resolve(home: Path, config: str, **settings: object) -> Target:
    (home / ".ssh").mkdir(exist_ok=True)
    (home / ".ssh" / "config").write_text(config)
    return Routes(SshSettings.model_validate(settings)).target(Node(name="n1", host="node"))


def test_without_a_configuration_openssh_s_defaults_hold(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "me")
    target = Routes(SshSettings()).target(Node(name="n1", host="node"))
    assert (target.host, target.port, target.user) == ("node", 22, "me")
    assert target.key_files[0] == home / ".ssh/id_ed25519"
    assert target.known_hosts[0] == home / ".ssh/known_hosts"
    assert Path("/etc/ssh/ssh_known_hosts") in target.known_hosts
    assert str(target) == "me@node:22"


def test_the_configuration_counts(home: Path) -> None:
    target = resolve(
        home,
        """
        Host other
            User wrong
        Host node
            HostName 10.2.0.4
            User ubuntu
            Port 2222
            IdentityFile ~/.ssh/one
            IdentityFile ~/.ssh/two
            IdentitiesOnly yes
            IdentityAgent ~/.ssh/agent
            CertificateFile ~/.ssh/one.cert
            HostKeyAlias alias
            UserKnownHostsFile ~/.ssh/loom_hosts ~/.ssh/more_hosts
            GlobalKnownHostsFile none
            StrictHostKeyChecking no
        Host *
            User last
        """,
    )
    assert (target.host, target.port, target.user) == ("10.2.0.4", 2222, "ubuntu")
    assert target.key_files == (home / ".ssh/one", home / ".ssh/two")
    assert target.known_hosts == (home / ".ssh/loom_hosts", home / ".ssh/more_hosts")
    assert target.identities_only
    assert target.identity_agent == str(home / ".ssh/agent")
    assert target.certificate_files == (home / ".ssh/one.cert",)
    assert target.known_as == ("alias", 22)


def test_the_inventory_wins(home: Path) -> None:
    config = "Host node\n User a\n Port 1\n IdentityFile ~/.ssh/a\n UserKnownHostsFile ~/a\n"
    target = resolve(home, config, user="b", port=2, key_file="~/b", known_hosts="~/known")
    assert (target.user, target.port) == ("b", 2)
    assert target.key_files == (home / "b",)
    assert target.known_hosts == (home / "known",)


def test_proxies(home: Path) -> None:
    config = """
    Host node
        ProxyJump first@bastion:2200,[fe80::1]:23,third
    Host bastion
        HostName bastion.example.com
        ProxyJump outer
    Host third
        User three
        Port 33
        ProxyCommand ignored
    """
    jumps = resolve(home, config, user="me").jumps
    assert [(hop.host, hop.port) for hop in jumps] == [
        ("outer", 22),
        ("bastion.example.com", 2200),
        ("fe80::1", 23),
        ("third", 33),
    ]
    assert [hop.user for hop in jumps][1::2] == ["first", "three"]
    assert {hop.node for hop in jumps} == {"n1"}
    assert all(hop.proxy_command is None and not hop.jumps for hop in jumps)


def test_a_proxy_command_sees_what_the_inventory_says(home: Path) -> None:
    target = resolve(home, 'Host *\n User "a b"\n Port 1\n ProxyCommand nc -X %% %h %p %r\n', port=2222)
    assert target.proxy_command == "nc -X % node 2222 'a b'"
    assert resolve(home, "Host *\n ProxyCommand none\n").proxy_command is None
    assert resolve(home, "Host *\n ProxyJump none\n").jumps == ()


def test_include_files_at_top_level(home: Path) -> None:
    folder = home / ".ssh" / "config.d"
    folder.mkdir(parents=True)
    (folder / "a.conf").write_text("Host node\n Port 2201\n")
    (folder / "b.conf").write_text("Host node\n User included\n")
    target = resolve(home, "Include config.d/*.conf\nCompression yes\nHost node\n Port 9\n")
    assert (target.port, target.user) == (2201, "included")
    absolute = resolve(home, f'Include "{folder}/a.conf"\n')
    assert absolute.port == 2201
    inside = resolve(home, "Host other\n Include config.d/a.conf\n")
    assert inside.port == 22


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("Host node\n ProxyJump node\n", "in a circle"),
        ("Host node\n ProxyJump not/a/host\n", "is no host"),
        ("Host\n", "cannot be read"),
        ("Host node\n Port many\n", "Port"),
    ],
)
def test_a_configuration_that_is_wrong(home: Path, config: str, said: str) -> None:
    with pytest.raises(CallError, match=said):
        resolve(home, config)


def test_a_configuration_that_was_named_and_is_not_there(tmp_path: Path) -> None:
    routes = Routes(SshSettings(config_file=tmp_path / "absent"))
    with pytest.raises(CallError, match="does not exist"):
        routes.target(Node(name="n1", host="node"))
