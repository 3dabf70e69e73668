"""Servers that ask what only a person can answer, at every login: codes that work once, several rounds."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
from paramiko import Channel, Transport
from paramiko.server import InteractiveQuery

from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.fleet import Fleet, Refuse
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.ssh.challenge import Prompt
from loomtui.fleet.ssh.keyboard_interactive import CodeNeeded
from loomtui.fleet.ssh.prompter import Question, Secrets, Unanswered
from loomtui.fleet.ssh.refusal import Refusal
from loomtui.fleet.ssh.talk import Unsent
from loomtui.inventory.model import Inventory
from tests.fleet.place import Place
from tests.fleet.sshd import Behaviour, Questions, Sshd
from tests.fleet.waiting import until

RIGHTS = InspectScript("rights")
CODE = InteractiveQuery("", "", ("Verification code: ", False))
PASSWORD = InteractiveQuery("", "", ("Password: ", False))


@pytest.fixture
def bastion(place: Place, sshd: Sshd) -> Iterator[Sshd]:
    """A jump host that wants a code besides the key. It takes 111, 222 and 333, each once."""
    questions = Questions((CODE,), [("111",), ("222",), ("333",)])
    behaviour = Behaviour(
        keys=frozenset({place.key.asbytes()}), second="keyboard-interactive", questions=questions
    )
    with Sshd(behaviour, place.host_key) as server:
        place.knows(sshd.port, server.port)
        yield server


def behind(place: Place, bastion: Sshd, *ports: int) -> Inventory:
    """An inventory whose nodes are all reached over the bastion, but for those of `localhost`."""
    config = place.root / "config"
    config.write_text(
        f"Host bastion\n HostName 127.0.0.1\n Port {bastion.port}\n User jumper\n"
        f" IdentityFile {place.root}/id\nHost 127.0.0.1\n ProxyJump bastion\n"
    )
    return place.inventory(*ports, config_file=config)


def lose_next_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next channel through a bastion finds its connection gone, which nobody has noticed."""
    gone = [EOFError()]
    opened = Transport.open_channel

    def open_channel(transport: Transport, kind: str, *args: Any, **options: Any) -> Channel:
        if kind == "direct-tcpip" and gone:
            raise gone.pop()
        return opened(transport, kind, *args, **options)

    monkeypatch.setattr(Transport, "open_channel", open_channel)


def asked(bastion: Sshd) -> int:
    assert bastion.behaviour.questions is not None
    return bastion.behaviour.questions.begun


# ── a bastion before many nodes ─────────────────────────────────────────────────────────────────────────────


async def test_it_is_asked_for_once_for_all_nodes(place: Place, sshd: Sshd, bastion: Sshd) -> None:
    place.person.codes = ["111"]
    inventory = behind(place, bastion, *[sshd.port] * 16)
    async with Fleet(inventory, place.person) as fleet:
        assert await fleet.connect() == dict.fromkeys(inventory.names)
        await asyncio.gather(*(fleet.session(name).inspect(RIGHTS) for name in inventory.names))
    assert place.person.questions == [
        Question(f"jump host jumper@127.0.0.1:{bastion.port}", (), "Verification code:", echo=False)
    ]
    assert bastion.behaviour.logins == ["jumper"]
    assert place.person.asked == []


async def test_more_connections_to_a_node_ask_for_no_other(
    place: Place, sshd: Sshd, bastion: Sshd, script: dict[str, str]
) -> None:
    place.behaviour.max_sessions = 1
    place.person.codes = ["111"]
    script["lasting"] = "echo begun; while read -r line; do :; done"
    async with (
        Fleet(behind(place, bastion, sshd.port), place.person) as fleet,
        contextlib.aclosing(fleet.session("n1").follow(InspectScript("lasting"))) as lines,
    ):
        assert await anext(lines) == (b"begun",)
        await fleet.session("n1").inspect(RIGHTS)
    assert len(place.behaviour.logins) == 2
    assert len(place.person.questions) == 1


async def test_lost_bastion_asks_once_again(place: Place, sshd: Sshd, bastion: Sshd) -> None:
    place.person.codes = ["111", "222"]
    inventory = behind(place, bastion, *[sshd.port] * 5)
    async with Fleet(inventory, place.person) as fleet:
        await fleet.connect()
        bastion.drop()
        looks = (fleet.session(name).inspect(RIGHTS) for name in inventory.names)
        assert [look.status for look in await asyncio.gather(*looks)] == [0] * 5
    assert len(place.person.questions) == 2
    assert bastion.behaviour.logins == ["jumper"] * 2


async def test_lost_bastion_that_nobody_has_noticed(
    place: Place, sshd: Sshd, bastion: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.person.codes = ["111", "222"]
    async with Fleet(behind(place, bastion, sshd.port), place.person) as fleet:
        await fleet.connect()
        lose_next_hop(monkeypatch)
        sshd.drop()
        await until(lambda: not fleet.session("n1").connected)
        assert (await fleet.session("n1").inspect(RIGHTS)).status == 0
    assert len(place.person.questions) == 2


async def test_first_look_over_a_bastion_that_is_gone(
    place: Place, sshd: Sshd, bastion: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that was not lost is tried once only, and yet gets there."""
    place.person.codes = ["111", "222"]
    async with Fleet(behind(place, bastion, sshd.port, sshd.port), place.person) as fleet:
        await fleet.session("n1").connect()
        lose_next_hop(monkeypatch)
        await fleet.session("n2").connect()
    assert len(place.person.questions) == 2


def test_how_long_a_refusal_holds() -> None:
    """What a person has to answer is not tried again by itself, however long that takes."""
    assert Refusal.of(CodeNeeded("it wants a code.", node="n1")).until == math.inf
    assert Refusal.of(NodeUnreachable("it refused.", node="n1")).until < time.monotonic() + 60


async def test_code_that_is_called_a_password(place: Place, sshd: Sshd, bastion: Sshd) -> None:
    """What let in once is refused at the next login: from then on it is asked for every time."""
    bastion.behaviour.questions = Questions((PASSWORD,), [("111",), ("222",), ("333",)])
    place.person.answers = ["111", "222", "333"]
    async with Fleet(behind(place, bastion, sshd.port, sshd.port), place.person) as fleet:
        for _ in range(3):
            assert await fleet.connect() == {"n1": None, "n2": None}
            await fleet.session("n1").inspect(RIGHTS)
            bastion.drop()
            await until(lambda: not any(fleet.session(name).connected for name in fleet.names))
    assert len(place.person.asked) == 3
    assert bastion.behaviour.questions.begun == 4
    assert {asker for asker, _ in place.person.asked} == {f"jump host jumper@127.0.0.1:{bastion.port}"}


async def test_chain_of_bastions_asks_each_once(place: Place, sshd: Sshd, bastion: Sshd) -> None:
    questions = Questions((CODE,), [("999",)])
    behaviour = Behaviour(
        keys=frozenset({place.key.asbytes()}), second="keyboard-interactive", questions=questions
    )
    with Sshd(behaviour, place.host_key) as inner:
        place.knows(sshd.port, bastion.port, inner.port)
        config = place.root / "config"
        config.write_text(
            f"Host outer inner\n HostName 127.0.0.1\n User jumper\n IdentityFile {place.root}/id\n"
            f"Host outer\n Port {bastion.port}\nHost inner\n Port {inner.port}\n"
            "Host 127.0.0.1\n ProxyJump outer,inner\n"
        )
        place.person.codes = ["111", "999"]
        inventory = place.inventory(*[sshd.port] * 4, config_file=config)
        async with Fleet(inventory, place.person) as fleet:
            assert await fleet.connect() == dict.fromkeys(inventory.names)
    ports = [question.asker.rpartition(":")[2] for question in place.person.questions]
    assert ports == [str(bastion.port), str(inner.port)]


async def test_two_users_of_one_bastion_have_a_connection_each(
    place: Place, sshd: Sshd, bastion: Sshd
) -> None:
    """What one of them may reach, the other may not."""
    inventory = behind(place, bastion, sshd.port, sshd.port)
    config = place.root / "config"
    config.write_text(
        f"Host *\n IdentityFile {place.root}/id\nHost 127.0.0.1\n Port {sshd.port}\n"
        f" ProxyJump jumper@localhost:{bastion.port}\n"
        f"Host second\n HostName 127.0.0.1\n Port {sshd.port}\n ProxyJump other@localhost:{bastion.port}\n"
    )
    place.known_hosts.write_text(
        place.known_hosts.read_text() + place.known_hosts.read_text().replace("127.0.0.1", "localhost")
    )
    second = inventory.nodes[1].model_copy(update={"host": "second"})
    place.person.codes = ["111", "222"]
    async with Fleet(
        inventory.model_copy(update={"nodes": (inventory.nodes[0], second)}), place.person
    ) as fleet:
        assert await fleet.connect() == {"n1": None, "n2": None}
    assert sorted(bastion.behaviour.logins) == ["jumper", "other"]


async def test_nobody_gives_it(place: Place, sshd: Sshd, bastion: Sshd) -> None:
    """The nodes behind the bastion are given up, each with its own name; the other one goes on."""
    inventory = behind(place, bastion, sshd.port, sshd.port, sshd.port)
    direct = inventory.nodes[2].model_copy(update={"host": "localhost"})
    place.known_hosts.write_text(
        place.known_hosts.read_text() + place.known_hosts.read_text().replace("127.0.0.1", "localhost")
    )
    inventory = inventory.model_copy(update={"nodes": (*inventory.nodes[:2], direct)})
    async with Fleet(inventory, place.person) as fleet:
        outcomes = await fleet.connect()
        assert outcomes["n3"] is None
        for name in ("n1", "n2"):
            error = outcomes[name]
            assert isinstance(error, CodeNeeded)
            assert error.node == name
            assert error.what == (
                f"the jump host jumper@127.0.0.1:{bastion.port} wants a code that changes with every login "
                "(it asks 'Verification code:'), and none was given."
            )
        for name in ("n1", "n2"):  # nor is anybody asked at the next look
            with pytest.raises(CodeNeeded):
                await fleet.session(name).inspect(RIGHTS)
        assert len(place.person.questions) == asked(bastion) == 1
        place.person.codes = ["111"]
        assert await fleet.connect() == dict.fromkeys(inventory.names)
    assert len(place.person.questions) == 2


async def test_batch_run_is_refused_at_once(place: Place, sshd: Sshd, bastion: Sshd) -> None:
    inventory = behind(place, bastion, *[sshd.port] * 5)
    async with Fleet(inventory, Refuse()) as fleet:
        outcomes = await fleet.connect()
    assert {type(error) for error in outcomes.values()} == {CodeNeeded}
    error = outcomes["n4"]
    assert error is not None
    assert "wants a code that changes with every login" in error.what
    assert "a batch run cannot give one" in error.what
    assert "without --yes and --json" in error.advice
    assert error.exit_status == 4
    assert asked(bastion) == 1


# ── wrong answers ───────────────────────────────────────────────────────────────────────────────────────────


async def test_wrong_code_is_asked_for_again(place: Place, sshd: Sshd, bastion: Sshd) -> None:
    place.person.codes = ["000", "001", "222"]
    async with Fleet(behind(place, bastion, sshd.port), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    assert [question.note for question in place.person.questions] == [
        "",
        "The server refused the answer (try 2 of 3).",
        "The server refused the answer (try 3 of 3).",
    ]


async def test_three_wrong_codes(place: Place, sshd: Sshd, bastion: Sshd) -> None:
    place.person.codes = ["000"] * 4
    async with Fleet(behind(place, bastion, sshd.port, sshd.port), place.person) as fleet:
        outcomes = await fleet.connect()
        error = outcomes["n2"]
        assert isinstance(error, CodeNeeded)
        assert "refused 3 answers (it asks 'Verification code:')" in error.what
        assert "take the next one" in error.advice
    assert len(place.person.questions) == 3


async def test_server_that_hangs_up_at_a_wrong_code(place: Place, sshd: Sshd, bastion: Sshd) -> None:
    assert bastion.behaviour.questions is not None
    bastion.behaviour.questions.hangs_up = True
    place.person.codes = ["000"] * 4
    async with Fleet(behind(place, bastion, sshd.port), place.person) as fleet:
        error = (await fleet.connect())["n1"]
    assert isinstance(error, CodeNeeded)
    assert "ended the connection when it had the answer" in error.what
    assert len(place.person.questions) == 1


# ── while somebody types ────────────────────────────────────────────────────────────────────────────────────


async def test_no_deadline_runs_out_meanwhile(place: Place, sshd: Sshd, bastion: Sshd) -> None:
    async def think() -> None:
        await asyncio.sleep(1)  # longer than any time that is allowed for connecting

    place.person.codes, place.person.meanwhile = ["111"], think
    inventory = behind(place, bastion, sshd.port)
    inventory = inventory.model_copy(
        update={"ssh": inventory.ssh.model_copy(update={"connect_timeout": 0.7})}
    )
    async with Fleet(inventory, place.person) as fleet:
        assert await fleet.connect() == {"n1": None}


async def test_server_that_hangs_up_meanwhile(place: Place, sshd: Sshd, bastion: Sshd) -> None:
    """As sshd does at LoginGraceTime. What was typed has not been used, so it still serves."""

    async def lose_patience() -> None:
        transport = bastion.transports[-1]
        transport.close()
        await asyncio.to_thread(transport.join)
        await asyncio.sleep(0.2)  # until it is noticed here

    place.person.codes, place.person.meanwhile = ["111"], lose_patience
    async with Fleet(behind(place, bastion, sshd.port), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    assert len(place.person.questions) == 1
    assert asked(bastion) == 2


async def test_server_that_hangs_up_while_another_asks(place: Place) -> None:
    """Nobody is asked what nobody waits for."""
    question = Question("n1", (), "Verification code:", echo=False)
    assert await Secrets(place.person).code(question, lambda: False) is Unanswered.LATE
    assert place.person.questions == []


def test_what_was_not_sent_answers_no_other_question() -> None:
    unsent, code, serial = Unsent(), Prompt((), "Code:", echo=False), Prompt((), "Serial:", echo=True)
    unsent.keep(code, "111")
    assert unsent.take(code) == "111"
    assert unsent.take(code) is None
    unsent.keep(code, "111")
    assert unsent.take(serial) is None


# ── several questions ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def strict(place: Place) -> Place:
    place.behaviour.second = "keyboard-interactive"
    return place


async def test_password_and_then_a_code(strict: Place, sshd: Sshd) -> None:
    """The password serves all nodes, a code only one login."""
    strict.behaviour.questions = Questions((PASSWORD, CODE), [("horse", "111"), ("horse", "222")])
    strict.person.answers, strict.person.codes = ["horse"], ["111", "222"]
    async with Fleet(strict.inventory(sshd.port, sshd.port), strict.person) as fleet:
        assert await fleet.connect() == {"n1": None, "n2": None}
    assert [prompt for _, prompt in strict.person.asked] == ["Password of operator at 127.0.0.1"]
    assert sorted(question.asker for question in strict.person.questions) == [
        f"{name} (operator@127.0.0.1:{sshd.port})" for name in ("n1", "n2")
    ]


async def test_wrong_password_before_a_code(strict: Place, sshd: Sshd) -> None:
    """Nobody knows which of the two was wrong, so both are asked for again, as by ssh."""
    strict.behaviour.questions = Questions((PASSWORD, CODE), [("horse", "222")])
    strict.person.answers, strict.person.codes = ["cow", "horse"], ["111", "222"]
    async with Fleet(strict.inventory(sshd.port), strict.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    assert [prompt for _, prompt in strict.person.asked] == [
        "Password of operator at 127.0.0.1",
        "The server refused what was answered. Password of operator at 127.0.0.1",
    ]
    assert strict.person.questions[1].note == "The server refused the answer (try 2 of 3)."


async def test_all_questions_of_a_round(strict: Place, sshd: Sshd) -> None:
    query = InteractiveQuery("Token", "Use the blue one.\n", ("Password: ", False), ("Serial number: ", True))
    strict.behaviour.questions = Questions((query, CODE), [("horse", "", "111")])
    strict.person.answers, strict.person.codes = ["horse"], ["", "111"]
    async with Fleet(strict.inventory(sshd.port), strict.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    assert [(question.before, question.prompt, question.echo) for question in strict.person.questions] == [
        (("Token", "Use the blue one."), "Serial number:", True),
        ((), "Verification code:", False),
    ]


async def test_server_that_only_says_something(strict: Place, sshd: Sshd) -> None:
    strict.behaviour.questions = Questions((InteractiveQuery("", "Look at your\x1b[2J telephone."),), [()])
    async with Fleet(strict.inventory(sshd.port), strict.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    assert strict.person.told == [(f"n1 (operator@127.0.0.1:{sshd.port})", "Look at your telephone.")]


async def test_without_a_key(place: Place, sshd: Sshd) -> None:
    """The server offers keys too, but knows none of ours."""
    place.behaviour.keys, place.behaviour.auth = frozenset(), "publickey,keyboard-interactive"
    place.behaviour.questions = Questions((CODE,), [("111",)])
    place.person.codes = ["111"]
    async with Fleet(place.inventory(sshd.port), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}


async def test_server_that_has_no_question(strict: Place, sshd: Sshd) -> None:
    """As an sshd without PAM: the password is left."""
    strict.behaviour.second, strict.behaviour.password = "keyboard-interactive,password", "horse"
    strict.behaviour.questions = Questions((), [])
    strict.person.answers = ["horse"]
    async with Fleet(strict.inventory(sshd.port), strict.person) as fleet:
        assert await fleet.connect() == {"n1": None}


async def test_endless_questions(strict: Place, sshd: Sshd) -> None:
    strict.behaviour.questions = Questions((InteractiveQuery("", ""),) * 100, [()])
    async with Fleet(strict.inventory(sshd.port), strict.person) as fleet:
        error = (await fleet.connect())["n1"]
    assert isinstance(error, NodeUnreachable)


# ── a node that asks ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def asking(strict: Place) -> Place:
    strict.behaviour.questions = Questions((CODE,), [("111",), ("222",)])
    strict.person.codes = ["111", "222"]
    return strict


async def test_one_connection_has_to_do(asking: Place, sshd: Sshd) -> None:
    asking.behaviour.max_sessions = 2
    async with Fleet(asking.inventory(sshd.port), asking.person) as fleet:
        looks = (fleet.session("n1").inspect(RIGHTS) for _ in range(12))
        assert [look.status for look in await asyncio.gather(*looks)] == [0] * 12
    assert len(asking.person.questions) == 1


async def test_no_shell_stays_where_another_login_asks_for_a_code(
    asking: Place, sshd: Sshd, script: dict[str, str]
) -> None:
    """It would hold one of the few places for good."""
    async with Fleet(asking.inventory(sshd.port), asking.person) as fleet:
        n1 = fleet.session("n1")
        with pytest.raises(NodeUnreachable, match="for what ends"):
            await n1.stay(InspectScript("watch"))
        assert (await n1.inspect(RIGHTS)).status == 0
    assert len(asking.person.questions) == 1


async def test_logs_leave_room_for_looks(asking: Place, sshd: Sshd, script: dict[str, str]) -> None:
    asking.behaviour.max_sessions = 2
    script["lasting"] = "echo begun; while read -r line; do :; done"
    async with Fleet(asking.inventory(sshd.port), asking.person) as fleet:
        n1 = fleet.session("n1")
        await asyncio.gather(*(n1.inspect(RIGHTS) for _ in range(4)))  # how much room there is
        first, second = (n1.follow(InspectScript("lasting")) for _ in range(2))
        assert await anext(first) == (b"begun",)
        with pytest.raises(LoomtuiError, match=r"1 log followed there.*wants a code for another one"):
            await anext(second)
        assert (await n1.inspect(RIGHTS)).status == 0
        await first.aclose()
    assert len(asking.person.questions) == 1


async def test_many_logs_at_once_before_the_first_login(
    asking: Place, sshd: Sshd, script: dict[str, str]
) -> None:
    """Nobody knows yet that each login asks for a code: no second one is begun before that is known."""
    asking.behaviour.max_sessions = 100
    script["lasting"] = "echo begun; while read -r line; do :; done"
    async with (
        Fleet(asking.inventory(sshd.port), asking.person) as fleet,
        contextlib.AsyncExitStack() as stack,
    ):
        logs = [fleet.session("n1").follow(InspectScript("lasting")) for _ in range(12)]
        for log in logs:
            await stack.enter_async_context(contextlib.aclosing(log))
        begun = await asyncio.gather(*(anext(log) for log in logs), return_exceptions=True)
        assert begun.count((b"begun",)) == 9
        refused = [outcome for outcome in begun if isinstance(outcome, NodeUnreachable)]
        assert len(refused) == 3
        assert "9 logs followed there" in refused[0].what
        assert (await fleet.session("n1").inspect(RIGHTS)).status == 0
    assert len(asking.person.questions) == 1


async def test_logs_that_begin_at_the_same_moment_leave_room(
    asking: Place, sshd: Sshd, script: dict[str, str]
) -> None:
    asking.behaviour.max_sessions = 2
    script["lasting"] = "echo begun; while read -r line; do :; done"
    async with (
        Fleet(asking.inventory(sshd.port), asking.person) as fleet,
        contextlib.AsyncExitStack() as stack,
    ):
        n1 = fleet.session("n1")
        await asyncio.gather(*(n1.inspect(RIGHTS) for _ in range(4)))  # how much room there is
        logs = [n1.follow(InspectScript("lasting")) for _ in range(2)]
        for log in logs:
            await stack.enter_async_context(contextlib.aclosing(log))
        begun = await asyncio.gather(*(anext(log) for log in logs), return_exceptions=True)
        assert begun.count((b"begun",)) == 1
        assert (await n1.inspect(RIGHTS)).status == 0
