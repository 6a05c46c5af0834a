"""A copy of a store that is written to meanwhile: whole, checked, and never half there."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from motet.errors import FileProblems, Problem, StoreError
from motet.store.check import damage
from motet.store.reader import Reader

PAGES = 1024
"""Copied at a time, 4 MiB: how often progress is told."""
See = Callable[[int, int], object]
"""Called with how many pages are copied, and how many there are."""


def back_up(store: Path, target: Path, see: See = lambda done, total: None) -> None:
    """Copy a store as it is at this moment, by SQLite's online backup (https://www.sqlite.org/backup.html).

    The copy gets its name when it is complete, sound and on the disk. Raises FileProblems when there is something of
    that name, NotFound without a store, StoreError when it cannot be copied.
    """
    _must_be_free(target)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    with Reader(store).view() as db:
        db.execute("SELECT COUNT(*) FROM campaigns").fetchone()  # from here on this connection sees one moment only
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(part, isolation_level=None)) as copy:
                db.conn.backup(copy, pages=PAGES, progress=lambda _, left, total: see(total - left, total))
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
                faults = damage(copy)
            if faults:
                raise StoreError(f"{target}: the copy is not sound, and the store may not be: {'; '.join(faults)}")
            _to_disk(part)
            _must_be_free(target)
            part.rename(target)
            _to_disk(target.parent)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{target}: cannot be written: {error}") from error
        finally:
            part.unlink(missing_ok=True)


def _must_be_free(target: Path) -> None:
    if target.exists():
        raise FileProblems([Problem(str(target), None, "", "a file", "a backup never replaces one; give another name")])


def _to_disk(path: Path) -> None:
    """A file's content, or the names in a folder."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
