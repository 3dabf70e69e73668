"""loomtui against S3 servers of different origin. One that cannot be had is skipped; in CI that fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ability import give_up
from tests.stores.cases import CASES, Tried, tried
from tests.stores.servers import SERVERS
from tests.stores.tree import StoreError

# The first one may have to make the tree.
pytestmark = [pytest.mark.stores, pytest.mark.timeout(2_400)]


@pytest.fixture(scope="module", params=SERVERS)
def store(request: pytest.FixtureRequest) -> Iterator[Tried]:
    context = SERVERS[request.param]()
    try:
        server = context.__enter__()
    except StoreError as error:
        give_up(str(error))
    made = tried(server)
    yield made
    made.client.close()
    context.__exit__(None, None, None)


@pytest.mark.parametrize("case", CASES)
async def test_a_case(store: Tried, home: object, case: str) -> None:
    assert await CASES[case](store)
