"""One-time codes of a real PAM (pam_oath, RFC 4226), asked for by a real sshd: each works once."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import os
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from loomtui.fleet.fleet import Fleet, Refuse
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.ssh.keyboard_interactive import CodeNeeded
from loomtui.inventory.model import Inventory, SudoMode
from tests.lab.client import Lab
from tests.lab.tree import PASSWORD, PASSWORD_USER, PLAIN_USER
from tests.lab.wild import Person, file, journal, moment, of, sshd

RIGHTS = InspectScript("rights")
BASTION = "val-1"
_SECRET = bytes.fromhex("00112233445566778899aabbccddeeff00112233")
_USERS = "/etc/users.oath"
_PAM = (
    "{password}auth requisite pam_oath.so usersfile={users} window=20 digits=6\n"
    "account required pam_permit.so\nsession required pam_permit.so\n"
)
_SSHD = (
    "KbdInteractiveAuthentication yes\n{more}"
    "Match User {user}\n  AuthenticationMethods publickey,keyboard-interactive\n"
)


def code(counter: int) -> str:
    """HOTP of six digits (RFC 4226, section 5.3)."""
    digest = hmac.digest(_SECRET, struct.pack(">Q", counter), "sha1")
    at = digest[-1] & 15
    number: int = struct.unpack(">I", digest[at : at + 4])[0]
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"


def token() -> Iterator[str]:
    """What the device shows, one code after the other."""
    return (code(counter) for counter in itertools.count())


class Wanted:
    """Codes are wanted from a user of a node while the block lasts."""

    def __init__(self, lab: Lab, node: str, user: str, *, password: bool = False, more: str = "") -> None:
        self._stack = ExitStack()
        pam = _PAM.format(users=_USERS, password="auth required pam_unix.so\n" if password else "")
        self._files = (
            file(lab, node, _USERS, f"HOTP {user} - {_SECRET.hex()}\n", "600"),
            file(lab, node, "/etc/pam.d/sshd", pam),
            sshd(lab, node, _SSHD.format(user=user, more=more)),
        )

    def __enter__(self) -> None:
        for each in self._files:
            self._stack.enter_context(each)

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def behind(lab: Lab, folder: Path) -> Inventory:
    """All five nodes, the bastion's own machine too, are reached over the bastion."""
    config = folder / "config"
    config.write_text(
        f"Host bastion\n HostName {lab.addresses[BASTION]}\n User {PLAIN_USER}\n"
        f" IdentityFile {lab.folder}/id_ed25519\nHost 10.213.*\n ProxyJump bastion\n"
    )
    return of(lab, *lab.names, config_file=config)


def logins(lab: Lab, since: str) -> int:
    return journal(lab, BASTION, since).count(f"Accepted keyboard-interactive/pam for {PLAIN_USER}")


async def look_at_all(fleet: Fleet) -> None:
    await asyncio.gather(*(fleet.session(name).inspect(RIGHTS) for name in fleet.names))


async def test_bastion_asks_once_for_five_nodes_and_once_more_when_it_is_lost(
    shared: Lab, tmp_path: Path
) -> None:
    shows = token()
    person = Person(code=lambda: next(shows))
    with Wanted(shared, BASTION, PLAIN_USER, more="MaxSessions 1\n"):
        since = moment(shared, BASTION)
        async with Fleet(behind(shared, tmp_path), person) as fleet:
            assert await fleet.connect() == dict.fromkeys(shared.names)
            await look_at_all(fleet)
            assert len(person.questions) == logins(shared, since) == 1
            shared.run(BASTION, f"pkill -KILL -f '^sshd: {PLAIN_USER}'")
            await look_at_all(fleet)
        assert len(person.questions) == logins(shared, since) == 2
    [question] = {question.prompt for question in person.questions}
    assert question == f"One-time password (OATH) for `{PLAIN_USER}':"


async def test_code_that_was_used_is_refused_and_asked_for_again(shared: Lab, tmp_path: Path) -> None:
    typed = [code(0), code(0), code(1)]
    person = Person(code=lambda: typed.pop(0))
    with Wanted(shared, BASTION, PLAIN_USER):
        for _ in range(2):
            async with Fleet(behind(shared, tmp_path), person) as fleet:
                assert await fleet.connect() == dict.fromkeys(shared.names)
    assert [question.note for question in person.questions] == [
        "",
        "",
        "The server refused the answer (try 2 of 3).",
    ]


async def test_batch_run_is_refused_at_once(shared: Lab, tmp_path: Path) -> None:
    with Wanted(shared, BASTION, PLAIN_USER):
        async with Fleet(behind(shared, tmp_path), Refuse()) as fleet:
            outcomes = await fleet.connect()
    for name, error in outcomes.items():
        assert isinstance(error, CodeNeeded)
        assert error.node == name
        assert "a batch run cannot give one" in error.what


async def test_batch_run_over_a_connection_that_a_person_has_opened(shared: Lab, tmp_path: Path) -> None:
    """What operator.md tells: the ProxyCommand uses the ControlMaster, where the code has been given."""
    device = tmp_path / "device"
    device.write_text(f"#!/bin/sh\necho {code(0)}\n")
    device.chmod(0o700)
    own, nodes = tmp_path / "own", tmp_path / "nodes"
    own.write_text(
        f"Host bastion\n HostName {shared.addresses[BASTION]}\n User {PLAIN_USER}\n"
        f" IdentityFile {shared.folder}/id_ed25519\n UserKnownHostsFile {shared.folder}/known_hosts\n"
        f" ControlPath {tmp_path}/master\n"
    )
    nodes.write_text(f"Host *\n ProxyCommand ssh -F {own} -o BatchMode=yes -W %h:%p bastion\n")
    asking = {**os.environ, "SSH_ASKPASS": str(device), "SSH_ASKPASS_REQUIRE": "force"}
    with Wanted(shared, BASTION, PLAIN_USER):
        await ssh("-F", own, "-fNM", "bastion", env=asking)
        try:
            async with Fleet(of(shared, *shared.names, config_file=nodes), Refuse()) as fleet:
                assert await fleet.connect() == dict.fromkeys(shared.names)
        finally:
            await ssh("-F", own, "-O", "exit", "bastion", env=asking)


async def ssh(*args: str | Path, env: dict[str, str]) -> None:
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        "ssh", *map(str, args), env=env, stdin=nothing, stdout=nothing, stderr=nothing
    )
    assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_login_grace_time_runs_out_while_somebody_types(shared: Lab, tmp_path: Path) -> None:
    def slow() -> str:
        shared.run(BASTION, f"while pgrep -f '^sshd: {PLAIN_USER}' > /dev/null; do sleep 0.2; done")
        return code(0)

    person = Person(code=slow)
    with Wanted(shared, BASTION, PLAIN_USER, more="LoginGraceTime 3\n"):
        async with Fleet(behind(shared, tmp_path), person) as fleet:
            assert await fleet.connect() == dict.fromkeys(shared.names)
    assert len(person.questions) == 1


async def test_password_and_code_of_nodes(shared: Lab) -> None:
    """The password is asked for once for all, a code once for each node: it has one connection."""
    shows = token()
    person = Person([PASSWORD], code=lambda: next(shows))
    nodes = ("val-2", "val-3")
    with ExitStack() as stack:
        for node in nodes:
            stack.enter_context(Wanted(shared, node, PASSWORD_USER, password=True, more="MaxSessions 2\n"))
        async with Fleet(of(shared, *nodes, user=PASSWORD_USER, sudo=SudoMode.NEVER), person) as fleet:
            assert await fleet.connect() == dict.fromkeys(nodes)
            await asyncio.gather(*(fleet.session(name).inspect(RIGHTS) for name in nodes * 6))
    assert len(person.asked) == 1
    assert len(person.questions) == 2


@pytest.mark.parametrize("methods", ["keyboard-interactive", "any"])
async def test_where_no_key_is_taken(shared: Lab, methods: str) -> None:
    settings = "" if methods == "any" else f"AuthenticationMethods {methods}\n"
    person = Person(code=lambda: code(0))
    with (
        file(shared, "val-2", _USERS, f"HOTP {PLAIN_USER} - {_SECRET.hex()}\n", "600"),
        file(shared, "val-2", "/etc/pam.d/sshd", _PAM.format(users=_USERS, password="")),
        sshd(shared, "val-2", f"KbdInteractiveAuthentication yes\nAuthorizedKeysFile none\n{settings}"),
    ):
        async with Fleet(of(shared, "val-2", user=PLAIN_USER), person) as fleet:
            assert await fleet.connect() == {"val-2": None}
    assert len(person.questions) == 1
