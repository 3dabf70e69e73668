"""Nobody is let in without the token, by another name, or from another page."""

from __future__ import annotations

import re
import socket
from http.cookies import SimpleCookie
from urllib.parse import quote

import aiohttp
import pytest

from loomtui.errors import CallError, Refused
from loomtui.web.address import Address, resolve
from loomtui.web.guard import Guard
from tests.web.conftest import COOKIE, TOKEN, Serve

PATHS = ("/", "/ws", "/page.js", "/page.css", "/static/js/textual.js", "/static/", "/download/k", "/none")
GOOD = {"Cookie": f"{COOKIE}={TOKEN}"}
BAD = {
    "nothing": "",
    "another value": f"{COOKIE}=another",
    "an empty value": f"{COOKIE}=",
    "a beginning": f"{COOKIE}={TOKEN[:-1]}",
    "more": f"{COOKIE}={TOKEN}x",
    "not ASCII": f"{COOKIE}=\xfc",
    "another name": f"loomtui={TOKEN}",
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cookie", BAD.values(), ids=BAD.keys())
async def test_nothing_is_had_without_the_token(serve: Serve, path: str, cookie: str) -> None:
    async with serve(title="the cluster") as (asked, _):
        for query in ("", "?token=", f"?token={TOKEN}x", f"?Token={TOKEN}", f"?token={quote('ü')}"):
            status, text, headers = await asked.get(path + query, Cookie=cookie)
            assert status == 403
            assert "the cluster" not in text
            assert "Set-Cookie" not in headers


@pytest.mark.parametrize("path", PATHS[1:])
async def test_the_token_in_an_address_opens_the_page_alone(serve: Serve, path: str) -> None:
    async with serve() as (asked, _):
        status, _, headers = await asked.get(f"{path}?token={TOKEN}")
        assert (status, "Set-Cookie" in headers) == (403, False)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND"])
async def test_no_method_goes_round_it(serve: Serve, method: str) -> None:
    async with serve() as (asked, _):
        for path in PATHS:
            assert (await asked.get(path, method))[0] == 403


async def test_the_token_becomes_a_cookie_that_scripts_do_not_see(serve: Serve) -> None:
    async with serve() as (asked, _):
        status, _, headers = await asked.get(f"/?token={TOKEN}")
        assert status == 200
        ((name, cookie),) = SimpleCookie(headers["Set-Cookie"]).items()
        assert (name, cookie.value) == (COOKIE, TOKEN)
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
        assert (cookie["max-age"], cookie["expires"]) == ("", "")  # it goes with the browser
        assert (await asked.get("/", Cookie=f"{name}={cookie.value}"))[0] == 200


async def test_all_that_the_page_needs_is_here(serve: Serve) -> None:
    """No font and no script from elsewhere: it works on a machine without a network."""
    async with serve() as (asked, _):
        told = [(await asked.get(path, **GOOD))[1] for path in ("/", "/page.css", "/page.js")]
        assert not re.search(r"https?://|[\"']//", "".join(told))
        needed = re.findall(r'(?:href|src)="(/[^"]+)"|url\("([^"]+)"\)', "".join(told))
        assert len(needed) >= 6
        for path in ("".join(found) for found in needed):
            assert (await asked.get(path, **GOOD))[0] == 200, path


async def test_the_title_is_text(serve: Serve) -> None:
    async with serve(title="<script>\x1b[31m$title&") as (asked, _):
        text = (await asked.get("/", **GOOD))[1]
        assert "<title>&lt;script&gt;$title&amp;</title>" in text


async def test_folders_are_not_listed_and_not_left(serve: Serve) -> None:
    async with serve() as (asked, _):
        for path in (
            "/static/",
            "/static/js",
            "/static/..%2f..%2fserver.py",
            "/static/%2e%2e/app_service.py",
        ):
            status, text, _ = await asked.get(path, **GOOD)
            assert status in (403, 404), path
            assert "import" not in text


async def test_every_answer_says_what_a_browser_must_not_do(serve: Serve) -> None:
    async with serve() as (asked, _):
        for path in PATHS:
            for headers in (GOOD, {}):
                if path == "/ws" and headers:
                    continue
                found = (await asked.get(path, **headers))[2]
                policy = found["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "script-src 'self';" in policy
                assert found["Referrer-Policy"] == "no-referrer"
                assert found["X-Content-Type-Options"] == "nosniff"
                assert found["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9000", 200),  # an SSH tunnel has a port of its own
        ("localhost:9000", 200),
        ("LOCALHOST", 200),
        ("[::1]:9000", 200),
        ("evil.example", 403),
        ("evil.example:8023", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("[", 403),
        ("", 403),
    ],
)
async def test_another_sites_name_for_our_address_is_refused(serve: Serve, host: str, status: int) -> None:
    async with serve() as (asked, _):
        for path in (f"/?token={TOKEN}", "/page.js"):
            assert (await asked.get(path, Host=host, **GOOD))[0] == status


@pytest.mark.parametrize(
    "origin", ["", "null", "http://evil.example", "http://127.0.0.1:1", "ws://HERE", "["]
)
async def test_another_page_cannot_open_the_socket(serve: Serve, origin: str) -> None:
    async with serve() as (asked, _):
        told = origin.replace("HERE", asked.base.partition("//")[2])
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await asked.socket(Origin=told)
        assert refused.value.status == 403
        async with await asked.socket():
            pass


async def test_a_socket_without_an_origin_is_refused(serve: Serve) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    async with serve() as (asked, _):
        status, _, _ = await asked.get("/ws", **GOOD, **upgrade, **{"Sec-WebSocket-Key": "A" * 22 + "=="})
        assert status == 403


@pytest.mark.parametrize("cookie", BAD.values(), ids=BAD.keys())
async def test_the_socket_wants_the_token(serve: Serve, cookie: str) -> None:
    async with serve() as (asked, _):
        for query in ("", f"?token={TOKEN}"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await asked.socket(query, Cookie=cookie)
            assert refused.value.status == 403


def test_tokens_cannot_be_guessed_and_are_not_shown() -> None:
    guards = [Guard(Address("127.0.0.1", 0, "127.0.0.1")) for _ in range(50)]
    assert len({guard.token for guard in guards}) == len({guard.cookie for guard in guards}) == 50
    assert all(len(guard.token) >= 43 for guard in guards)  # 256 bits
    assert not any(guard.token in repr(guard) for guard in guards)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "2001:db8::1"])
def test_addresses_that_others_reach_are_refused(host: str) -> None:
    with pytest.raises(Refused) as refused:
        resolve(host, 1, anywhere=False)
    assert refused.value.exit_status == 3
    assert resolve(host, 1, anywhere=True).is_loopback is False


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_this_machines_own_addresses_are_served(host: str) -> None:
    address = resolve(host, 8023, anywhere=False)
    assert address.is_loopback
    assert address.answers_to(f"{host}:8023" if ":" not in host else f"[{host}]:8023")


def test_what_is_no_address_is_said() -> None:
    for host in ("no such host", "x" * 300, "127.0.0.1:80", "", "\x1b[31m"):
        with pytest.raises(CallError) as wrong:
            resolve(host, 1, anywhere=True)
        assert "\x1b" not in str(wrong.value)


def test_the_address_for_people() -> None:
    assert Address("::1", 0, "::1").url(80, "t") == "http://[::1]:80/?token=t"
    everywhere = resolve("0.0.0.0", 0, anywhere=True)
    assert everywhere.url(80, "t") == f"http://{socket.gethostname()}:80/?token=t"
    assert everywhere.answers_to(f"{socket.gethostname()}:80")
