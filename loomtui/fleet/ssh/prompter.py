"""What only a person can answer: whether a host key is right, or a passphrase.

It is asked once, then kept.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol


class Prompter(Protocol):
    """Who is asked while nodes are reached, one question at a time."""

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        """True means that the key is right and may be remembered."""
        ...

    async def secret(self, node: str, prompt: str) -> str | None:
        """A passphrase or password, or None if there is none."""
        ...


class Refuse:
    """Answers for batch runs: unknown keys are refused, there is no secret."""

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        return False

    async def secret(self, node: str, prompt: str) -> str | None:
        return None


#: Wrong answers on one node, for as long as the process lives.
PASSPHRASE_TRIES = 3
#: pam_faillock(8) locks an account at the third wrong password where nobody has told it otherwise.
PASSWORD_TRIES = 2

_Fits = Callable[[str], Awaitable[bool]]


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
        self._wrong: Counter[tuple[str, str]] = Counter()  # by purpose and node
        self.asked = 0  # questions, answered or not

    async def accepts(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        """Whether the operator takes this host key for the right one."""
        async with self._question:
            self.asked += 1
            return await self._prompter.host_key(node, host, key_type, fingerprint)

    def wrong(self, purpose: str, node: str) -> int:
        """How many wrong answers were tried on the node."""
        return self._wrong[purpose, node]

    async def find(
        self, purpose: str, node: str, prompt: str, fits: _Fits, *, tries: int = PASSPHRASE_TRIES
    ) -> str | None:
        """The secret for which `fits` says True, or None. `purpose` names what it opens.

        `tries` bounds the wrong ones on this node, including those that were right elsewhere.
        """
        known = self._known.setdefault(purpose, [])
        tried = 0
        while tried < len(known):  # without the lock: a node that hangs does not hold up the others
            tried += 1
            if await self._try(purpose, node, known[tried - 1], fits, tries):
                return known[tried - 1]
        async with self._purposes.setdefault(purpose, asyncio.Lock()):
            for secret in known[tried:]:  # what was found while another node asked
                if await self._try(purpose, node, secret, fits, tries):
                    return secret
            return None if purpose in self._declined else await self._ask(purpose, node, prompt, fits, tries)

    async def _try(self, purpose: str, node: str, secret: str, fits: _Fits, tries: int) -> bool:
        if self._wrong[purpose, node] >= tries:
            return False
        if not await fits(secret):
            self._wrong[purpose, node] += 1
            return False
        return True

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
            if await self._try(purpose, node, answer, fits, tries):
                self._known[purpose].append(answer)
                return answer
        self._declined.add(purpose)
        return None

    def withdraw(self, purpose: str, node: str, secret: str | None) -> None:
        """What was right no longer is. It is tried nowhere else, and counts as a wrong one."""
        self._known[purpose] = [known for known in self._known.get(purpose, []) if known != secret]
        self._wrong[purpose, node] += 1

    def ask_again(self, purpose: str) -> None:
        """Forgets that nobody could answer; wrong answers still count."""
        self._declined.discard(purpose)
