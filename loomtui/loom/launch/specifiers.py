"""The specifiers of unit files, as far as they are the same whenever the unit is loaded.

Source: systemd.unit(5), "Specifiers".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from loomtui.loom.launch.letters import Gap, Letter, Text

_FOLDERS = {"t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc"}
_MANAGER = {"u": "root", "U": "0", "g": "root", "G": "0", "h": "/root", "s": "/bin/sh"}
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


def specifiers(unit: str, host: str) -> Mapping[str, str]:
    """By their letters, for a unit's full name. Names that are not known are left out."""
    known = {**_FOLDERS, **_MANAGER}
    if unit:
        whole = unit.rpartition(".")[0] or unit
        prefix, _, instance = whole.partition("@")
        known |= {"n": unit, "N": whole, "p": prefix, "i": instance, "j": prefix.rpartition("-")[2]}
        known |= {"P": unescape(prefix), "I": unescape(instance), "J": unescape(known["j"])}
        known["f"] = posixpath.join("/", unescape(instance or prefix))
    if host:
        known |= {"H": host, "l": host.partition(".")[0]}
    return known


def unescape(name: str) -> str:
    """A dash stands for a slash, and \\xNN for a character (systemd-escape(1))."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), name.replace("-", "/"))


def fill_in(text: Text, known: Mapping[str, str]) -> Text:
    """The text with its specifiers replaced."""
    if "%" not in (part.value for part in text if isinstance(part, Letter)):
        return text
    filled: list[Letter | Gap] = []
    at = 0
    while at < len(text):
        part, following = text[at], text[at + 1] if at + 1 < len(text) else None
        if not (isinstance(part, Letter) and part.value == "%" and isinstance(following, Letter)):
            filled.append(part)
            at += 1
            continue
        if following.value == "%":
            filled.append(Letter("%", part.file, part.start, following.end))
        elif following.value in known:
            filled += [Letter(char) for char in known[following.value]]
        elif following.value.isalpha():
            filled.append(Gap(f"the specifier %{following.value}"))
        else:
            filled += [part, following]
        at += 2
    return tuple(filled)
