"""How the screens look.

The operator chose it by option or by environment, or it is kept from the last time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from platformdirs import user_config_path

from loomtui.errors import CallError
from loomtui.private import make_private
from loomtui.text import clean_line

FILE_NAME = "screens.yml"
THEME_VARIABLE = "LOOMTUI_THEME"
THEME_NAMES = ("dark", "light", "high-contrast", "colour-blind")
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class Settings:
    """`mouse` tells whether the screens take the mouse.

    If it is off, the mouse marks text as in any terminal.
    """

    theme: str = "dark"
    mouse: bool = True


def default_path() -> Path:
    return user_config_path("loomtui") / FILE_NAME


def load_settings(path: Path, environ: Mapping[str, str], theme: str | None = None) -> Settings:
    """`theme`, as given on the command line, wins over the environment, and that wins over the file.

    Raises CallError for an unknown theme, or a file that says something else than it may.
    """
    settings = _read(path)
    if not path.exists() and _light_terminal(environ):
        settings = replace(settings, theme="light")
    for name, source in ((theme, "--theme"), (environ.get(THEME_VARIABLE), THEME_VARIABLE)):
        if name:
            return replace(settings, theme=_theme(name, source))
    return settings


def keep_theme(path: Path, theme: str) -> None:
    """Keeps the theme for the next time. Raises OSError."""
    settings = Settings()
    with suppress(CallError):
        settings = _read(path)
    make_private(path.parent)
    text = "# Written by loomtui when a theme is chosen.\n" + yaml.safe_dump(
        {"theme": theme, "mouse": settings.mouse}, sort_keys=False
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
    if not isinstance(document, dict) or document.keys() - {"theme", "mouse"}:
        raise CallError(f"the settings {path} may hold the fields theme and mouse, and nothing else.")
    mouse = document.get("mouse", True)
    if not isinstance(mouse, bool):
        raise CallError(f"the settings {path}: mouse is true or false.")
    return Settings(_theme(str(document.get("theme", "dark")), str(path)), mouse)


def _theme(name: str, source: str) -> str:
    if name in THEME_NAMES:
        return name
    name_shown = clean_line(name, limit=40)
    raise CallError(f"{source}: there is no theme {name_shown!r}. There are: {', '.join(THEME_NAMES)}.")


def _light_terminal(environ: Mapping[str, str]) -> bool:
    """Some terminals say what their background is: COLORFGBG=0;15 is black on white (rxvt(1))."""
    return environ.get("COLORFGBG", "").rpartition(";")[2] in {"7", "15"}
