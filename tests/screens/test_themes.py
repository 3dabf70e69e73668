"""Themes, what is kept of them, and screens without colour."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

from loomtui.errors import CallError
from screens import settings
from screens.modals.theme import ThemeDialog
from screens.styles import themes
from tests.screens import scenes
from tests.screens.fake import FakeEngine
from tests.screens.helping import LARGE, make_app, press, running, screen_text, until

TONES = ("text-success", "text-warning", "text-error", "text-accent", "text-primary")
GROUNDS = ("background", "surface", "panel", "primary-muted")


def test_the_names_are_those_of_the_settings() -> None:
    assert tuple(theme.name for theme in themes.THEMES) == settings.THEME_NAMES


def luminance(colour: Color) -> float:
    """Relative, after WCAG 2.2."""
    parts = [part / 255 for part in colour.rgb]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", themes.THEMES, ids=lambda theme: str(theme.name))
def test_every_text_can_be_read(theme: Theme) -> None:
    least = 7.0 if theme is themes.HIGH_CONTRAST else 4.5
    colours = theme.to_color_system().generate()
    ratios = {
        (tone, ground): contrast(colours[tone], colours[ground])
        for tone in (*TONES, "foreground")
        for ground in GROUNDS
    }
    assert not {pair: ratio for pair, ratio in ratios.items() if ratio < least}


#: Red-green blindness as linear transforms of linear sRGB (Viénot, Brettel, Mollon 1999).
_SEEN = {
    "protan": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deutan": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}


def colour_seen(colour: str, by: str) -> Color:
    rgb = [(part / 255) ** 2.2 for part in Color.parse(colour).rgb]
    mixed = [
        max(0.0, min(1.0, sum(weight * part for weight, part in zip(row, rgb, strict=True))))
        for row in _SEEN[by]
    ]
    return Color(*(round(255 * part ** (1 / 2.2)) for part in mixed))


def apart(one: Color, other: Color) -> float:
    return sum(abs(a - b) for a, b in zip(one.rgb, other.rgb, strict=True))


@pytest.mark.parametrize("by", _SEEN)
def test_good_and_bad_are_apart_for_the_colour_blind(by: str) -> None:
    tones = themes.COLOUR_BLIND.variables
    good, warn, bad = (colour_seen(tones[f"text-{name}"], by) for name in ("success", "warning", "error"))
    assert min(apart(good, warn), apart(good, bad), apart(warn, bad)) > 60


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "screens.yml"
    assert settings.load_settings(path, {}).theme == "dark"
    assert settings.load_settings(path, {"COLORFGBG": "0;15"}).theme == "light"
    settings.keep_theme(path, "colour-blind")
    assert settings.load_settings(path, {"COLORFGBG": "0;15"}).theme == "colour-blind"
    environ = {settings.THEME_VARIABLE: "light"}
    assert settings.load_settings(path, environ).theme == "light"
    assert settings.load_settings(path, environ, "high-contrast").theme == "high-contrast"


def test_a_chosen_theme_leaves_the_rest_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "screens.yml"
    path.write_text("mouse: false\nattention: bell\n", encoding="utf-8")
    settings.keep_theme(path, "light")
    kept = settings.Settings("light", mouse=False, attention=settings.Calls.BELL)
    assert settings.load_settings(path, {}) == kept
    assert [file.name for file in tmp_path.iterdir()] == ["screens.yml"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("theme: pink", "there is no theme 'pink'"),
        ("mouse: maybe", "mouse is true or false"),
        ("colour: red", "may hold the fields theme, mouse and attention"),
        ("- dark", "may hold the fields theme, mouse and attention"),
        ("theme: [", "cannot be read"),
        ("attention: loud", "there is no attention 'loud'. There are: all, bell, title, off"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "screens.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CallError, match=problem):
        settings.load_settings(path, {})


def test_who_chooses_how_the_terminal_calls(tmp_path: Path) -> None:
    path = tmp_path / "screens.yml"
    assert settings.load_settings(path, {}).attention is settings.Calls.ALL
    path.write_text("attention: off\n", encoding="utf-8")  # which YAML 1.1 takes for false
    assert settings.load_settings(path, {}).attention is settings.Calls.OFF
    environ = {settings.ATTENTION_VARIABLE: "title", settings.THEME_VARIABLE: "light"}
    chosen = settings.load_settings(path, environ)
    assert (chosen.theme, chosen.attention) == ("light", settings.Calls.TITLE)
    assert settings.load_settings(path, environ, attention="bell").attention is settings.Calls.BELL
    with pytest.raises(CallError, match="--attention: there is no attention 'x'"):
        settings.load_settings(path, {}, attention="x")


def test_a_wrong_theme_of_the_environment_is_told(tmp_path: Path) -> None:
    with pytest.raises(CallError, match=r"LOOMTUI_THEME: there is no theme 'pi\[nk'"):
        settings.load_settings(tmp_path / "none", {settings.THEME_VARIABLE: "pi[nk"})


async def test_a_theme_is_seen_while_it_is_chosen_and_kept_when_it_is_taken() -> None:
    themes_kept: list[str] = []
    app = make_app(FakeEngine(scenes.healthy()), keep_theme=themes_kept.append)
    async with app.run_test(notifications=True) as pilot:
        await press(pilot, "T", "down")
        await until(pilot, lambda: app.theme == "light")
        assert not themes_kept
        await press(pilot, "escape")
        assert app.theme == "dark"
        await press(pilot, "T", "down", "down", "enter")
        assert app.theme == "high-contrast"
        assert themes_kept == ["high-contrast"]


async def test_a_theme_that_cannot_be_kept_is_used_and_told() -> None:
    def full(name: str) -> None:
        raise OSError(28, "No space left on device")

    app = make_app(FakeEngine(scenes.healthy()), keep_theme=full)
    async with app.run_test(notifications=True) as pilot:
        await press(pilot, "T", "down", "enter")
        await until(pilot, lambda: "could not be kept" in screen_text(app))
        assert not isinstance(app.screen, ThemeDialog)
        assert app.theme == "light"


async def test_no_colour_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(FakeEngine(scenes.degraded()), LARGE) as (app, pilot):
        await pilot.pause()
        styles = {
            segment.style
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if segment.style is not None
        }
        colours = {colour for style in styles for colour in (style.color, style.bgcolor) if colour}
        assert all(colour.is_default for colour in colours)
        row = next(strip for strip in app.screen._compositor.render_strips() if "● running" in strip.text)
        assert all(segment.style and segment.style.reverse for segment in row if "db1" in segment.text)
