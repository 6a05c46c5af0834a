"""In virtual time nothing may really wait or reach out: whoever tries is stopped and named.

Python tells of sleeps, sockets and opened files through audit events (PEP 578); of sleeps since 3.13 only, before that
`time.sleep` is replaced by one that does. The hook looks only at threads on which a simulation runs.
"""

import inspect
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from motet.errors import SimulationError

_INSIDE = ("motet", "asyncio", "bluesky", "opentelemetry", "ophyd_async")
"""Packages through which plugins are called."""
_HARMLESS = ("/dev/null", "/dev/urandom", "/dev/random", "/dev/zero", "/dev/shm/")  # noqa: S108


@dataclass
class Guard:
    """What was stopped in one simulation; each entry names the culprit, its file and line, and what it tried."""

    found: list[str] = field(default_factory=list[str])
    computing: bool = False


_guards: dict[int, Guard] = {}
_hooked: list[bool] = []
_really_sleep = time.sleep


@contextmanager
def guarded() -> Generator[Guard]:
    """While entered, whatever really waits or opens a port in this thread raises SimulationError."""
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_hook)
        if sys.version_info < (3, 13):
            _replace_sleep()
    thread = threading.get_ident()
    outer, guard = _guards.get(thread), Guard()
    _guards[thread] = guard
    try:
        yield guard
    finally:
        if outer is None:
            del _guards[thread]
        else:
            _guards[thread] = outer


@contextmanager
def computing() -> Generator[None]:
    """While entered, this thread may sleep: the lab's clock stands still for what is computed here, and libraries that
    compute in several threads (joblib) sleep while they wait for them."""
    guard = _guards.get(threading.get_ident(), Guard())
    before, guard.computing = guard.computing, True
    try:
        yield
    finally:
        guard.computing = before


def _sleep_audited(seconds: float, /) -> None:
    sys.audit("time.sleep", seconds)
    _really_sleep(seconds)


def _replace_sleep() -> None:
    """Also where a module has taken it by name already (`from time import sleep`)."""
    for module in [found for name, found in sys.modules.items() if name != __name__]:
        held: dict[str, object] = getattr(module, "__dict__", {})
        for name in [name for name, value in held.items() if value is _really_sleep]:
            setattr(module, name, _sleep_audited)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    describe = _WATCHED.get(event)
    if describe is None or not _guards:
        return
    guard = _guards.get(threading.get_ident())
    if guard is None or (event == "time.sleep" and guard.computing) or (what := describe(args)) is None:
        return
    problem = f"{culprit(inspect.currentframe())} {what}; in virtual time use {_INSTEAD[event]}"
    guard.found.append(problem)
    raise SimulationError(problem)


def _sleep(args: tuple[Any, ...]) -> str | None:
    return f"really sleeps (time.sleep({args[0]:g}))" if args[0] > 0 else None


def _socket(args: tuple[Any, ...]) -> str | None:
    return None if args[1] is None else f"opens a real socket to {args[1]!r}"


def _lookup(args: tuple[Any, ...]) -> str:
    return "opens a real socket to " + ", port ".join(repr(part) for part in args[:2])


def _file(args: tuple[Any, ...]) -> str | None:
    path = os.fsdecode(args[0]) if isinstance(args[0], bytes) else args[0]
    if not isinstance(path, str) or not path.startswith("/dev/"):
        return None
    if path == "/dev/tty" or path.startswith(_HARMLESS):  # the terminal; `/dev/ttyUSB0` is a port
        return None
    return f"opens the real port {path}"


_WATCHED: Mapping[str, Callable[[tuple[Any, ...]], str | None]] = {
    "time.sleep": _sleep,
    "socket.connect": _socket,
    "socket.bind": _socket,
    "socket.sendto": _socket,
    "socket.sendmsg": _socket,
    "socket.getaddrinfo": _lookup,
    "socket.gethostbyname": _lookup,
    "open": _file,
}
_LINE = "the line or bus that its context gives"
_INSTEAD = dict.fromkeys(_WATCHED, _LINE) | {"time.sleep": "`await asyncio.sleep(...)`"}


def culprit(frame: FrameType | None) -> str:
    """The function, file and line of the plugin that the event loop called on the way to `frame`: where it does it
    itself, or calls the library that does."""
    innermost = frame
    foreign: list[FrameType] = []
    while frame is not None:
        if is_foreign(frame):
            foreign.append(frame)
        elif foreign and frame.f_globals.get("__name__") == "asyncio.events":
            return named(next(each for each in foreign if _package(each) == _package(foreign[-1])))
        frame = frame.f_back
    found = foreign[0] if foreign else innermost
    return "somebody" if found is None else named(found)


def has_foreign(frame: FrameType | None) -> bool:
    """Whether a plugin is on the way to `frame`."""
    while frame is not None:
        if is_foreign(frame):
            return True
        frame = frame.f_back
    return False


def is_foreign(frame: FrameType) -> bool:
    """Whether a plugin's code, or that of a library that it uses, runs there."""
    package = _package(frame)
    return package not in _INSIDE and package not in sys.stdlib_module_names


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def named(frame: FrameType) -> str:
    """Module, function, file and line."""
    code = frame.f_code
    module = frame.f_globals.get("__name__", "?")
    return f"{module}.{code.co_qualname} ({code.co_filename}:{frame.f_lineno})"
