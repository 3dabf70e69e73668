"""Answers a server's questions in one conversation of keyboard-interactive authentication.

An answer goes once to the server that asked, and is kept nowhere. Only the account's password, where it is
asked for in the usual words, comes from the caller, who may have it from another node.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from loomtui.fleet.ssh.challenge import Challenge, Prompt
from loomtui.fleet.ssh.client import Transport
from loomtui.fleet.ssh.interview import Ending, HungUp, Interview
from loomtui.fleet.ssh.prompter import Question, Secrets, Unanswered
from loomtui.fleet.ssh.sshconfig import Target

_MOST_ROUNDS = 20  # a server could go on for ever


class Unsent:
    """An answer that was typed when the server had hung up. It serves if the server asks the same again."""

    def __init__(self) -> None:
        self._kept: tuple[Prompt, str] | None = None

    def keep(self, prompt: Prompt, answer: str) -> None:
        self._kept = (prompt, answer)

    def take(self, prompt: Prompt) -> str | None:
        kept, self._kept = self._kept, None
        return kept[1] if kept is not None and kept[0] == prompt else None


@dataclass(frozen=True)
class Asker:
    """A server that asks at one login, and who answers it."""

    target: Target
    jump: bool  # whether it is a jump host, on the way to any number of nodes
    secrets: Secrets
    unsent: Unsent

    @property
    def name(self) -> str:
        """What it is called in the sentence of an error, which names the node."""
        return f"the jump host {self.target}" if self.jump else str(self.target)

    @property
    def place(self) -> str:
        """By what wrong answers are counted, and a password is asked for."""
        return self.full_name if self.jump else self.target.node

    @property
    def full_name(self) -> str:
        return f"jump host {self.target}" if self.jump else f"{self.target.node} ({self.target})"


@dataclass
class _Round:
    challenge: Challenge
    answers: list[str] = field(default_factory=list)

    @property
    def open_prompt(self) -> Prompt | None:
        prompts = self.challenge.prompts
        return prompts[len(self.answers)] if len(self.answers) < len(prompts) else None


class Talk:
    """One conversation, up to what the server decides."""

    def __init__(self, transport: Transport, asker: Asker, note: str) -> None:
        """`note` is what loomtui has to say with each question."""
        self._interview = Interview(transport, asker.target.user)
        self._asker = asker
        self._note = note
        self._round: _Round | None = None
        self._rounds = 0
        self._password_given = False
        self.code: Prompt | None = None  # the last question that was not for the password
        self.answered = False  # whether the server has got an answer

    async def proceed(self, password: str | None = None) -> Ending | Unanswered | None:
        """Goes on to the end. None means that the password is wanted: call it again with that."""
        while True:
            if self._round is None:
                arrived = await self._interview.next()
                if not isinstance(arrived, Challenge):
                    return arrived
                self._round = self._begin(arrived)
            while (prompt := self._round.open_prompt) is not None:
                answer = await self._answer_to(prompt, password)
                if not isinstance(answer, str):
                    return answer
                self._round.answers.append(answer)
            if not self._interview.alive:
                return Unanswered.LATE
            if self._rounds > _MOST_ROUNDS:
                return HungUp()
            self.answered = self.answered or bool(self._round.answers)
            await self._interview.reply(self._round.answers)
            self._round = None

    def _begin(self, challenge: Challenge) -> _Round:
        self._rounds += 1
        if challenge.lines and not challenge.prompts:
            self._asker.secrets.tell(self._asker.full_name, challenge.lines)
        return _Round(challenge)

    async def _answer_to(self, prompt: Prompt, password: str | None) -> str | Unanswered | None:
        if prompt.for_password and not self._password_given:
            self._password_given = password is not None
            return password
        self.code = prompt
        asker = self._asker
        kept = asker.unsent.take(prompt)
        if kept is not None:
            return kept
        question = Question(asker.full_name, prompt.before, prompt.text, prompt.echo, self._note)
        answer = await asker.secrets.code(question, lambda: self._interview.alive)
        if isinstance(answer, str) and not self._interview.alive:
            asker.unsent.keep(prompt, answer)
            return Unanswered.LATE
        return answer
