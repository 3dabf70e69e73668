"""What sshd wants besides a key, or instead of one (AuthenticationMethods of sshd_config(5))."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loomtui.fleet.ssh.client import THREADS, SSHException, Transport
from loomtui.fleet.ssh.interview import HungUp, LetIn, Refused
from loomtui.fleet.ssh.keyboard_interactive import KeyboardInteractive
from loomtui.fleet.ssh.prompter import PASSWORD_TRIES, Fit
from loomtui.fleet.ssh.talk import Asker

#: In the order of PreferredAuthentications (ssh_config(5)): only the first can ask for a code.
METHODS = ("keyboard-interactive", "password")
_STEPS = 5
_MEANWHILE = "The server ended the connection meanwhile."


@dataclass(frozen=True)
class Answered:
    """`problem` is what is in the way, as a sentence; '' if the server let us in."""

    problem: str = ""
    code_asked: bool = False  # so that another login would ask again


async def answer(transport: Transport, asker: Asker, wanted: Sequence[str]) -> Answered:
    """Goes on with what the server wants until it lets us in. Raises CodeNeeded, LoginRefused."""
    login = _Login(transport, asker)
    for _ in range(_STEPS):
        method = next((method for method in METHODS if method in wanted), None)
        if method is None:
            return Answered("That is not supported here.")
        ending = await (login.converse(wanted) if method == METHODS[0] else login.by_password())
        if isinstance(ending, str):
            return Answered(ending)
        if not ending:
            return Answered(code_asked=login.code_asked)
        wanted = ending
    return Answered("It wants ever more.")


class _Login:
    """Each way gives the methods that are wanted further, none if we are let in, or what is in the way."""

    def __init__(self, transport: Transport, asker: Asker) -> None:
        self._transport = transport
        self._asker = asker
        target = asker.target
        # A jump host's password goes to no other server.
        self._purpose = f"login {target}" if asker.jump else f"login {target.user}"
        self._prompt = f"Password of {target.user} at {target.host}"
        self.code_asked = False

    async def converse(self, wanted: Sequence[str]) -> Sequence[str] | str:
        login = KeyboardInteractive(self._transport, self._asker)
        ending = await login.log_in(self._purpose, self._prompt)
        self.code_asked = self.code_asked or login.code is not None
        match ending:
            case LetIn(further):
                return further
            case HungUp():
                return _MEANWHILE
            case Refused(methods) if not login.answered:
                left = [method for method in methods or wanted if method != METHODS[0]]
                return left or "It refuses without a question."
            case _:
                return self._why_no_password()

    async def by_password(self) -> Sequence[str] | str:
        """A password is asked for once for all nodes."""
        step = _PasswordStep(self._transport, self._asker.target.user)
        password = await self._asker.secrets.find(
            self._purpose, self._asker.place, self._prompt, step.fits, tries=PASSWORD_TRIES
        )
        if step.broken:
            return _MEANWHILE
        return self._why_no_password() if password is None else step.further

    def _why_no_password(self) -> str:
        wrong = self._asker.secrets.wrong(self._purpose, self._asker.place)
        if wrong >= PASSWORD_TRIES:
            return f"{wrong} wrong passwords were tried, and no more are: another one could lock the account."
        return "The password was wrong." if wrong else "Nobody gave the password."


class _PasswordStep:
    """The method `password` (RFC 4252, section 8), tried with one password after another."""

    def __init__(self, transport: Transport, user: str) -> None:
        self._transport = transport
        self._user = user
        self.further: tuple[str, ...] = ()
        self.broken = False

    async def fits(self, password: str) -> Fit:
        """Also RIGHT if it is not known whether the password was: then it is not asked for again."""
        try:
            self.further = tuple(await THREADS.run(self._try, password))
        except (SSHException, EOFError, OSError):
            self.broken = not self._transport.is_active()
            return Fit.RIGHT if self.broken else Fit.WRONG
        return Fit.RIGHT

    def _try(self, password: str) -> Sequence[str]:
        return self._transport.auth_password(self._user, password, fallback=False)
