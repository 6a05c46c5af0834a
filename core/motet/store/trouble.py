"""Faults of a disk that may mend: nothing is lost meanwhile, the writer keeps what it has and tries again.

The codes and what they mean: https://www.sqlite.org/rescode.html.
"""

import errno
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from motet.stamps import wall

FIRST_S = 0.5
"""How long after a failed try the next one follows, seconds; twice as long after each further one."""
MOST_S = 5.0
"""The longest time between two tries, seconds."""

_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk does not take it",
    sqlite3.SQLITE_BUSY: "another program has locked it",
    sqlite3.SQLITE_LOCKED: "another program has locked it",
    sqlite3.SQLITE_PROTOCOL: "another program has locked it",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
}
_FINAL = {sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA}
"""Of the errors of a disk, those that say that what is there has been spoilt."""
_CONNECTION = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
"""After these the file may have to be opened anew: its file system was unplugged or mounted again."""


_WAITS = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_NO_ROOM = {sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE}
"""What SQLite says of a full disk when it has no better word."""


@dataclass(frozen=True, slots=True)
class StoreTrouble:
    """A store that cannot be written for now: which, why in words, and since when, seconds since 1970."""

    path: Path
    cause: str
    since: float


def may_mend(error: BaseException | None) -> bool:
    """Whether a write that failed may succeed later, with nothing done to the store."""
    code = _code(error)
    return code not in _FINAL and code & 0xFF in _WORDS


def may_open_later(error: BaseException | None) -> bool:
    """Whether a store that cannot be opened may only have to wait for room, or for another program to let go of it."""
    code = _code(error)
    return code in _NO_ROOM or code & 0xFF in _WAITS or _is_full(_os_error(error))


def needs_opening(error: BaseException | None) -> bool:
    """Whether the file should be opened anew before the next try."""
    return _code(error) & 0xFF in _CONNECTION


def cause(error: BaseException) -> str:
    """Why, in words and in SQLite's own: `the disk is full (database or disk is full)`."""
    found, system = _sqlite_error(error), _os_error(error)
    if found is None:
        return f"the disk is full ({system.strerror})" if system is not None and _is_full(system) else str(error)
    return f"{_WORDS[_code(error) & 0xFF]} ({found})"


def trouble(path: Path, error: BaseException, before: StoreTrouble | None) -> StoreTrouble:
    """What to tell; it goes on since it began, also when its cause becomes another one."""
    return StoreTrouble(path, cause(error), wall() if before is None else before.since)


def delays() -> Iterator[float]:
    """How long to wait before each further try, seconds."""
    delay = FIRST_S
    while True:
        yield delay
        delay = min(2 * delay, MOST_S)


def _sqlite_error(error: BaseException | None) -> sqlite3.Error | None:
    """The error of SQLite, also where it is the cause of a StoreError."""
    while error is not None and not isinstance(error, sqlite3.Error):
        error = error.__cause__
    return error


def _is_full(error: OSError | None) -> bool:
    return error is not None and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _os_error(error: BaseException | None) -> OSError | None:
    """The error of the operating system, also where it is the cause of a StoreError."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__
    return error


def _code(error: BaseException | None) -> int:
    """SQLite's extended result code; 0 for an error that is not of SQLite itself."""
    found = _sqlite_error(error)
    return getattr(found, "sqlite_errorcode", 0)
