"""The lab for its tests. Where it cannot be had they are skipped with the reason; in CI they fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from loomtui.fleet.fleet import Refuse, WritableFleet
from tests.ability import give_up
from tests.lab.client import Lab, lab
from tests.lab.needs import missing
from tests.lab.proof import is_well
from tests.lab.tree import debian_tree

_SECONDS = 1800  # of one test: the first one may have to make the tree


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each worker has one lab, and whole modules to run with it: `-n 2 --dist loadgroup`."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.lab)
            item.add_marker(pytest.mark.xdist_group(item.path.name))
            item.add_marker(pytest.mark.timeout(_SECONDS))


@pytest.fixture(scope="session")
def possible() -> None:
    """Ends the test where there can be no lab."""
    if why := missing():
        give_up(why)
    debian_tree()


class Labs:
    """One lab for module after module; another one where a test has left it unwell."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._lab: Lab | None = None

    def well(self) -> Lab:
        if self._lab is None or not is_well(self._lab):
            self.close()
            self._lab = self._stack.enter_context(lab())
        return self._lab

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="session")
def labs(possible: None) -> Iterator[Labs]:
    with closing(Labs()) as kept:
        yield kept


@pytest.fixture(scope="module")
def shared(labs: Labs) -> Iterator[Lab]:
    """A healthy cluster, and S3's credentials, for the tests of many modules, each of which leaves it well.

    It may have been restored, so that its heights are what the last test has left.
    """
    started = labs.well()
    with _credentials(started):
        yield started


@pytest.fixture(scope="module")
def own(possible: None) -> Iterator[Lab]:
    """The same for one module that does not leave it as it was."""
    with lab() as started, _credentials(started):
        yield started


@contextmanager
def _credentials(started: Lab) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in started.environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
async def fleet(shared: Lab) -> AsyncIterator[WritableFleet]:
    """Logged in as the user who has sudo without a password; nobody is there to answer questions."""
    async with WritableFleet(shared.inventory(), Refuse()) as connected:
        yield connected
