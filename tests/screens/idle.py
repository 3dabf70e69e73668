"""When an app has dealt with all that has come to it, told by its event loop.

Textual waits until the process uses next to no processor time, for up to a second. Here other threads of the
process have work of their own, so that each key would wait that second.
"""

from __future__ import annotations

import asyncio
from time import monotonic

#: So often in a row nothing may be left to do, with a moment between for what other threads hand over.
_TIMES = 3
_MOMENT_SECONDS = 0.001


async def wait_for_idle(min_sleep: float = 0, max_sleep: float = 1) -> None:
    """In place of `textual._wait.wait_for_idle`; seconds."""
    loop = asyncio.get_running_loop()
    begun = monotonic()
    times = 0
    while times < _TIMES and monotonic() - begun < max_sleep:
        await asyncio.sleep(_MOMENT_SECONDS if times else 0)
        times = 0 if _has_callbacks(loop) else times + 1


def _has_callbacks(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether some wait for their turn, which asyncio itself tells nobody."""
    assert isinstance(loop, asyncio.BaseEventLoop)
    return bool(vars(loop)["_ready"])
