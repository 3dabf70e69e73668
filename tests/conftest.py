"""What holds for every test: nobody's own configuration is seen, nothing leaves the machine."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_HIDDEN = ("XDG_", "AWS_", "SSH_", "LOOMTUI_", "BOTO")
_NAMES_A_TEST = 24  # bytes
_LONGEST_NAME = 120  # characters
#: Their tests drive an app or a cluster. They begin first: the quick ones of the others even out the end.
_LONG_TESTS = ("screens", "restore", "cli", "drill", "security")
_ALSO_HIDDEN = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TEXTUAL", "COLUMNS", "LINES")

settings.register_profile("loomtui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "deep", max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
settings.load_profile("loomtui")


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected, so that modules see it when they are imported."""
    home = tempfile.mkdtemp(prefix="loomtui-home-")
    config.stash[_HOME] = home
    for name in list(os.environ):
        if name.startswith(_HIDDEN) or name in _ALSO_HIDDEN:
            del os.environ[name]
    os.environ["HOME"] = home
    for number in (signal.SIGHUP, signal.SIGINT):  # nohup(1) and scripts' jobs in the background ignore them
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # workers and commands are started by hundreds
    os.environ["TZ"] = "UTC"
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes that were just made (compressed, signed) differ in every process; a test's name must not.

    Nor does a text of thousands of letters name a test.
    """
    is_long = (isinstance(val, bytes) and len(val) > _NAMES_A_TEST) or (
        isinstance(val, str) and len(val) > _LONGEST_NAME
    )
    return argname if is_long else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def room(item: pytest.Item) -> str:
        return item.path.relative_to(Path(__file__).parent).parts[0]

    items.sort(
        key=lambda item: _LONG_TESTS.index(room(item)) if room(item) in _LONG_TESTS else len(_LONG_TESTS)
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[_HOME], ignore_errors=True)


_HOME = pytest.StashKey[str]()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, empty."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return path
