"""Access: who may call. A layer around the app, for HTTP and WebSocket alike."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from legato.clock import Clock
from legato.server.failures import Refusal
from legato.server.figures import Figures
from legato.server.rate_limit import RateLimit
from legato.server.settings import ServerSettings

WATCHED = ("/health", "/ready")
"""Paths that tell whoever watches the server how it is: always, and nothing else."""
_PAGE = "/page/"  # the web page's own files, and "/", hold nothing secret
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_POLICY_VIOLATION = 1008
_DENIAL = "websocket.http.response"  # a server that can answer a WebSocket's request as any other


class Access:
    """Refuses what comes by a strange name, from a web page that is not welcome, without the key,
    or too often. Watchers of the server's health need no key.
    """

    def __init__(
        self, app: ASGIApp, settings: ServerSettings, figures: Figures, clock: Clock
    ) -> None:
        self._app = app
        self._key = settings.api_key.encode()
        self._origins = settings.cors_origins
        self._hosts = settings.allowed_hosts or _usual_hosts(settings.host)
        self._figures = figures
        self._clock = clock
        self._rate = RateLimit(settings.calls_per_minute, settings.calls_at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or answer in the app's place."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket" and _DENIAL not in scope.get("extensions", {}):
            close = WebSocketClose(_POLICY_VIOLATION, refusal.message)
            await close(scope, receive, send)
        else:
            await refusal.response()(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        reason = refusal = None
        if not self._knows_host(headers.get("host", "")) and scope["path"] not in WATCHED:
            reason, refusal = "host", Refusal(421, "this server does not go by that name")
        elif not self._welcomes(headers) or _embedded_elsewhere(scope, headers):
            message = "web pages of that origin may not call: see cors_origins"
            reason, refusal = "origin", Refusal(403, message, code="origin_not_allowed")
        elif not _open_to_all(scope):
            # Before the key: who guesses keys must not do so without end.
            if (wait_s := self._rate.wait_s(_client_of(scope), self._clock.now_s())) > 0.0:
                reason, refusal = "rate", _too_often(wait_s)
            elif self._key and not hmac.compare_digest(_key_of(scope, headers), self._key):
                reason, refusal = "key", _WITHOUT_KEY
        if reason is not None:
            self._figures.refused(reason)
        return refusal

    def _knows_host(self, host: str) -> bool:
        """Pages that got themselves this server's address call it by their own name."""
        return not self._hosts or _name_of(host) in self._hosts

    def _welcomes(self, headers: Headers) -> bool:
        """Browsers say where the page that calls comes from; other clients do not."""
        origin = headers.get("origin")
        if origin is None or origin in self._origins or "*" in self._origins:
            return True
        return origin.partition("://")[2] == headers.get("host", "")


def _embedded_elsewhere(scope: Scope, headers: Headers) -> bool:
    """Whether a strange page loads it as a sound or an image: browsers tell no origin of those.

    Who follows a link to here is welcome.
    """
    return (
        not _open_to_all(scope)
        and "origin" not in headers
        and headers.get("sec-fetch-site") == "cross-site"
        and headers.get("sec-fetch-mode") != "navigate"
    )


_WITHOUT_KEY = Refusal(
    401,
    "a key is needed: send it as `Authorization: Bearer KEY`",
    code="invalid_api_key",
    headers={"WWW-Authenticate": "Bearer"},
)


def _too_often(wait_s: float) -> Refusal:
    headers = {"Retry-After": str(int(wait_s) + 1)}
    return Refusal(429, "too many calls: wait", code="rate_limit_exceeded", headers=headers)


def _usual_hosts(address: str) -> Collection[str]:
    """Loopback names where it listens on loopback alone, else any."""
    if address == "localhost":
        return _LOOPBACK_NAMES
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        return ()
    return (*_LOOPBACK_NAMES, address) if loopback else ()


def _name_of(host: str) -> str:
    """Without the port, and IPv6 without its brackets."""
    return (urlsplit(f"//{host}").hostname or "") if _well_formed(host) else ""


def _well_formed(host: str) -> bool:
    try:
        urlsplit(f"//{host}")
    except ValueError:
        return False
    return True


def _open_to_all(scope: Scope) -> bool:
    path = scope["path"]
    return path == "/" or path in WATCHED or path.startswith(_PAGE)


def _key_of(scope: Scope, headers: Headers) -> bytes:
    """The key that came along. Browsers cannot give a WebSocket a header: there the query may."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "bearer":
        query = scope["query_string"].decode("latin-1") if scope["type"] == "websocket" else ""
        key = parse_qs(query).get("api_key", [""])[0]
    return key.strip().encode()


def _client_of(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
