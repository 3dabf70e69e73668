"""`loomtui serve` in a real browser: what a person sees there, and what other pages cannot do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from loomtui.drill.practice import Practice, practice
from tests.browser.chromium import Page, chromium
from tests.web.serving import Served, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def small() -> Iterator[Practice]:
    with practice("healthy", 2, block_seconds=0.5) as cluster:
        yield cluster


@pytest.fixture
def served(small: Practice, home: Path, tmp_path: Path) -> Iterator[Served]:
    env = {**small.environment, "HOME": str(home), "LOOMTUI_INVENTORY": str(small.inventory_path)}
    with serving(env=env, cwd=tmp_path) as found:
        yield found


@asynccontextmanager
async def opened(served: Served, tmp_path: Path) -> AsyncIterator[Page]:
    async with chromium(tmp_path / "profile") as page:
        await page.open(served.url)
        yield page


async def test_the_health_of_all_nodes_is_read_in_a_browser(
    served: Served, small: Practice, tmp_path: Path
) -> None:
    async with opened(served, tmp_path) as page:
        text = await page.shows(lambda text: text.count("● running") >= len(small.names))
        for part in ("Cluster health", "read-only", *small.names):
            assert part in text
        await page.press("b")
        assert "Backups" in await page.shows(lambda text: "╭─ Backups" in text)
        await page.picture(tmp_path / "backups.png")
        assert await page.run("document.title") == "practice-healthy - loomtui"
        assert page.faults == []


async def test_nothing_is_asked_of_any_other_host(served: Served, small: Practice, tmp_path: Path) -> None:
    async with opened(served, tmp_path) as page:
        await page.shows(lambda text: "val-1" in text)
        here = (served.base, served.base.replace("http:", "ws:"))
        assert len(page.requests) >= 6
        assert [url for url in page.requests if not url.startswith(here) and url != "data:,"] == []
        assert await page.run("document.fonts.check('16px \"Roboto Mono\"')") is True


async def test_the_token_does_not_stay_in_sight(served: Served, small: Practice, tmp_path: Path) -> None:
    async with opened(served, tmp_path) as page:
        await page.shows(lambda text: "val-1" in text)
        assert await page.run("location.href") == f"{served.base}/"
        assert await page.run("document.cookie") == ""
        await page.open(f"{served.base}/")
        await page.shows(lambda text: "val-1" in text)


async def test_the_view_ends_with_a_word_and_begins_again(
    served: Served, small: Practice, tmp_path: Path
) -> None:
    async with opened(served, tmp_path) as page:
        await page.shows(lambda text: "val-1" in text)
        assert await page.run("document.getElementById('end').checkVisibility()") is False
        await page.press("q")
        await page.comes_true("document.getElementById('end').checkVisibility()")
        assert "The view has ended." in await page.run("document.body.innerText")
        async with page.loading():
            await page.run("document.getElementById('again').click()")
        await page.shows(lambda text: "val-1" in text)


async def test_without_the_token_a_browser_sees_nothing(served: Served, tmp_path: Path) -> None:
    async with chromium(tmp_path / "profile") as page:
        for url in (served.base, served.url[:-1], f"{served.base}/static/js/textual.js"):
            await page.open(url)
            assert (await page.run("document.body.innerText")).startswith("Refused.")


async def test_a_page_beside_ours_cannot_look(served: Served, small: Practice, tmp_path: Path) -> None:
    """On another port of this host it is the same site: the browser sends it our cookie."""

    async def beside(_request: web.Request) -> web.Response:
        return web.Response(text="<p>beside", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", beside)
    async with TestServer(app) as other, opened(served, tmp_path) as page:
        await page.shows(lambda text: "val-1" in text)
        await page.open(f"http://127.0.0.1:{other.port}/")
        outcome = await page.run(
            "new Promise((resolve) => {"
            f" const socket = new WebSocket('{served.base.replace('http', 'ws', 1)}/ws');"
            " socket.onopen = () => resolve('open'); socket.onerror = () => resolve('refused'); })"
        )
        assert outcome == "refused"
