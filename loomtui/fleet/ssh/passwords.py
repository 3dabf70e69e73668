"""A password that sshd wants besides a key, or instead of one (AuthenticationMethods of sshd_config(5))."""

from __future__ import annotations

from collections.abc import Sequence

from loomtui.fleet.ssh.client import THREADS, SSHException, Transport
from loomtui.fleet.ssh.prompter import PASSWORD_TRIES, Secrets
from loomtui.fleet.ssh.sshconfig import Target
from loomtui.text import clean_line

_METHODS = ("password", "keyboard-interactive")
_STEPS = 3


async def answer(transport: Transport, target: Target, secrets: Secrets, wanted: Sequence[str]) -> str:
    """Goes on with what the server wants until it lets us in.

    Gives '' then, and otherwise what is in the way.

    A password is asked for once for the whole fleet. Of keyboard-interactive (RFC 4256), only a question for
    a password alone is answered, as PAM asks it; codes that change are not.
    """
    for _ in range(_STEPS):
        method = next((method for method in _METHODS if method in wanted), None)
        if method is None:
            return "That is not supported here."
        step = _Step(transport, target.user, method)
        purpose, prompt = f"login {target.user}", f"Password of {target.user} at {target.host}"
        password = await secrets.find(purpose, target.node, prompt, step.fits, tries=PASSWORD_TRIES)
        if step.asked_else:
            return f"It asks for {clean_line(step.asked_else, limit=80)!r} too, which loomtui cannot answer."
        if step.broken:
            return "The server ended the connection meanwhile."
        if password is None:
            return _why_no_password(secrets.wrong(purpose, target.node))
        if not step.further:
            return ""
        wanted = step.further
    return "It wants ever more."


def _why_no_password(wrong: int) -> str:
    if wrong >= PASSWORD_TRIES:
        return f"{wrong} wrong passwords were tried, and no more are: another one could lock the account."
    return "The password was wrong." if wrong else "Nobody gave the password."


class _Step:
    """One method that is tried with one password after another."""

    def __init__(self, transport: Transport, user: str, method: str) -> None:
        self._transport = transport
        self._user = user
        self._method = method
        self.further: tuple[str, ...] = ()
        self.asked_else = ""
        self.broken = False

    async def fits(self, password: str) -> bool:
        """Also True if it is not known whether the password was right: then it is not asked for again."""
        try:
            self.further = tuple(await THREADS.run(self._try, password))
        except (SSHException, EOFError, OSError):
            self.broken = not self._transport.is_active()
            return self.broken or bool(self.asked_else)
        return True

    def _try(self, password: str) -> Sequence[str]:
        if self._method == "password":
            return self._transport.auth_password(self._user, password, fallback=False)
        answered = False

        def handle(_title: str, _instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
            nonlocal answered
            if not prompts:
                return []
            if not answered and len(prompts) == 1 and not prompts[0][1]:
                answered = True
                return [password]
            self.asked_else = prompts[-1][0].strip() or "something"
            return [""] * len(prompts)

        return self._transport.auth_interactive(self._user, handle)
