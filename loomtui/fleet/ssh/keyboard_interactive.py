"""Logs in by keyboard-interactive authentication: how often it is tried, and what is said if it fails."""

from __future__ import annotations

from loomtui.errors import NodeUnreachable
from loomtui.fleet.ssh.challenge import Prompt
from loomtui.fleet.ssh.client import Transport
from loomtui.fleet.ssh.interview import Ending, HungUp, LetIn, Refused
from loomtui.fleet.ssh.prompter import PASSWORD_TRIES, Fit, Unanswered
from loomtui.fleet.ssh.talk import Asker, Talk

_TRIES = 3  # as NumberOfPasswordPrompts of ssh_config(5)
_BATCH_ADVICE = (
    "Use the screens, or a terminal without --yes and --json. Or give this user a way in without a code, for "
    "example a key that is taken from this machine alone."
)
_ONE_TRY = "It may allow one try only (MaxAuthTries)."
_ASKED_AGAIN = "It is asked for again when you refresh the screen, make a plan or try the step again."
_NEXT_CODE = (
    "Most codes work once and for half a minute: take the next one, and check the clock of what shows them."
)


class LoginRefused(NodeUnreachable):
    """The server has had an answer and wants no other one, so the login is not repeated."""


class CodeNeeded(LoginRefused):
    """The server asks what changes with every login, and did not get it.

    It is not dialled again until the operator wants it.
    """


class KeyboardInteractive:
    """One login, with as many conversations as it takes."""

    def __init__(self, transport: Transport, asker: Asker) -> None:
        self._transport = transport
        self._asker = asker
        self._refusals = 0  # of conversations in which a code was asked for
        self._talk = Talk(transport, asker, "")
        self._ending: Ending | Unanswered | None = None

    @property
    def code(self) -> Prompt | None:
        """What was asked besides the password, in the last conversation."""
        return self._talk.code

    @property
    def answered(self) -> bool:
        return self._talk.answered

    async def log_in(self, purpose: str, prompt: str) -> Ending | None:
        """Returns LetIn, or why not, where the caller may have another way.

        Refused means that the password was wrong or that nothing was asked; HungUp, that the server did not
        wait for the answer; None, that nobody gave the password, which `purpose` and `prompt` name. Raises
        CodeNeeded, LoginRefused.
        """
        while True:
            await self._proceed(None)
            if self._ending is None:
                # One try is left to the person, for what looks like a password may change as well.
                await self._asker.secrets.find(
                    purpose,
                    self._asker.place,
                    prompt,
                    self._fits,
                    tries=PASSWORD_TRIES,
                    known_tries=PASSWORD_TRIES - 1,
                )
                return self._outcome()
            if not self._may_repeat:
                return self._outcome()

    async def _fits(self, password: str) -> Fit:
        await self._proceed(password)
        match self._ending:
            case LetIn():
                return Fit.RIGHT
            case Refused() if self.code is None:
                return Fit.WRONG
            case Unanswered.LATE if self.code is None:
                return Fit.RIGHT  # nobody knows yet; the next connection tries it
            case _:
                return Fit.UNCLEAR if self._may_repeat else Fit.OVER

    async def _proceed(self, password: str | None) -> None:
        """Goes on with the conversation, or begins another one if it has ended."""
        if self._ending is not None:
            tries = f"The server refused the answer (try {self._refusals + 1} of {_TRIES})."
            self._talk = Talk(self._transport, self._asker, tries if self._refusals else "")
        self._ending = await self._talk.proceed(password)
        self._refusals += isinstance(self._ending, Refused) and self.code is not None

    @property
    def _may_repeat(self) -> bool:
        refused = isinstance(self._ending, Refused) and self.code is not None
        return refused and self._refusals < _TRIES

    def _outcome(self) -> Ending | None:
        target, question = self._asker.target, _quoted(self.code)
        match self._ending:
            case Unanswered.NOBODY:
                what = f"{self._asker.name} wants a code that changes with every login{question}"
                raise CodeNeeded(
                    f"{what}, and a batch run cannot give one.", node=target.node, advice=_BATCH_ADVICE
                )
            case Unanswered.DECLINED:
                what = f"{self._asker.name} wants a code that changes with every login{question}"
                raise CodeNeeded(f"{what}, and none was given.", node=target.node, advice=_ASKED_AGAIN)
            case Refused() if self.code is not None:
                times = "the answer" if self._refusals == 1 else f"{self._refusals} answers"
                raise CodeNeeded(
                    f"{self._asker.name} refused {times}{question}.",
                    node=target.node,
                    advice=f"{_NEXT_CODE} {_ASKED_AGAIN}",
                )
            case HungUp() if self.answered:
                what = f"{self._asker.name} ended the connection when it had the answer{question}."
                if self.code is None:
                    raise LoginRefused(what, node=target.node, advice=_ONE_TRY)
                raise CodeNeeded(what, node=target.node, advice=f"{_ONE_TRY} {_NEXT_CODE} {_ASKED_AGAIN}")
            case Unanswered.LATE:
                return HungUp()
            case ending:
                return ending


def _quoted(prompt: Prompt | None) -> str:
    return f" (it asks {prompt.text!r})" if prompt is not None and prompt.text else ""
