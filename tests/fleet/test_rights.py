"""Root rights: passwords that are asked for once, tried with care, and never an argument."""

from __future__ import annotations

import pytest

from loomtui.errors import SudoRefused
from loomtui.fleet.facts import read_facts
from loomtui.fleet.fleet import WritableFleet
from loomtui.fleet.rights import Root
from loomtui.fleet.scripts import ChangeScript, InspectScript
from loomtui.inventory.model import SudoMode
from tests.fleet.place import Person, Place
from tests.fleet.sshd import Sshd

RIGHTS = InspectScript("rights")
CHANGE = ChangeScript("sink")

FAKE_SUDO = """
# -n: only without a password. -S: the password comes on standard input, read byte by byte.
batch= stdin=
while [ "${1#-}" != "$1" ]; do
    case $1 in -n) batch=y ;; -S) stdin=y ;; -p) shift ;; esac
    shift
done
[ -z "$batch" ] || { echo "sudo: a password is required" >&2; exit 1; }
IFS= read -r password || { echo "sudo: no password was provided" >&2; exit 1; }
echo "$*" | grep -q "$password" && echo "the password is an argument!" >&2
[ "$password" = "%s" ] || {
    echo "Sorry, try again." >&2
    cat > /dev/null
    echo "sudo: 1 incorrect password attempt" >&2
    exit 1
}
SUDO_UID=1 exec "$@"
"""
SECRET = "correct horse"


@pytest.fixture
def sudo(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The user is nobody special, and sudo wants a password."""
    place.command("sudo", FAKE_SUDO % SECRET)
    place.command("id", "case $1 in -u) echo 1000 ;; *) echo operator ;; esac")
    return place


async def test_a_sudo_password_is_asked_for_once_and_never_an_argument(
    sudo: Place, sshd: Sshd, script: dict[str, str]
) -> None:
    script["sink"] = 'say sudo "${SUDO_UID:-no}"; say read "$(cat)"'
    sudo.person.answers = ["wrong", SECRET]
    with Sshd(sudo.behaviour, sudo.host_key, sudo.bin) as other:
        sudo.knows(sshd.port, other.port)
        async with WritableFleet(sudo.inventory(sshd.port, other.port), sudo.person) as fleet:
            for name in fleet.names:
                output = await fleet.session(name).change(CHANGE, stdin=b"input")
                facts = read_facts(output.stdout)
                assert (facts.line("sudo"), facts.line("read")) == ("1", "input")
                assert b"argument" not in output.stderr
                assert (await fleet.session(name).rights()).root is Root.PASSWORD
                assert SECRET not in repr(await fleet.session(name).rights())
    assert [question[1] for question in sudo.person.asked] == [
        "sudo password of operator on n1",
        "That was not right (try 2 of 2). sudo password of operator on n1",
    ]
    assert not any(SECRET in command for command in sudo.behaviour.commands)


async def test_a_sudo_that_wants_a_password_in_a_batch_run(sudo: Place, sshd: Sshd) -> None:
    sudo.person = Person()
    async with WritableFleet(sudo.inventory(sshd.port), sudo.person) as fleet:
        with pytest.raises(SudoRefused, match="a password is required") as caught:
            await fleet.session("n1").require_root()
        assert caught.value.exit_status == 3
        with pytest.raises(SudoRefused):
            await fleet.session("n1").change(CHANGE)
        assert {ran.kind for ran in fleet.ran} == {"inspect"}
        # Looking goes on without.
        assert (await fleet.session("n1").inspect(RIGHTS)).status == 0


async def test_a_wrong_password_says_what_sudo_said(sudo: Place, sshd: Sshd) -> None:
    sudo.person.answers = ["one"]
    async with WritableFleet(sudo.inventory(sshd.port), sudo.person) as fleet:
        with pytest.raises(SudoRefused, match=r"a wrong password was tried\."):
            await fleet.session("n1").change(CHANGE)
        assert len(sudo.person.asked) == 2
        sudo.person.answers = [SECRET]
        await fleet.session("n1").require_root()  # asks again: somebody may be there now


async def test_wrong_passwords_never_lock_the_account(sudo: Place, sshd: Sshd) -> None:
    """Those that were right on another node count, and so do those of an earlier question."""
    sudo.person.answers = ["elsewhere"]
    sudo.command("sudo", FAKE_SUDO % "elsewhere")
    with Sshd(sudo.behaviour, sudo.host_key, sudo.bin) as other:
        sudo.knows(sshd.port, other.port)
        async with WritableFleet(sudo.inventory(sshd.port, other.port), sudo.person) as fleet:
            await fleet.session("n1").require_root()
            sudo.command("sudo", FAKE_SUDO % SECRET)
            sudo.person.answers = ["guess", SECRET]
            for _ in range(3):
                with pytest.raises(
                    SudoRefused, match="2 wrong passwords were tried, and no more are: another"
                ):
                    await fleet.session("n2").require_root()
    assert sudo.person.answers == [SECRET]


async def test_a_password_that_sudo_no_longer_wants_is_not_taken_for_the_script(
    sudo: Place, sshd: Sshd, script: dict[str, str]
) -> None:
    script["sink"] = 'say read "$(cat)"'
    sudo.person.answers = [SECRET]
    async with WritableFleet(sudo.inventory(sshd.port), sudo.person) as fleet:
        await fleet.session("n1").require_root()
        sudo.command("sudo", 'while [ "${1#-}" != "$1" ]; do [ "$1" != -p ] || shift; shift; done; exec "$@"')
        output = await fleet.session("n1").change(CHANGE, stdin=b"input")
        assert read_facts(output.stdout).line("read") == "input"


async def test_a_password_that_was_changed_meanwhile(sudo: Place, sshd: Sshd) -> None:
    sudo.person.answers = [SECRET]
    async with WritableFleet(sudo.inventory(sshd.port), sudo.person) as fleet:
        await fleet.session("n1").require_root()
        sudo.command("sudo", FAKE_SUDO % "another")
        with pytest.raises(SudoRefused, match="incorrect password"):
            await fleet.session("n1").change(ChangeScript("lock"))
        before = len(sudo.behaviour.commands)
        with pytest.raises(SudoRefused, match=r"a wrong password was tried\."):
            await fleet.session("n1").change(ChangeScript("lock"))
        assert (await fleet.session("n1").inspect(RIGHTS)).status == 0
        assert len(sudo.behaviour.commands) == before + 1  # nobody asks sudo again and again
        sudo.person.answers = ["another"]
        await fleet.session("n1").require_root()


async def test_one_wrong_password_is_enough_where_accounts_are_locked(
    sudo: Place, sshd: Sshd, script: dict[str, str]
) -> None:
    script["rights"] = (
        "say uid 1000; say user operator; say sudo password; say answer wanted; say lockout yes"
    )
    sudo.person.answers = ["wrong", SECRET]
    async with WritableFleet(sudo.inventory(sshd.port), sudo.person) as fleet:
        for _ in range(2):
            with pytest.raises(
                SudoRefused, match="a wrong password was tried, and no more are: another"
            ) as caught:
                await fleet.session("n1").require_root()
    assert "sudo -k true" in caught.value.advice
    assert sudo.person.answers == [SECRET]


async def test_a_node_without_sudo(sudo: Place, sshd: Sshd, script: dict[str, str]) -> None:
    (sudo.bin / "sudo").unlink()
    script["rights"] = "say uid 1000; say user operator; say sudo none"
    script["sink"] = "say ran yes"
    async with WritableFleet(sudo.inventory(sshd.port), sudo.person) as fleet:
        with pytest.raises(SudoRefused, match="there is no sudo"):
            await fleet.session("n1").change(CHANGE)
    async with WritableFleet(sudo.inventory(sshd.port, sudo=SudoMode.NEVER), sudo.person) as fleet:
        output = await fleet.session("n1").change(CHANGE)
        assert read_facts(output.stdout).line("ran") == "yes"
    assert sudo.person.asked == []


async def test_root_itself_needs_no_sudo(
    place: Place, writable: WritableFleet, script: dict[str, str]
) -> None:
    place.command("id", "echo 0")
    script["sink"] = "say ran yes"
    await writable.session("n1").change(CHANGE)
    assert (await writable.session("n1").rights()).root is Root.SELF
    assert not any(command.startswith("sudo") for command in place.behaviour.commands)
