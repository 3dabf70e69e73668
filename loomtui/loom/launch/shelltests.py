"""What `[ … ]` says, as far as that is known without running it. Source: POSIX.1-2017, `test`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loomtui.loom.launch.context import joined
from loomtui.loom.launch.sources import Absence, SourceFile


def truth_of(words: Sequence[str | None], files: Mapping[str, SourceFile], folder: str) -> bool | None:
    """`words` are those between the brackets; None is one that is not known. None: that cannot be said."""
    match list(words):
        case ["!", *rest]:
            truth = truth_of(rest, files, folder)
            return None if truth is None else not truth
        case [str(one)] if one not in ("-n", "-z"):
            return bool(one)
        case ["-n", str(one)]:
            return bool(one)
        case ["-z", str(one)]:
            return not one
        case ["-f" | "-e" | "-r" | "-s" | "-a", str(path)]:
            file = files.get(joined(folder, path))
            return (
                None
                if file is None or file.absence is Absence.CLOSED
                else file.absence is not Absence.MISSING
            )
        case [str(one), "=" | "==", str(other)] if "*" not in other:
            return one == other
        case [str(one), "!=", str(other)] if "*" not in other:
            return one != other
    return None
