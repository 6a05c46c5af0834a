"""Who may ask the dashboard for anything: checked before every request, also before those of a page's web socket.

On the computer itself everybody may. What must not is a page of somebody else in the same browser, so a request has to
name the dashboard as its host (a name that somebody let point here is refused) and, where the browser says so, come
from its own page. From other computers a token is needed, once for each browser.
"""

import hashlib
import hmac
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

from motet.errors import FileProblems, Problem

COOKIE = "motet-dashboard"
TOKEN_VARIABLE = "MOTET_DASHBOARD_TOKEN"  # noqa: S105 - where it is, not what it is
SHORTEST = 16
"""A token that can be guessed is none."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Access:
    """`host` is what is listened on; `token` is None where none is needed."""

    host: str
    token: str | None = None

    @property
    def cookie(self) -> str:
        """What a browser that has shown the token keeps; the token cannot be told from it."""
        assert self.token is not None
        return hmac.new(self.token.encode(), COOKIE.encode(), hashlib.sha256).hexdigest()

    def refusal(self, method: str, headers: Mapping[str, str]) -> str:
        """Why a request is refused, whoever makes it; empty when it is not. Header names in lower case."""
        host = headers.get("host", "")
        name = _name(host)
        if self.token is None and name not in (*_LOOPBACK, self.host):
            return f"this dashboard is at {self.host}, not at {name!r}"
        origin = headers.get("origin")
        if origin is not None and _netloc(origin) != host.lower():
            return f"a page of {origin} may not use this dashboard; it came here as {host!r}"
        if method not in ("GET", "HEAD") and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return "a page of another site may not use this dashboard"
        return ""

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Whether a request shows the token, in `Authorization: Bearer ...` or as a cookie."""
        if self.token is None:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return (scheme.lower() == "bearer" and self.is_token(given.strip())) or _same(_cookie(headers), self.cookie)

    def is_token(self, given: str) -> bool:
        """Whether somebody has written the token."""
        return self.token is not None and _same(given, self.token)


def access_for(host: str, token_file: Path | None) -> Access:
    """Who may ask a dashboard that listens on `host`. Raises FileProblems when others could, and there is no token."""
    token, where = os.environ.get(TOKEN_VARIABLE), TOKEN_VARIABLE
    if token_file is not None:
        lines, where = token_file.read_bytes().splitlines(), str(token_file)
        token = lines[0].decode(errors="surrogateescape").strip() if lines else ""
    if token is not None and not (token.isascii() and token.isprintable()):
        needed = "letters, digits and signs of ASCII are needed: a request carries nothing else unharmed"
        raise FileProblems([Problem(where, None, "", "a token with other characters", needed)])
    if token is not None and len(token) < SHORTEST:
        found = f"a token of {len(token)} characters"
        raise FileProblems([Problem(where, None, "", found, f"at least {SHORTEST} are needed")])
    if token is None and not is_loopback(host):
        needed = f"from other computers a token is needed: --token-file FILE, or the variable {TOKEN_VARIABLE}"
        raise FileProblems([Problem("--host", None, "", host, needed)])
    return Access(host, token)


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _same(given: str, wanted: str) -> bool:
    """In the same time whatever the difference."""
    return hmac.compare_digest(given.encode(), wanted.encode())
