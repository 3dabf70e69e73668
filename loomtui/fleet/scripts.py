"""The scripts that run on a node. They are files under `remote/`, never text put together from values.

`inspect/` only looks, `change/` changes. They are two types, so that a read-only session has no way to run
the second kind. Each begins with `remote/lib.sh` and can be shown to the operator before it runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import ClassVar

#: The last line of what a node runs. The bootstrap runs nothing that does not end in it: a connection that
#: breaks while the text is on its way must not leave half a script running.
LAST_LINE = "# end of script"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not the name of a remote script: {name!r}")


@dataclass(frozen=True)
class InspectScript:
    """A script that leaves every file of the node as it was."""

    name: str
    kind: ClassVar[str] = "inspect"

    def __post_init__(self) -> None:
        _check(self.name)


@dataclass(frozen=True)
class ChangeScript:
    """A script that changes something on the node. Only a `WritableSession` takes it."""

    name: str
    kind: ClassVar[str] = "change"

    def __post_init__(self) -> None:
        _check(self.name)


@dataclass(frozen=True)
class Ran:
    """One entry in a fleet's record of the scripts that it ran."""

    node: str
    kind: str  # inspect, change
    name: str


#: Pieces of `remote/` that some scripts have in common, looks and changes alike: so a look says of a place
#: what the change would say; or one part of a long script. They come after `lib.sh`.
_PIECES: Mapping[InspectScript | ChangeScript, tuple[str, ...]] = {
    InspectScript("places"): ("fit", "signing_edit"),
    InspectScript("identity"): ("look_parts",),
    InspectScript("status"): ("look_parts",),
    InspectScript("watch"): ("look_parts",),
    InspectScript("room"): ("old_data",),
    ChangeScript("give_up"): ("old_data",),
    ChangeScript("replace"): ("fit",),
    ChangeScript("suspend"): ("fit",),
    ChangeScript("set_aside"): ("fit",),
    ChangeScript("signing"): ("signing_edit",),
    ChangeScript("fetch"): ("starting",),
    ChangeScript("fetch_parts"): ("starting",),
    ChangeScript("reuse_live"): ("unpacking", "sums"),
    ChangeScript("compare"): ("sums",),
    ChangeScript("relay"): ("starting", "unpacking", "ending"),
    ChangeScript("fetch_job"): ("stream", "unpacking", "ending", "sums"),
    ChangeScript("parts_job"): ("stream", "unpacking", "ending", "sums"),
}


@cache
def script_text(script: InspectScript | ChangeScript) -> str:
    """All that the node runs. Raises FileNotFoundError if there is no such script."""
    return "\n".join([piece_text("lib"), script_body(script), LAST_LINE, ""])


@cache
def script_body(script: InspectScript | ChangeScript) -> str:
    """The script without the library in front of it."""
    folder = _remote() / script.kind
    common = folder / "common.sh"
    parts = [piece_text(piece) for piece in _PIECES.get(script, ())]
    parts.append(common.read_text("utf-8") if common.is_file() else "")
    parts.append((folder / f"{script.name}.sh").read_text("utf-8"))
    return "\n".join(parts)


@cache
def piece_text(name: str) -> str:
    """A file of `remote/` that is no script by itself."""
    return (_remote() / f"{name}.sh").read_text("utf-8")


def _remote() -> Traversable:
    return resources.files("loomtui.fleet") / "remote"
