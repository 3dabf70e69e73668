"""How long a login that failed is not tried again."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Self

from loomtui.errors import LoomtuiError
from loomtui.fleet.ssh.keyboard_interactive import CodeNeeded

_KEEP_SECONDS = 30.0


@dataclass(frozen=True)
class Refusal:
    """A login that failed, and is not repeated at every refresh: the server would lock us out."""

    error: LoomtuiError
    until: float  # by the monotonic clock

    @classmethod
    def of(cls, error: LoomtuiError) -> Self:
        """What needs a person's answer waits until it is wanted again, however long that takes."""
        keep = math.inf if isinstance(error, CodeNeeded) else _KEEP_SECONDS
        return cls(error, time.monotonic() + keep)

    @property
    def holds(self) -> bool:
        return time.monotonic() < self.until
