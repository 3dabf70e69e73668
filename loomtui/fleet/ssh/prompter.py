"""What only a person can answer: whether a host key is right, a passphrase, a code that changes.

Host keys and secrets are asked for once, then kept. Codes are not kept.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol


@dataclass(frozen=True)
class Question:
    """What a server asks at a login, in its own words. They are cleaned and bounded, and may be anything."""

    asker: str  # who asks: NODE (USER@HOST:PORT) or jump host USER@HOST:PORT
    before: tuple[str, ...]  # the lines that the server says before
    prompt: str  # one line; may be empty
    echo: bool  # whether what is typed may be seen
    note: str = ""  # what loomtui says: that the answer before was refused


class Unanswered(Enum):
    """Why there is no answer to a question."""

    DECLINED = auto()
    NOBODY = auto()  # a batch run
    LATE = auto()  # the server no longer waits for it, and nobody was asked


class Prompter(Protocol):
    """Who is asked while nodes are reached, one question at a time."""

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        """True means that the key is right and may be remembered."""
        ...

    async def secret(self, node: str, prompt: str) -> str | None:
        """A passphrase or password, or None if there is none."""
        ...

    async def answer(self, question: Question) -> str | Unanswered:
        """What was typed, which may be nothing. It is for this one login."""
        ...

    def tell(self, asker: str, lines: tuple[str, ...]) -> None:
        """Shows what a server says when it asks nothing, for example that it waits for a telephone."""
        ...


class Refuse:
    """Answers for batch runs: unknown keys are refused, there is no secret."""

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        return False

    async def secret(self, node: str, prompt: str) -> str | None:
        return None

    async def answer(self, question: Question) -> str | Unanswered:
        return Unanswered.NOBODY

    def tell(self, asker: str, lines: tuple[str, ...]) -> None:
        """Nobody is there to hear it."""


#: Wrong answers on one node, for as long as the process lives.
PASSPHRASE_TRIES = 3
#: pam_faillock(8) locks an account at the third wrong password where nobody has told it otherwise.
PASSWORD_TRIES = 2


class Fit(Enum):
    """What came of trying a secret."""

    RIGHT = auto()  # it is tried elsewhere too
    WRONG = auto()  # it counts as one, and another one is asked for
    UNCLEAR = auto()  # something else was asked for besides, so it is neither; another one is asked for
    OVER = auto()  # likewise, and nothing more can be tried now


_Fits = Callable[[str], Awaitable[Fit]]


_AT_AN_END = frozenset({Fit.RIGHT, Fit.OVER})


class Secrets:
    """Secrets by purpose.

    Each is asked for once and then tried wherever it may fit; it is never written anywhere.
    """

    def __init__(self, prompter: Prompter) -> None:
        self._prompter = prompter
        self._question = asyncio.Lock()  # one question at a time
        self._purposes: dict[str, asyncio.Lock] = {}
        self._known: dict[str, list[str]] = {}
        self._declined: set[str] = set()
        self._wrong: Counter[tuple[str, str]] = Counter()  # by purpose and node, since it was right there
        self._right: dict[tuple[str, str], str] = {}  # by purpose and node: what was right at last
        self._changing: set[tuple[str, str]] = set()  # where what was right once is not right again
        self.asked = 0  # questions, answered or not

    async def accepts(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        """Whether the operator takes this host key for the right one."""
        async with self._question:
            self.asked += 1
            return await self._prompter.host_key(node, host, key_type, fingerprint)

    def wrong(self, purpose: str, node: str) -> int:
        """How many wrong answers were tried on the node since the last right one."""
        return self._wrong[purpose, node]

    async def code(self, question: Question, awaited: Callable[[], bool]) -> str | Unanswered:
        """The answer for one login, which is kept nowhere.

        `awaited` tells, when its turn has come, whether the server still waits.
        """
        async with self._question:
            if not awaited():
                return Unanswered.LATE
            self.asked += 1
            return await self._prompter.answer(question)

    def tell(self, asker: str, lines: tuple[str, ...]) -> None:
        self._prompter.tell(asker, lines)

    async def find(
        self,
        purpose: str,
        node: str,
        prompt: str,
        fits: _Fits,
        *,
        tries: int = PASSPHRASE_TRIES,
        known_tries: int | None = None,
    ) -> str | None:
        """The secret for which `fits` says RIGHT, or None. `purpose` names what it opens.

        `tries` bounds the wrong ones on this node, and `known_tries` those of them that were right elsewhere.
        """
        known = self._known.setdefault(purpose, [])
        most = tries if known_tries is None else known_tries
        tried = 0
        while tried < len(known):  # without the lock: a node that hangs does not hold up the others
            secret, tried = known[tried], tried + 1
            found = await self._try_known(purpose, node, secret, fits, most)
            if found in _AT_AN_END:
                return secret if found is Fit.RIGHT else None
        async with self._purposes.setdefault(purpose, asyncio.Lock()):
            for secret in known[tried:]:  # what was found while another node asked
                found = await self._try_known(purpose, node, secret, fits, most)
                if found in _AT_AN_END:
                    return secret if found is Fit.RIGHT else None
            return None if purpose in self._declined else await self._ask(purpose, node, prompt, fits, tries)

    async def _try_known(self, purpose: str, node: str, secret: str, fits: _Fits, tries: int) -> Fit:
        if (purpose, node) in self._changing:
            return Fit.WRONG
        found = await self._try(purpose, node, secret, fits, tries)
        if found is Fit.WRONG and self._right.get((purpose, node)) == secret:
            self._changing.add((purpose, node))
        return found

    async def _try(self, purpose: str, node: str, secret: str, fits: _Fits, tries: int) -> Fit:
        place = purpose, node
        if self._wrong[place] >= tries:
            return Fit.WRONG
        found = await fits(secret)
        self._wrong[place] += found is Fit.WRONG
        if found is Fit.RIGHT:
            self._wrong[place], self._right[place] = 0, secret
        return found

    async def _ask(self, purpose: str, node: str, prompt: str, fits: _Fits, tries: int) -> str | None:
        question = prompt
        while (wrong := self._wrong[purpose, node]) < tries:
            if wrong:
                question = f"That was not right (try {wrong + 1} of {tries}). {prompt}"
            async with self._question:
                self.asked += 1
                answer = await self._prompter.secret(node, question)
            if answer is None:
                break
            found = await self._try(purpose, node, answer, fits, tries)
            if found is Fit.RIGHT:
                if (purpose, node) not in self._changing and answer not in self._known[purpose]:
                    self._known[purpose].append(answer)
                return answer
            if found is Fit.OVER:
                return None
            question = f"The server refused what was answered. {prompt}"
        self._declined.add(purpose)
        return None

    def withdraw(self, purpose: str, node: str, secret: str | None) -> None:
        """What was right no longer is. It is tried nowhere else, and counts as a wrong one."""
        self._known[purpose] = [known for known in self._known.get(purpose, []) if known != secret]
        self._wrong[purpose, node] += 1

    def ask_again(self, purpose: str | None = None) -> None:
        """Forgets that nobody could answer, for this purpose or for all; wrong answers still count."""
        if purpose is None:
            self._declined.clear()
        else:
            self._declined.discard(purpose)
