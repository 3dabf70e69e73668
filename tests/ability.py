"""What a test needs of the machine. Without it the test is skipped with the reason; in CI it fails."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def give_up(why: str) -> NoReturn:
    """Ends the test. Nobody reads skips in CI (`CI=true`), so there it is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def program(name: str, package: str) -> str:
    """Where the program is that this Debian package has."""
    return shutil.which(name) or give_up(f"there is no {name}: install Debian's package {package}")


def root() -> None:
    if os.getuid() != 0:
        give_up("only root may do that")
