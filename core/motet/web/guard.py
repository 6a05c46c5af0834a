"""Stands before the whole application, page, API and web socket alike: see `motet.web.access`."""

from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from motet.web.access import COOKIE, Access
from motet.web.body import LONGEST_S, MOST_BYTES, Gone, TooLong, read_again, whole

LOGIN = "/login"
_PAGE = Path(__file__).with_name("login.html")
_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",  # nobody lays this page invisibly over another
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with `no-referrer` a form of our own would come from the origin `null`
}
_READ_ONLY = ("GET", "HEAD")


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access
        self._login = _PAGE.read_text()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            answer = self._refusal(scope)
            if answer is None and scope["type"] == "http" and scope["method"] not in _READ_ONLY:
                receive = read_again(await whole(receive), receive)
        except TooLong:
            answer = JSONResponse({"detail": f"at most {MOST_BYTES} bytes are read"}, 413)
        except TimeoutError:
            answer = JSONResponse({"detail": f"the request was not there within {LONGEST_S:g} s"}, 408)
        except Gone:
            return
        if answer is None and self._is_login(scope):
            answer = await self._shown(Request(scope, receive))
        if answer is None:
            await self._app(scope, receive, _guarded(send))
        elif scope["type"] == "http":
            await answer(scope, receive, _guarded(send))
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    def _is_login(self, scope: Scope) -> bool:
        return self._access.token is not None and scope["type"] == "http" and scope["path"] == LOGIN

    def _refusal(self, scope: Scope) -> Response | None:
        """None for a request that may go on; by its head alone."""
        headers, access = Headers(scope=scope), self._access
        method = scope.get("method", "GET")
        if refusal := access.refusal(method, headers):
            return JSONResponse({"detail": refusal}, 403)
        if self._is_login(scope) or access.knows(headers):
            return None
        if method == "GET" and "text/html" in headers.get("accept", ""):
            return RedirectResponse(LOGIN, 303)
        return JSONResponse({"detail": "a token is needed: `Authorization: Bearer TOKEN`"}, 401)

    async def _shown(self, request: Request) -> Response:
        """The page that asks for the token, and what it sends."""
        if request.method != "POST":
            return HTMLResponse(self._login.replace("{said}", ""))
        given = parse_qs((await request.body()).decode(errors="replace")).get("token", [""])[0]
        if not self._access.is_token(given.strip()):
            return HTMLResponse(self._login.replace("{said}", "That is not the token."), 401)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, self._access.cookie, max_age=30 * 86_400, httponly=True, samesite="lax")
        return answer


def _guarded(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return sent
