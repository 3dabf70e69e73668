"""Packages that only some commands need, and that are not installed with loomtui unless asked for."""

from __future__ import annotations

import shlex
from importlib.util import find_spec

from loomtui.errors import CallError


def need(command: str, extra: str, **requirements: str) -> None:
    """Raises CallError if a module is missing. `requirements` says what to give to pip for each module."""
    missing = [requirement for module, requirement in requirements.items() if find_spec(module) is None]
    if missing:
        raise CallError(
            f"{command} needs what is not installed: {', '.join(missing)}.",
            advice=f"Install it with pip beside loomtui: {shlex.join(missing)}, or loomtui's extra {extra}.",
        )
