"""What a benchmark keeps: every run in one SQLite file, so that it can be gone on with.

Numbers of points are a blob of 32-bit integers, times blobs of IEEE 754 doubles, all little-endian.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from sqlite_utils import Database

from motet.errors import StoreError
from motet.store.connect import Kind
from motet.study.kept import Fields, Kept, another, reading
from motet.study.replay.question import ReplayQuestion, differences, together
from motet.study.replay.run import Entry, Run

_POINTS, _TIMES = np.dtype("<i4"), np.dtype("<f8")

COLUMNS = ("learner", "workers", "seed", "points", "ended", "ask_s", "reason", "error", "problems", "problem")

_NAMES = ", ".join(COLUMNS)
_SELECT = f"SELECT {_NAMES} FROM runs ORDER BY learner, workers, seed"  # noqa: S608 - our own names
_INSERT = (
    f"INSERT INTO runs ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own names
    " ON CONFLICT (learner, workers, seed) DO NOTHING"
)


def _first(db: Database) -> None:
    db.table("meta").create({"name": str, "value": str}, pk="name", not_null={"value"})
    types = {
        **dict.fromkeys(("learner", "reason", "error", "problems", "problem"), str),
        **dict.fromkeys(("workers", "seed", "problems"), int),
        **dict.fromkeys(("points", "ended", "ask_s"), bytes),
    }
    columns = {name: types[name] for name in COLUMNS}
    db.table("runs").create({"id": int, **columns}, pk="id", not_null=set(COLUMNS))
    db.table("runs").create_index(["learner", "workers", "seed"], unique=True)


BENCHMARK = Kind("benchmark", 0x4D4F5442, (_first,))
"""SQLite's mark of a benchmark: `MOTB`."""


class Runs(Kept):
    """The one writer of a benchmark's runs; to be used in the thread that opened it."""

    def __init__(self, path: Path, question: ReplayQuestion) -> None:
        """Open or make the file, folders too, and note the question asked.

        Raises StoreError for a file that is no benchmark, one that another process writes to, and one whose runs answer
        another question: its message names every difference.
        """
        self._question = question

        def settle(fields: Fields | None) -> Fields:
            kept = None if fields is None else ReplayQuestion.from_plain(fields)
            if kept is not None and (found := differences(kept, question)):
                raise another(path, found)
            return together(kept, question)

        super().__init__(path, BENCHMARK, settle)

    def add(self, run: Run) -> None:
        """Keep a run; it is on the disk when this returns. Raises StoreError for one that is there already, and when
        the file cannot be written."""
        with self._transaction():
            if not self._connection.execute(_INSERT, _row(run)).rowcount:
                raise StoreError(f"{self.path}: {run.entry.label}, seed {run.seed} is there already")

    def done(self) -> set[tuple[Entry, int]]:
        """What there is, of the question asked and of others before; runs with an `error` too."""
        found = self._connection.execute("SELECT learner, workers, seed FROM runs")
        return {(Entry(learner, workers), seed) for learner, workers, seed in found}

    def forget_failed(self) -> int:
        """Drop the runs that could not be run, so that they are tried again; gives how many."""
        with self._transaction():
            return self._connection.execute("DELETE FROM runs WHERE error != ''").rowcount

    def all(self) -> Iterator[Run]:
        """The runs of the question asked, ordered by learner, workers and seed, read one by one."""
        entries, seeds = set(self._question.entries), set(self._question.seeds)
        return (run for run in stored_runs(self.path) if run.entry in entries and run.seed in seeds)


def stored_runs(path: Path) -> Iterator[Run]:
    """Every run that a benchmark has kept; safe beside a writer. Raises NotFound without such a file, StoreError when
    it is no benchmark."""
    with closing(reading(path, BENCHMARK)) as connection:
        for found in connection.execute(_SELECT):
            yield _run(found)


def _row(run: Run) -> tuple[Any, ...]:
    points = np.asarray(run.order, dtype=_POINTS).tobytes()
    times = (np.asarray(numbers, dtype=_TIMES).tobytes() for numbers in (run.ended, run.ask_s))
    told = (run.reason, run.error, run.problems, run.problem)
    return (run.entry.learner, run.entry.workers, run.seed, points, *times, *told)


def _run(row: Sequence[Any]) -> Run:
    learner, workers, seed, points, ended, ask_s, *told = row
    order = tuple(np.frombuffer(points, dtype=_POINTS).tolist())
    ended, ask_s = (tuple(np.frombuffer(blob, dtype=_TIMES).tolist()) for blob in (ended, ask_s))
    return Run(Entry(learner, workers), seed, order, ended, ask_s, *told)
