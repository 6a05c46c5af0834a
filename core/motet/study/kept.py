"""A SQLite file with the answers to one question: one writer, every answer on the disk as soon as it is there."""

import sqlite3
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from motet.errors import NotFound, StoreError
from motet.store.connect import Kind, open_reader, open_writer
from motet.store.encode import dumps, loads
from motet.store.lock import WriterLock

Fields = Mapping[str, Any]
"""A question as JSON's own types."""


class Kept:
    """The one writer of such a file; to be used in the thread that opened it."""

    def __init__(self, path: Path, kind: Kind, settle: Callable[[Fields | None], Fields]) -> None:
        """Open or make the file, folders too, and note the question asked: `settle` makes it from the one that the file
        holds, None in a new file, or raises StoreError when the answers there are no answers to it.

        Raises StoreError too for a file of another kind, and for one that another process writes to.
        """
        self.path = path
        self._lock = WriterLock(path)
        try:
            self._connection = open_writer(path, kind)
            try:
                question = settle(question_in(self._connection))
                with self._transaction():
                    self._connection.executemany(
                        "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
                        [(name, dumps(value)) for name, value in question.items()],
                    )
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._lock.release()

    @contextmanager
    def _transaction(self) -> Generator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.rollback()
            if isinstance(error, sqlite3.Error):
                raise StoreError(f"{self.path}: cannot be written: {error}") from error
            raise


def reading(path: Path, kind: Kind) -> sqlite3.Connection:
    """A connection that only reads. Raises NotFound without such a file, StoreError when it is of another kind."""
    if not path.is_file():
        raise NotFound(f"{path}: no such {kind.name}")
    return open_reader(path, kind)


def question_in(connection: sqlite3.Connection) -> Fields | None:
    """The question that a file was last asked; None in a new one."""
    found = {name: loads(value) for name, value in connection.execute("SELECT name, value FROM meta")}
    return found or None


def another(path: Path, found: list[str]) -> StoreError:
    """The refusal of a question that differs in these ways from that of the file."""
    return StoreError(
        f"{path}: holds the results of another question: {'; '.join(found)}. "
        "Ask that question again, or keep these results in another folder"
    )
