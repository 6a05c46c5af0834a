"""Connections to a store: one that writes, and those that only read."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from motet.errors import StoreError
from motet.store.schema import APPLICATION_ID, MIGRATIONS

BUSY_S = 10.0
"""How long a connection waits for another program's lock, seconds."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a database of Motet holds: SQLite's mark of it, and the migrations that make its tables, counted by SQLite's
    `user_version`."""

    name: str
    application_id: int
    migrations: Sequence[Callable[[Database], None]]

    @property
    def version(self) -> int:
        """The present schema."""
        return len(self.migrations)


STORE = Kind("store", APPLICATION_ID, MIGRATIONS)


def open_writer(path: Path, kind: Kind = STORE, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """The writing connection to a database of the present schema, made or migrated where needed; to be used in
    the thread that opened it. Every commit is on the disk (WAL, synchronous = FULL). Waits `busy_s` for another
    program's lock. Raises StoreError naming the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: cannot be opened as a {kind.name}: {error}") from error
    return _prepared(connection, path, kind)


def open_again(path: Path, kind: Kind = STORE) -> sqlite3.Connection:
    """The writing connection to a database that is there already. Raises StoreError naming the file, also when another
    one lies in its place now."""
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", timeout=BUSY_S, isolation_level=None, uri=True
        )
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be opened again: {error}") from error
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != kind.version:
            raise StoreError(f"{path}: is not the {kind.name} any more that was opened")
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path}: cannot be opened again: {error}") from error
    except StoreError:
        connection.close()
        raise
    return _prepared(connection, path, kind)


def _prepared(connection: sqlite3.Connection, path: Path, kind: Kind) -> sqlite3.Connection:
    try:
        _check_ours(connection, path, kind)
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(f"{path}: its file system cannot hold a {kind.name} (journal mode {mode}, needed: wal)")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, kind)
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path}: cannot be used as a {kind.name}: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def open_reader(path: Path, kind: Kind = STORE) -> sqlite3.Connection:
    """A read-only connection to a database of the present schema. Raises StoreError naming the file."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=BUSY_S, uri=True)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be opened for reading: {error}") from error
    try:
        version = _check_ours(connection, path, kind)
        if version < kind.version:
            raise StoreError(
                f"{path}: has schema {version}, this Motet reads {kind.version}; a run brings it up to date"
            )
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path}: cannot be read as a {kind.name}: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def _check_ours(connection: sqlite3.Connection, path: Path, kind: Kind) -> int:
    """The schema version. Raises StoreError for a newer one and for another program's database."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if application != kind.application_id and (application or version or tables):
        raise StoreError(f"{path}: is a SQLite database of another program, not a {kind.name} of Motet")
    if version > kind.version:
        raise StoreError(
            f"{path}: has schema {version}, this Motet knows {kind.version}; use the newer Motet that wrote it"
        )
    return version


def _migrate(connection: sqlite3.Connection, kind: Kind) -> None:
    db = Database(connection, recursive_triggers=False, execute_plugins=False)
    with db.atomic():
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for migration in kind.migrations[version:]:
            migration(db)
        if version < kind.version:
            connection.execute(f"PRAGMA application_id = {kind.application_id}")
            connection.execute(f"PRAGMA user_version = {kind.version}")
