"""In virtual time nothing may really wait or reach out: whoever tries is stopped and named.

Python tells of sleeps, sockets and opened files through audit events (PEP 578). The hook looks only at threads on which
a simulation runs.
"""

import inspect
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from motet.errors import SimulationError

_INSIDE = ("motet", "asyncio", "bluesky", "ophyd_async")
"""Packages through which plugins are called."""
_HARMLESS = ("/dev/null", "/dev/urandom", "/dev/random", "/dev/zero", "/dev/shm/")  # noqa: S108


@dataclass
class Guard:
    """What was stopped in one simulation; each entry names the culprit, its file and line, and what it tried."""

    found: list[str] = field(default_factory=list[str])


_guards: dict[int, Guard] = {}
_hooked: list[bool] = []


@contextmanager
def guarded() -> Generator[Guard]:
    """While entered, whatever really waits or opens a port in this thread raises SimulationError."""
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked.append(True)
    thread = threading.get_ident()
    guard = _guards[thread] = Guard()
    try:
        yield guard
    finally:
        del _guards[thread]


def _hook(event: str, args: tuple[Any, ...]) -> None:
    describe = _WATCHED.get(event)
    if describe is None or not _guards:
        return
    guard = _guards.get(threading.get_ident())
    if guard is None or (what := describe(args)) is None:
        return
    problem = f"{_culprit(inspect.currentframe())} {what}; in virtual time use {_INSTEAD[event]}"
    guard.found.append(problem)
    raise SimulationError(problem)


def _sleep(args: tuple[Any, ...]) -> str | None:
    return f"really sleeps (time.sleep({args[0]:g}))" if args[0] > 0 else None


def _socket(args: tuple[Any, ...]) -> str:
    return f"opens a real socket to {args[1]!r}"


def _lookup(args: tuple[Any, ...]) -> str:
    return f"opens a real socket to {args[0]!r}, port {args[1]!r}"


def _file(args: tuple[Any, ...]) -> str | None:
    path = args[0]
    if not isinstance(path, str) or not path.startswith("/dev/"):
        return None
    if path == "/dev/tty" or path.startswith(_HARMLESS):  # the terminal; `/dev/ttyUSB0` is a port
        return None
    return f"opens the real port {path}"


_WATCHED: Mapping[str, Callable[[tuple[Any, ...]], str | None]] = {
    "time.sleep": _sleep,
    "socket.connect": _socket,
    "socket.bind": _socket,
    "socket.getaddrinfo": _lookup,
    "open": _file,
}
_LINE = "the line or bus that its context gives"
_INSTEAD = {
    "time.sleep": "`await asyncio.sleep(...)`",
    "socket.connect": _LINE,
    "socket.bind": _LINE,
    "socket.getaddrinfo": _LINE,
    "open": _LINE,
}


def _culprit(frame: FrameType | None) -> str:
    """The function, file and line of a plugin that is on the way to `frame`, the innermost one."""
    innermost = frame
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in _INSIDE and package not in sys.stdlib_module_names:
            return _named(frame)
        frame = frame.f_back
    return _named(innermost) if innermost is not None else "somebody"


def _named(frame: FrameType) -> str:
    code = frame.f_code
    module = frame.f_globals.get("__name__", "?")
    return f"{module}.{code.co_qualname} ({code.co_filename}:{frame.f_lineno})"
