"""How root rights are had on a node: found out once per session."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from loomtui.errors import SudoRefused
from loomtui.fleet.facts import Facts
from loomtui.inventory.model import SudoMode
from loomtui.text import clean_line

#: Checks a sudo password that comes over standard input; asks for nothing else, changes nothing.
CHECK_PASSWORD = "env LC_ALL=C sudo -k -S -p '' sh -c :"  # noqa: S105


class Root(StrEnum):
    SELF = "the user is root"
    NOT_WANTED = "the user owns all that is needed"  # `sudo: never` in the inventory
    FREE = "sudo without a password"
    PASSWORD = "sudo with a password"  # noqa: S105
    NONE = "no root rights"


@dataclass(frozen=True)
class Rights:
    """`why` says what stands between the user and root, where they are not had."""

    root: Root
    user: str
    password: str | None = None
    why: str = ""

    def __repr__(self) -> str:
        return f"Rights({self.root.name}, {self.user!r})"  # never the password

    @property
    def prefix(self) -> str:
        """What stands before the command."""
        if self.root is Root.FREE:
            return "sudo -n "
        return "env LC_ALL=C sudo -k -S -p '' " if self.root is Root.PASSWORD else ""

    @property
    def first_input(self) -> bytes:
        """What sudo wants to read before the command does."""
        return (self.password + "\n").encode() if self.password is not None else b""

    def require(self, node: str) -> None:
        """Raises SudoRefused where root rights are needed and not had."""
        if self.root is Root.NONE:
            raise SudoRefused(
                f"{self.user} has no root rights: {self.why}.",
                node=node,
                advice="Allow it sudo without a password for the restore, or be there to type the password. "
                "If the SSH user owns all that is needed, say `ssh: {sudo: never}` in the inventory.",
            )


def from_facts(facts: Facts, mode: SudoMode) -> Rights:
    """What the `rights` script found. Root.PASSWORD without a password: it has to be asked for."""
    user = facts.line("user", "the SSH user")
    if facts.number("uid") == 0:
        return Rights(Root.SELF, user)
    if mode is SudoMode.NEVER:
        return Rights(Root.NOT_WANTED, user)
    match facts.line("sudo"):
        case "free":
            return Rights(Root.FREE, user)
        case "password":
            return Rights(Root.PASSWORD, user, why=_why(facts.line("answer")))
        case _:
            return Rights(Root.NONE, user, why="there is no sudo")


def _why(answer: str) -> str:
    """sudo's own words, where they say more than that it wants a password."""
    text = clean_line(answer, limit=200).removeprefix("sudo: ").rstrip(".")
    return text or "sudo wants a password"
