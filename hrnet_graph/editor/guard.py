"""Who may ask the editor's server for what: decided from the head of a request alone."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

SOCKET = "socket"
"""The page's name for its socket, beside itself."""

PAGE = "index.html"

COOKIE = "hrnet-graph"

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

_TYPES: Mapping[str, str] = {
    "html": "text/html", "css": "text/css", "js": "text/javascript",
}  # fmt: skip

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")


@dataclass(frozen=True)
class Request:
    """The head of a request; a header that comes twice is no header."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """What is answered at once. A socket is opened by none."""

    status: HTTPStatus
    headers: Mapping[str, str]
    body: bytes = b""


def is_loopback(address: str) -> bool:
    """Whether an address to listen on is this machine's own alone."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _secret() -> str:
    return secrets.token_urlsafe(24)


@dataclass
class Guard:
    """One page and its socket, in a folder of addresses of their own, for whoever has the token.

    The token comes once, as the query of the page's address, and from then on as a cookie that no
    script reads and that is sent to this folder alone: it stays in no history, and other servers
    of this machine never see it. A ticket is a token for one use: command lines, which browsers are
    started by, can be read by others.
    """

    assets: Mapping[str, bytes]
    address: str
    folder: str = field(default_factory=lambda: f"/{_secret()}/")
    token: str = field(default_factory=_secret)
    tickets: set[str] = field(default_factory=set)

    @property
    def is_local(self) -> bool:
        """Whether this machine alone can ask."""
        return is_loopback(self.address)

    def path(self, secret: str) -> str:
        """The page's address on this server, with a token or ticket."""
        return f"{self.folder}?{secret}"

    def ticket(self) -> str:
        """A token for one use."""
        ticket = _secret()
        self.tickets.add(ticket)
        return ticket

    def reply(self, request: Request, sockets_left: int) -> Reply | None:
        """What a request gets; None for a socket that may be opened."""
        host, path = request.headers.get("host", ""), request.target.partition("?")[0]
        if request.method != "GET":
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "expected GET")
        if not self._is_ours(host):
            return _refusal(HTTPStatus.FORBIDDEN, "expected this machine's own name as the Host")
        if request.headers.get("origin", f"http://{host}") != f"http://{host}":
            return _refusal(HTTPStatus.FORBIDDEN, "expected a request of this page's own")
        if path == self.folder and path != request.target:
            return self._exchange(request)
        if not path.startswith(self.folder):
            return _refusal(HTTPStatus.NOT_FOUND, "there is nothing here")
        if not _same(_cookie(request), self.token):
            why = "open the address that `hrnet-graph edit` printed: this one lacks its token"
            return _refusal(HTTPStatus.FORBIDDEN, why)
        name = path.removeprefix(self.folder)
        if name == SOCKET:
            return self._socket(request, sockets_left)
        return self._asset(name or PAGE, host)

    def _is_ours(self, host: str) -> bool:
        """Whether a Host is this machine: a name that leads here may be anybody's."""
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1].lower()
        if name in (*LOOPBACK, self.address.lower(), f"[{self.address.lower()}]"):
            return True
        return not self.is_local and (name == socket.gethostname().lower() or _is_number(name))

    def _exchange(self, request: Request) -> Reply:
        secret = request.target.partition("?")[2]
        ticket = next((known for known in self.tickets if _same(secret, known)), None)
        if ticket is not None:
            self.tickets.discard(ticket)
        elif not _same(secret, self.token):
            why = "open the address that `hrnet-graph edit` printed: this is not its token"
            return _refusal(HTTPStatus.FORBIDDEN, why)
        cookie = f"{COOKIE}={self.token}; Path={self.folder}; HttpOnly; SameSite=Strict"
        if request.headers.get("sec-fetch-site") == "cross-site":  # where none would be sent yet
            headers = {"Set-Cookie": cookie, "Refresh": f"0; url={self.folder}"}
            return _plain(HTTPStatus.OK, "opening the page\n", headers)
        headers = {"Set-Cookie": cookie, "Location": self.folder}
        return _plain(HTTPStatus.SEE_OTHER, "", headers)

    def _socket(self, request: Request, left: int) -> Reply | None:
        if "origin" not in request.headers:
            return _refusal(HTTPStatus.FORBIDDEN, "expected a request of this page's own")
        if left < 1:
            why = "too many pages are open: close one of them"
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, why)
        return None

    def _asset(self, name: str, host: str) -> Reply:
        if name not in self.assets:
            return _refusal(HTTPStatus.NOT_FOUND, "there is nothing here")
        kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        text = "; charset=utf-8" if kind.startswith("text/") else ""
        headers = {"Content-Type": kind + text, **_protection(f"ws://{host}")}
        return Reply(HTTPStatus.OK, headers, self.assets[name])


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())


def _cookie(request: Request) -> str:
    """Our cookie, whatever others of this machine's servers have set beside it."""
    pairs = (pair.strip().partition("=") for pair in request.headers.get("cookie", "").split(";"))
    return next((value for name, _, value in pairs if name == COOKIE), "")


def _protection(socket: str = "") -> dict[str, str]:
    """What a browser is told to refuse for us."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' {socket}".rstrip(),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {what}" for name, what in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def _plain(status: HTTPStatus, text: str, headers: Mapping[str, str]) -> Reply:
    kind = {"Content-Type": "text/plain; charset=utf-8"}
    return Reply(status, {**kind, **_protection(), **headers}, text.encode())


def _refusal(status: HTTPStatus, why: str) -> Reply:
    return _plain(status, f"hrnet-graph: {why}\n", {})
