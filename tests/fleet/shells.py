"""The shells of this machine that stand for /bin/sh of a node."""

from __future__ import annotations

import shutil

Shell = tuple[str, ...]

_KNOWN: tuple[Shell, ...] = (("dash",), ("bash",), ("busybox", "sh"))
SHELLS: tuple[Shell, ...] = tuple(shell for shell in _KNOWN if shutil.which(shell[0]))
