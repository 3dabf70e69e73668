"""The lab for its tests. Where it cannot be had they are skipped with the reason; in CI they fail."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from loomtui.fleet.fleet import Refuse, WritableFleet
from tests.lab.client import Lab, lab
from tests.lab.needs import missing
from tests.lab.tree import debian_tree

_SECONDS = 1800  # of one test: the first one may have to make the tree


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One lab at a time, also where tests run side by side."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.lab)
            item.add_marker(pytest.mark.xdist_group("lab"))
            item.add_marker(pytest.mark.timeout(_SECONDS))


def give_up(why: str) -> NoReturn:
    """Skips with the reason; in CI, where nobody reads skips, that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def possible() -> None:
    """Ends the test where there can be no lab."""
    if why := missing():
        give_up(why)
    debian_tree()


@pytest.fixture(scope="module")
def shared(possible: None) -> Iterator[Lab]:
    """A healthy cluster, and S3's credentials, for the tests of one module, each of which leaves it well."""
    with _with_credentials() as started:
        yield started


@pytest.fixture
def fresh(possible: None) -> Iterator[Lab]:
    """The same for one test."""
    with _with_credentials() as started:
        yield started


@contextmanager
def _with_credentials() -> Iterator[Lab]:
    with lab() as started, pytest.MonkeyPatch.context() as patch:
        for name, value in started.environment.items():
            patch.setenv(name, value)
        yield started


@pytest.fixture
async def fleet(shared: Lab) -> AsyncIterator[WritableFleet]:
    """Logged in as the user who has sudo without a password; nobody is there to answer questions."""
    async with WritableFleet(shared.inventory(), Refuse()) as connected:
        yield connected
