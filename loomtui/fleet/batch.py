"""Several scripts in one round trip to a node, one after the other.

Each keeps its own file, arguments and output: what a script does is the same in a batch and alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from loomtui.fleet.scripts import LAST_LINE, ChangeScript, InspectScript, piece_text, script_body


@dataclass(frozen=True)
class Look:
    """A script that only looks, with its arguments."""

    script: InspectScript
    args: tuple[str, ...] = ()
    accept: ClassVar[tuple[int, ...]] = (0,)


@dataclass(frozen=True)
class Change:
    """A script that changes something, with its arguments: first the working directory and the run."""

    script: ChangeScript
    args: tuple[str, ...]
    accept: tuple[int, ...] = (0,)  # a status other than 0 ends the batch; one of these is no failure


Part = Look | Change

#: What a part printed ends with this line. No fact can have the name, for no script says it.
_END = re.compile(rb"^part\.end =([0-9]{1,3})\n", re.MULTILINE)

_PART = """(
at=0
for word; do
    shift
    at=$((at + 1))
    [ "$at" -lt {first} ] || [ "$at" -gt {last} ] || set -- "$@" "$word"
done
{body}
) </dev/null
status=$?
printf 'part.end =%s\\n' "$status"
[ "$status" = 0 ] || exit "$status"
"""


def batch_text(parts: Sequence[Part]) -> str:
    """One script that runs the parts, as far as each ends with status 0.

    Each part runs in a shell of its own, with those of the arguments that are its own. The run's lock is held
    from the first part to the last: whoever resumes a run whose connection was cut waits for the end of all.
    """
    return "\n".join([piece_text("lib"), *_texts(parts), LAST_LINE, ""])


def _texts(parts: Sequence[Part]) -> Iterator[str]:
    first = 1
    for part in parts:
        if isinstance(part, Change):
            # The pairs of braces are the shell's: ${10} is an argument, $10 is not.
            # Where the lock cannot be taken, `fail` looks at the disk of WORKDIR for the cause.
            yield (
                f"{piece_text('change/common')}\nWORKDIR=${{{first}}}\n"
                f'own_lock "$WORKDIR" "${{{first + 1}}}"\nlock_owned=yes'
            )
            break
        first += len(part.args)
    last = 0
    for part in parts:
        first, last = last + 1, last + len(part.args)
        yield _PART.format(first=first, last=last, body=script_body(part.script))


def outputs_of(stdout: bytes) -> tuple[tuple[bytes, int], ...]:
    """What each part printed that came to an end, and its status."""
    pieces = _END.split(stdout)
    return tuple((pieces[at], int(pieces[at + 1])) for at in range(0, len(pieces) - 1, 2))
