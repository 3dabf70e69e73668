"""Packages that only some commands need, and that are not installed with loomtui unless asked for."""

from __future__ import annotations

from importlib.util import find_spec

from loomtui.errors import CallError


def need(module: str, requirement: str, command: str, extra: str) -> None:
    """Raises CallError where the module cannot be imported. `requirement`: what pip is to be given."""
    if find_spec(module) is None:
        raise CallError(
            f"{command} needs a package that is not installed: {requirement}.",
            advice=f"Install it with pip beside loomtui: '{requirement}', or loomtui's extra {extra}.",
        )
