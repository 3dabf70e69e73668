"""How a session gets root rights on a node. This is found out once per session."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from loomtui.errors import SudoRefused
from loomtui.fleet.facts import Facts
from loomtui.fleet.ssh.prompter import PASSWORD_TRIES
from loomtui.inventory.model import SudoMode
from loomtui.text import clean_line

#: Checks a sudo password that comes over standard input; asks for nothing else, changes nothing.
CHECK_PASSWORD = "env LC_ALL=C sudo -k -S -p '' sh -c :"  # noqa: S105 - no password


class Root(StrEnum):
    SELF = "the user is root"
    NOT_WANTED = "the user owns all that is needed"  # `sudo: never` in the inventory
    FREE = "sudo without a password"
    PASSWORD = "sudo with a password"  # noqa: S105 - no password
    NONE = "no root rights"


_ADVICE = (
    "Allow it sudo without a password for the restore, or be there to type the password. "
    "If the SSH user owns all that is needed, say `ssh: {sudo: never}` in the inventory."
)
_LOCKOUT_TRIES = 1  # where pam_faillock counts: two for a wrong password, and at the third it locks
_NO_TTY = re.compile(rb"must have a tty to run sudo")
#: In the C locale; a message of one's own (badpass_message, insults) comes before it, not in its place.
_WRONG = re.compile(rb"incorrect (?:password|authentication) attempt|Sorry, try again")
_NOT_ALLOWED = re.compile(
    rb"[^\s:]+ is not in the sudoers file|[^\s:]+ is not allowed to run sudo[^\n]*"
    rb"|user [^\s:]+ (?:is not allowed|may not)[^\n]*"
)


@dataclass(frozen=True)
class Refusal:
    """Why sudo said no. If it is `wrong`, another password may help."""

    why: str
    advice: str = _ADVICE
    wrong: bool = False


def read_refusal(stderr: bytes) -> Refusal | None:
    """What sudo said, in the C locale, or None if it is nothing known."""
    if _NO_TTY.search(stderr):
        exempt = "Put `Defaults:USER !requiretty`, with the user's name, into a file of /etc/sudoers.d there."
        return Refusal("sudo there wants a terminal (requiretty)", exempt)
    if not_allowed := _NOT_ALLOWED.search(stderr):
        advice = "Allow it sudo there, or name a user who has it as `ssh.user` in the inventory."
        return Refusal(clean_line(not_allowed[0], limit=200).rstrip("."), advice)
    return Refusal("the password was wrong", wrong=True) if _WRONG.search(stderr) else None


def says_sudo(line: str) -> bool:
    """Whether sudo speaks, and not a login shell before it. sudo has one exit status for everything."""
    return "sudo" in line


@dataclass(frozen=True)
class Rights:
    """If there are no root rights, `why` says what the user lacks, and `advice` what to do."""

    root: Root
    user: str
    password: str | None = None
    why: str = ""
    advice: str = _ADVICE
    tries: int = PASSWORD_TRIES  # wrong passwords that do no harm

    def __repr__(self) -> str:
        return f"Rights({self.root.name}, {self.user!r})"  # never the password

    def without_password(self, refusal: Refusal | None, wrong: int) -> Rights:
        """The rights after nobody had the password, or after sudo refused although it was right."""
        if refusal is not None and not refusal.wrong:
            return replace(self, root=Root.NONE, why=refusal.why, advice=refusal.advice)
        if not wrong:
            return replace(self, root=Root.NONE)
        why = f"{'a wrong password was' if wrong == 1 else f'{wrong} wrong passwords were'} tried"
        if wrong < self.tries:
            return replace(self, root=Root.NONE, password=None, why=why)
        why += ", and no more are: another one could lock the account"
        advice = (
            "Try `sudo -k true` there by hand: the right password clears the record. Then start loomtui anew."
        )
        return replace(self, root=Root.NONE, password=None, why=why, advice=advice)

    @property
    def prefix(self) -> str:
        """What is put before the command."""
        if self.root is Root.FREE:
            return "sudo -n "
        return "env LC_ALL=C sudo -k -S -p '' " if self.root is Root.PASSWORD else ""

    @property
    def first_input(self) -> bytes:
        """What sudo wants to read before the command does."""
        return (self.password + "\n").encode() if self.password is not None else b""

    def require(self, node: str) -> None:
        """Raises SudoRefused if root rights are needed and there are none."""
        if self.root is Root.NONE:
            raise SudoRefused(f"{self.user} has no root rights: {self.why}.", node=node, advice=self.advice)


def from_facts(facts: Facts, mode: SudoMode) -> Rights:
    """What the `rights` script found. Root.PASSWORD without a password means that one has to be asked for."""
    user = facts.line("user", "the SSH user")
    if facts.number("uid") == 0:
        return Rights(Root.SELF, user)
    if mode is SudoMode.NEVER:
        return Rights(Root.NOT_WANTED, user)
    match facts.line("sudo"):
        case "free":
            return Rights(Root.FREE, user)
        case "password":
            if refusal := read_refusal(facts.get("answer", b"")):  # before anybody is asked for a password
                return Rights(Root.NONE, user, why=refusal.why, advice=refusal.advice)
            tries = _LOCKOUT_TRIES if "lockout" in facts else PASSWORD_TRIES
            return Rights(Root.PASSWORD, user, why=_refusal_text(facts.line("answer")), tries=tries)
        case _:
            return Rights(Root.NONE, user, why="there is no sudo")


def _refusal_text(answer: str) -> str:
    """sudo's own words, if they say more than that it wants a password."""
    text = clean_line(answer, limit=200).removeprefix("sudo: ").rstrip(".")
    return text or "sudo wants a password"
