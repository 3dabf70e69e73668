"""Servers that want a password besides the key, or instead of it."""

from __future__ import annotations

import pytest

from loomtui.errors import NodeUnreachable
from loomtui.fleet.fleet import Fleet
from tests.fleet.place import Place
from tests.fleet.sshd import Behaviour, Sshd
from tests.fleet.test_connection import configure


@pytest.fixture(params=["password", "keyboard-interactive"])
def strict(place: Place, request: pytest.FixtureRequest) -> Place:
    place.behaviour.second = request.param
    place.behaviour.password = "correct horse"
    return place


async def test_it_is_asked_for_once_for_all_nodes(strict: Place, sshd: Sshd) -> None:
    strict.person.answers = ["guess", "correct horse"]
    with Sshd(strict.behaviour, strict.host_key, strict.bin) as other:
        strict.knows(sshd.port, other.port)
        async with Fleet(strict.inventory(sshd.port, other.port), strict.person) as fleet:
            assert await fleet.connect() == {"n1": None, "n2": None}
    assert [question[1] for question in strict.person.asked] == [
        "Password of operator at 127.0.0.1",
        "That was not right (try 2 of 2). Password of operator at 127.0.0.1",
    ]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([], "Nobody gave the password."),
        (["one"], "The password was wrong."),
        (["one", "two", "correct horse"], "2 wrong passwords were tried, and no more are"),
    ],
)
async def test_it_is_not_had(strict: Place, sshd: Sshd, answers: list[str], said: str) -> None:
    strict.person.answers = list(answers)
    async with Fleet(strict.inventory(sshd.port), strict.person) as fleet:
        with pytest.raises(NodeUnreachable) as caught:
            await fleet.session("n1").connect()
        assert (
            f"The key is right, but the server also wants: {strict.behaviour.second}. {said}"
            in caught.value.what
        )
    assert not strict.behaviour.logins


async def test_server_that_takes_no_key_at_all(place: Place, sshd: Sshd) -> None:
    place.behaviour.auth, place.behaviour.password = "password", "correct horse"
    place.person.answers = ["correct horse"]
    async with Fleet(place.inventory(sshd.port), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}


async def test_method_that_is_not_supported(place: Place, sshd: Sshd) -> None:
    place.behaviour.second = "gssapi-with-mic"
    async with Fleet(place.inventory(sshd.port), place.person) as fleet:
        with pytest.raises(
            NodeUnreachable, match=r"also wants: gssapi-with-mic\. That is not supported here"
        ):
            await fleet.session("n1").connect()
    assert place.person.asked == []


async def test_password_of_a_jump_host_goes_to_no_node(strict: Place, sshd: Sshd) -> None:
    """Nor the other way round, though the user is called the same on both."""
    behaviour = Behaviour(strict.behaviour.keys, second=strict.behaviour.second, password="of the bastion")
    with Sshd(behaviour, strict.host_key) as jump:
        strict.knows(sshd.port, jump.port)
        config = configure(
            strict,
            f"IdentityFile {strict.root}/id\n"
            f"Host bastion\n HostName 127.0.0.1\n Port {jump.port}\n"
            f"Host 127.0.0.1\n ProxyJump operator@bastion\n",
        )
        strict.person.answers = ["of the bastion", "correct horse"]
        async with Fleet(strict.inventory(sshd.port, sshd.port, **config), strict.person) as fleet:
            assert await fleet.connect() == {"n1": None, "n2": None}
    assert behaviour.passwords == ["of the bastion"]
    assert strict.behaviour.passwords == ["correct horse"] * 2
