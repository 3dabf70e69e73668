"""Nothing that is asked of S3 waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from loomtui.aio import Door
from loomtui.errors import StoreUnreachable

#: The slowest transfer that is worth waiting for.
SLOWEST_BYTES_A_SECOND = 100_000
_LEAST_SECONDS = 600

T = TypeVar("T")


def read_seconds(size_bytes: int) -> float:
    """How long a whole read of so many bytes may take."""
    return _LEAST_SECONDS + size_bytes / SLOWEST_BYTES_A_SECOND


async def within(seconds: float, door: Door, call: Callable[[], T]) -> T:
    """Raises StoreUnreachable if the call takes longer."""
    try:
        return await door.run(call, timeout=seconds)
    except TimeoutError:
        raise StoreUnreachable(
            f"S3 did not finish within {seconds:.0f} seconds", advice="Try again."
        ) from None
