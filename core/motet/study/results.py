"""What a study keeps: the result of every trial in one SQLite file, so that a study can be gone on with."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from motet.errors import StoreError
from motet.study.kept import Fields, Kept, another, question_in, reading
from motet.study.question import Question, differences, key
from motet.study.result import TrialResult
from motet.study.rows import COLUMNS, STUDY, result, row

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM trials ORDER BY combination, seed"  # noqa: S608 - our own names
_INSERT = (
    f"INSERT INTO trials ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own names
    " ON CONFLICT (combination, seed) DO NOTHING"
)


class Results(Kept):
    """The one writer of a study's results; to be used in the thread that opened it.

    What `add` and `add_all` were given is on the disk when they return.
    """

    def __init__(self, path: Path, question: Question) -> None:
        """Open or make the file, folders too, and note the question asked.

        Raises StoreError for a file that is no study, one that another process writes to, and one whose results answer
        another question: its message names every difference (see `question.differences` for what may change).
        """
        self._question = question
        self._keys = {key(combination) for combination in question.combinations()}

        def settle(kept: Fields | None) -> Fields:
            if kept is not None and (found := differences(Question.from_plain(kept), question)):
                raise another(path, found)
            return question.plain()

        super().__init__(path, STUDY, settle)

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


def stored_question(path: Path) -> Question:
    """The question that a study was last asked. Raises NotFound without such a file, StoreError when it is no study."""
    with closing(reading(path, STUDY)) as connection:
        question = question_in(connection)
    if question is None:
        raise StoreError(f"{path}: holds no question yet")
    return Question.from_plain(question)


def stored_results(path: Path) -> Iterator[TrialResult]:
    """The results of a study, ordered by combination and seed, read one by one; safe beside a writer. Raises NotFound
    without such a file, StoreError when it is no study."""
    with closing(reading(path, STUDY)) as connection:
        for found in connection.execute(_SELECT):
            yield result(found)
