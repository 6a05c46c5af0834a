"""Serves the dashboard until the process is told to end."""

import asyncio
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from motet.errors import ConnectionProblem, MotetError, PluginProblem
from motet.plugins import installed
from motet.web.access import Access

if TYPE_CHECKING:
    from fastapi import FastAPI

GRACE_S = 1
"""How long the requests that are under way may take when it is told to end, seconds; whole ones."""


@dataclass(frozen=True, slots=True)
class Options:
    """Which lab, the folder with its latch and store, and where to listen; port 0 for a free one."""

    lab: Path
    data: Path
    access: Access
    port: int


def serve(options: Options, ready: Callable[[str, str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told the lab's name and the page's address.

    Raises FileProblems, PluginProblem without the extra `web`, and ConnectionProblem when the port cannot be had.
    """
    with listening(options.access.host, options.port) as listener:
        asyncio.run(_serve(options, listener, ready))


async def _serve(options: Options, listener: socket.socket, ready: Callable[[str, str], None]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        import_module("uvicorn")
        from motet.api.watch import Watch
        from motet.web.app import application
        from motet.web.page import add_page
    except ModuleNotFoundError as error:
        raise PluginProblem(
            f"the dashboard needs {error.name}, which is not installed: pip install 'motet[web]'"
        ) from error

    async with Watch(options.lab, options.data, installed()) as watch:
        app = application(watch, options.access)
        add_page(app, watch)
        where = url(options.access.host, listener.getsockname()[1])
        await serve_until(ended, app, listener, lambda: ready(watch.lab.lab, where))


async def serve_until(
    ended: asyncio.Event, app: "FastAPI", listener: socket.socket, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve an application until that is set. Raises MotetError when it cannot start."""
    import uvicorn

    class Server(uvicorn.Server):
        """Ends when we say so, and says when it is there."""

        @contextmanager
        def capture_signals(self) -> Generator[None]:
            yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    ending = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait([serving, ending], return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        ending.cancel()
        await serving
    if not server.started:
        raise MotetError("the dashboard could not start; its log says why")


def url(host: str, port: int) -> str:
    """The address of the page, as a person on this computer writes it."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - all of them, this one among them
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 for a free one. Raises ConnectionProblem."""
    try:
        family, kind, number, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, number)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is no name of a computer"
        raise ConnectionProblem(f"cannot listen on {host}, port {port}: {reason}") from error
    return listener
