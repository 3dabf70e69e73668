"""Which inventory is used: -i, LOOMTUI_INVENTORY, ./inventory.yml, the user's config folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from loomtui.errors import CallError
from loomtui.inventory import find


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    config = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    found = {
        "given": tmp_path / "given.yml",
        "named": tmp_path / "named.yml",
        "here": tmp_path / "cwd" / "inventory.yml",
        "user": config / "loomtui" / "inventory.yml",
    }
    for path in found.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    return found


def test_order(places: dict[str, Path]) -> None:
    cwd = places["here"].parent
    environ = {"LOOMTUI_INVENTORY": str(places["named"])}
    assert find(places["given"], environ, cwd) == places["given"]
    assert find(None, environ, cwd) == places["named"]
    assert find(None, {}, cwd) == places["here"]
    places["here"].unlink()
    assert find(None, {}, cwd) == places["user"]


def test_none_found_names_the_places_and_what_to_do(places: dict[str, Path]) -> None:
    places["here"].unlink()
    places["user"].unlink()
    with pytest.raises(CallError) as caught:
        find(None, {}, places["here"].parent)
    message = str(caught.value)
    assert str(places["here"]) in message
    assert str(places["user"]) in message
    assert "-i FILE" in message


def test_what_was_named_is_never_passed_over(places: dict[str, Path], tmp_path: Path) -> None:
    cwd = places["here"].parent
    with pytest.raises(CallError, match="named by -i, does not exist"):
        find(tmp_path / "missing.yml", {}, cwd)
    with pytest.raises(CallError, match="named by LOOMTUI_INVENTORY, is not a file"):
        find(None, {"LOOMTUI_INVENTORY": str(tmp_path)}, cwd)
