"""How a process of the drill obeys whoever started it: one JSON object a line each way, in turn."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

Obey = Callable[..., object]


def reply_to_lines(start: Callable[[], tuple[object, Obey]]) -> int:
    """Until standard input closes. Gives the exit status.

    `start` gives the first reply, and what each line's object is given to as keyword arguments. From the
    beginning on, nothing else gets between the replies: standard output becomes standard error.
    """
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def reply(document: Any) -> None:
        replies.write(json.dumps(document) + "\n")
        replies.flush()

    try:
        ready, obey = start()
    except Exception as error:  # noqa: BLE001 - the only way out is the reply
        reply({"error": f"{type(error).__name__}: {error}"})
        return 1
    reply({"result": ready})
    for line in sys.stdin:
        try:
            reply({"result": obey(**json.loads(line))})
        except Exception as error:  # noqa: BLE001 - likewise
            reply({"error": f"{type(error).__name__}: {error}"})
    return 0
