"""Connections to a store: one that writes, and those that only read."""

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from motet.errors import StoreError
from motet.store.schema import APPLICATION_ID, MIGRATIONS, VERSION

BUSY_S = 10.0
"""How long a connection waits for another program's lock, seconds."""


def open_writer(path: Path) -> sqlite3.Connection:
    """The writing connection to a store of the present schema, made or migrated where needed; to be used in
    the thread that opened it. Every commit is on the disk (WAL, synchronous = FULL). Raises StoreError naming
    the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: cannot be opened as a store: {error}") from error
    try:
        _check_ours(connection, path)
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(f"{path}: its file system cannot hold a store (journal mode {mode}, needed: wal)")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection)
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path}: cannot be used as a store: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection to a store of the present schema. Raises StoreError naming the file."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=BUSY_S, uri=True)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be opened for reading: {error}") from error
    try:
        version = _check_ours(connection, path)
        if version < VERSION:
            raise StoreError(f"{path}: has schema {version}, this Motet reads {VERSION}; a run brings it up to date")
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path}: cannot be read as a store: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def _check_ours(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version. Raises StoreError for a newer one and for another program's database."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreError(f"{path}: is a SQLite database of another program, not a store of Motet")
    if version > VERSION:
        raise StoreError(f"{path}: has schema {version}, this Motet knows {VERSION}; use the newer Motet that wrote it")
    return version


def _migrate(connection: sqlite3.Connection) -> None:
    db = Database(connection, recursive_triggers=False, execute_plugins=False)
    with db.atomic():
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for migration in MIGRATIONS[version:]:
            migration(db)
        if version < VERSION:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
