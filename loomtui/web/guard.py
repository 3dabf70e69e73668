"""Who is let in: whoever has the token, by a name that is ours, from a page that is ours. Nobody else."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from loomtui.web.address import Address

_REFUSAL = "Refused. Open the address that `loomtui serve` has printed.\n"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        "img-src data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Server": "loomtui",
}


@dataclass(frozen=True)
class Guard:
    """The token comes once in the address, then as a cookie that scripts do not see.

    Cookies know no ports: with a name of its own, that of another server on the same host is not replaced.
    """

    address: Address
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    cookie: str = field(default_factory=lambda: f"loomtui-{secrets.token_hex(4)}")

    def put_before(self, app: web.Application) -> None:
        app.middlewares.append(self._middleware())
        app.on_response_prepare.append(_harden)

    def _middleware(self) -> Middleware:
        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            known = self._is(request.cookies.get(self.cookie))
            enters = request.path == "/" and self._is(request.query.get("token"))
            host = request.headers.get("Host", "")
            meant = self.address.answers_to(host) and not _from_elsewhere(request, host)
            if not meant or not (known or enters):
                raise web.HTTPForbidden(text=_REFUSAL)
            response = await handler(request)
            if enters:
                response.set_cookie(self.cookie, self.token, httponly=True, samesite="Strict")
            return response

        return guarded

    def _is(self, token: str | None) -> bool:
        return token is not None and hmac.compare_digest(token.encode(errors="replace"), self.token.encode())


def _from_elsewhere(request: web.Request, host: str) -> bool:
    """Browsers say which page opens a WebSocket, and let any page open one."""
    origin = request.headers.get("Origin")
    if origin is None:
        return "Upgrade" in request.headers
    try:
        origin_url = urlsplit(origin)
    except ValueError:
        return True
    return origin_url.scheme not in ("http", "https") or origin_url.netloc != host


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
