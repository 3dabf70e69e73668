"""How the screens look, and how they call for attention.

The operator chose it by option or by environment, or it is kept from the last time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import yaml
from platformdirs import user_config_path

from loomtui.errors import CallError
from loomtui.private import make_private
from loomtui.text import clean_line

FILE_NAME = "screens.yml"
THEME_VARIABLE = "LOOMTUI_THEME"
ATTENTION_VARIABLE = "LOOMTUI_ATTENTION"
THEME_NAMES = ("dark", "light", "high-contrast", "colour-blind")
_MAX_BYTES = 64 * 1024


class Calls(StrEnum):
    """How the terminal calls the operator when a run waits, fails or ends and nobody types."""

    ALL = "all"  # a bell, a notification of the desktop, the title of the window
    BELL = "bell"  # a bell, and the title
    TITLE = "title"  # the title alone
    OFF = "off"


@dataclass(frozen=True)
class Settings:
    """`mouse` tells whether the screens take the mouse.

    If it is off, the mouse marks text as in any terminal.
    """

    theme: str = "dark"
    mouse: bool = True
    attention: Calls = Calls.ALL


def default_path() -> Path:
    return user_config_path("loomtui") / FILE_NAME


def load_settings(
    path: Path, environ: Mapping[str, str], theme: str | None = None, attention: str | None = None
) -> Settings:
    """What was given on the command line wins over the environment, and that wins over the file.

    Raises CallError for an unknown name, or a file that says something else than it may.
    """
    settings = _read(path)
    if not path.exists() and _light_terminal(environ):
        settings = replace(settings, theme="light")
    if chosen := _chosen(theme, "--theme", environ, THEME_VARIABLE):
        settings = replace(settings, theme=_theme(*chosen))
    if chosen := _chosen(attention, "--attention", environ, ATTENTION_VARIABLE):
        settings = replace(settings, attention=_calls(*chosen))
    return settings


def _chosen(
    given: str | None, option: str, environ: Mapping[str, str], variable: str
) -> tuple[str, str] | None:
    """The name and where it comes from; None: nobody chose."""
    sources = ((given, option), (environ.get(variable), variable))
    return next(((name, source) for name, source in sources if name), None)


def keep_theme(path: Path, theme: str) -> None:
    """Keeps the theme for the next time. Raises OSError."""
    settings = Settings()
    with suppress(CallError):
        settings = _read(path)
    make_private(path.parent)
    text = "# Written by loomtui when a theme is chosen.\n" + yaml.safe_dump(
        {"theme": theme, "mouse": settings.mouse, "attention": settings.attention.value}, sort_keys=False
    )
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _read(path: Path) -> Settings:
    try:
        with path.open("rb") as file:
            document = yaml.safe_load(file.read(_MAX_BYTES))
    except FileNotFoundError:
        return Settings()
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise CallError(f"the settings {path} cannot be read: {clean_line(str(error))}") from error
    document = {} if document is None else document
    if not isinstance(document, dict) or document.keys() - {"theme", "mouse", "attention"}:
        raise CallError(
            f"the settings {path} may hold the fields theme, mouse and attention, and nothing else."
        )
    mouse = document.get("mouse", True)
    if not isinstance(mouse, bool):
        raise CallError(f"the settings {path}: mouse is true or false.")
    theme = _theme(str(document.get("theme", "dark")), str(path))
    attention = document.get("attention", Calls.ALL.value)
    if attention is False:  # YAML 1.1 reads `off` as that
        attention = Calls.OFF.value
    return Settings(theme, mouse, _calls(str(attention), str(path)))


def _calls(name: str, source: str) -> Calls:
    try:
        return Calls(name)
    except ValueError:
        shown = clean_line(name, limit=40)
        raise CallError(
            f"{source}: there is no attention {shown!r}. There are: {', '.join(Calls)}."
        ) from None


def _theme(name: str, source: str) -> str:
    if name in THEME_NAMES:
        return name
    name_shown = clean_line(name, limit=40)
    raise CallError(f"{source}: there is no theme {name_shown!r}. There are: {', '.join(THEME_NAMES)}.")


def _light_terminal(environ: Mapping[str, str]) -> bool:
    """Some terminals say what their background is: COLORFGBG=0;15 is black on white (rxvt(1))."""
    return environ.get("COLORFGBG", "").rpartition(";")[2] in {"7", "15"}
