"""What a study keeps: the result of every trial in one SQLite file, so that a study can be gone on with."""

import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType

from motet.errors import NotFound, StoreError
from motet.store.connect import open_reader, open_writer
from motet.store.encode import dumps, loads
from motet.store.lock import WriterLock
from motet.study.question import Question, differences, key
from motet.study.result import TrialResult
from motet.study.rows import COLUMNS, STUDY, result, row

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM trials ORDER BY combination, seed"  # noqa: S608 - our own names
_INSERT = (
    f"INSERT INTO trials ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own names
    " ON CONFLICT (combination, seed) DO NOTHING"
)


class Results:
    """The one writer of a study's results; to be used in the thread that opened it.

    What `add` and `add_all` were given is on the disk when they return.
    """

    def __init__(self, path: Path, question: Question) -> None:
        """Open or make the file, folders too, and note the question asked.

        Raises StoreError for a file that is no study, one that another process writes to, and one whose results answer
        another question: its message names every difference (see `question.differences` for what may change).
        """
        self.path = path
        self._question = question
        self._keys = {key(combination) for combination in question.combinations()}
        self._lock = WriterLock(path)
        try:
            self._connection = open_writer(path, STUDY)
            try:
                self._note()
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> "Results":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._lock.release()

    def add(self, result: TrialResult) -> None:
        """Keep the result of a trial. Raises StoreError as `add_all` does."""
        self.add_all([result])

    def add_all(self, results: Iterable[TrialResult]) -> None:
        """Keep the results of several trials, all or none.

        Raises StoreError for a trial that is not in the question or that has its result already, and when the file
        cannot be written.
        """
        rows = [row(self._asked(result)) for result in results]
        with self._transaction():
            for combination, seed, *values in rows:
                if not self._connection.execute(_INSERT, (combination, seed, *values)).rowcount:
                    raise StoreError(f"{self.path}: {combination}, seed {seed} has its result already")

    def done(self) -> set[tuple[str, int]]:
        """The trials that have their result, as (`key` of the combination, seed); those with an `error` too."""
        return set(self._connection.execute("SELECT combination, seed FROM trials"))

    def forget_failed(self) -> int:
        """Drop the trials that could not be run, so that they are tried again; gives how many."""
        with self._transaction():
            return self._connection.execute("DELETE FROM trials WHERE error != ''").rowcount

    def all(self) -> Iterator[TrialResult]:
        """Every result, ordered by combination and seed, read one by one: what is added meanwhile is not among them."""
        return stored_results(self.path)

    def _asked(self, result: TrialResult) -> TrialResult:
        trial = result.trial
        if key(trial.combination) not in self._keys or trial.seed not in self._question.seeds:
            raise StoreError(f"{self.path}: {trial.label}, seed {trial.seed} is no trial of this study")
        return result

    def _note(self) -> None:
        """Hold the question against the one that the file was made for."""
        kept = _question(self._connection)
        if kept is not None and (found := differences(kept, self._question)):
            raise StoreError(
                f"{self.path}: holds the results of another question: {'; '.join(found)}. "
                "Ask that question again, or keep these results in another folder"
            )
        with self._transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
                [(name, dumps(value)) for name, value in self._question.plain().items()],
            )

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


def stored_question(path: Path) -> Question:
    """The question that a study was last asked. Raises NotFound without such a file, StoreError when it is no study."""
    with closing(_reading(path)) as connection:
        question = _question(connection)
    if question is None:
        raise StoreError(f"{path}: holds no question yet")
    return question


def stored_results(path: Path) -> Iterator[TrialResult]:
    """The results of a study, ordered by combination and seed, read one by one; safe beside a writer. Raises NotFound
    without such a file, StoreError when it is no study."""
    with closing(_reading(path)) as connection:
        for found in connection.execute(_SELECT):
            yield result(found)


def _reading(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise NotFound(f"{path}: no such study")
    return open_reader(path, STUDY)


def _question(connection: sqlite3.Connection) -> Question | None:
    fields = {name: loads(value) for name, value in connection.execute("SELECT name, value FROM meta")}
    return Question.from_plain(fields) if fields else None
