"""What a study keeps, and how it goes on after an end of any kind."""

import math
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from motet.errors import NotFound, StoreError
from motet.model.objective import Objective
from motet.store import Store
from motet.study.question import Question, key
from motet.study.result import Trial, TrialResult
from motet.study.results import Results, stored_question, stored_results

FULL = TrialResult(
    Trial({"learner": "rf+lcb", "stations": "2", "pending": "none"}, 3),
    "finished",
    "all 5 given points are measured",
    True,
    2,
    (1.1, 2.2, 1e9 + 0.123),
    (0.1, None, -math.inf),
    1e9,
    1.5e9,
    0.25,
    12.5,
    {"tip": 3.0},
    attempts=4,
)
FAILED = TrialResult(Trial(FULL.trial.combination, 4), error="LearnerError: no")


def test_every_field_comes_back_exactly(question: Question, tmp_path: Path) -> None:
    with Results(tmp_path / "new" / "study.db", question) as results:
        results.add_all([FULL, FAILED])
        assert list(results.all()) == [FULL, FAILED]
    assert list(stored_results(tmp_path / "new" / "study.db")) == [FULL, FAILED]
    assert stored_question(tmp_path / "new" / "study.db") == question


def test_a_combination_is_the_same_in_any_order_of_its_names() -> None:
    assert key({"b": "1", "a": "2"}) == key({"a": "2", "b": "1"}) == '{"a":"2","b":"1"}'


def test_what_was_added_outlives_the_process(question: Question, tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    script = f"""
import os, pickle
from pathlib import Path
from motet.study.results import Results
question, result = pickle.loads({pickled(question, FULL)!r})
Results(Path({str(path)!r}), question).add(result)
os._exit(9)
"""
    ended = subprocess.run([sys.executable, "-c", script], env=dict(os.environ), timeout=60, check=False)
    assert ended.returncode == 9
    with Results(path, question) as results:
        assert results.done() == {(key(FULL.trial.combination), 3)}
        assert list(results.all()) == [FULL]


def pickled(*values: object) -> bytes:
    import pickle

    return pickle.dumps(values)


def test_a_study_goes_on_where_it_was_left(question: Question, results: Any, tmp_path: Path) -> None:
    every: list[TrialResult] = list(results(question))
    with Results(tmp_path / "study.db", question) as first:
        for one in every[:5]:
            first.add(one)
    with Results(tmp_path / "study.db", question) as second:
        done = second.done()
        left = [one for one in every if (key(one.trial.combination), one.trial.seed) not in done]
        assert left == every[5:]
        second.add_all(left)
        kept = list(second.all())
    assert len(kept) == len(every)
    assert [(key(r.trial.combination), r.trial.seed) for r in kept] == sorted(
        (key(r.trial.combination), r.trial.seed) for r in every
    )


def test_failed_trials_are_done_until_they_are_forgotten(question: Question, tmp_path: Path) -> None:
    with Results(tmp_path / "study.db", question) as results:
        results.add_all([FULL, FAILED])
        assert len(results.done()) == 2
        assert results.forget_failed() == 1
        assert results.done() == {(key(FULL.trial.combination), 3)}
        results.add(replace(FULL, trial=FAILED.trial))
        assert results.forget_failed() == 0


def test_a_trial_has_one_result_and_a_batch_is_kept_whole_or_not_at_all(question: Question, tmp_path: Path) -> None:
    other = replace(FULL, trial=Trial(FULL.trial.combination, 0))
    with Results(tmp_path / "study.db", question) as results:
        results.add(FULL)
        with pytest.raises(StoreError, match=r'"stations":"2".*seed 3 has its result already'):
            results.add_all([other, FULL])
        assert len(results.done()) == 1
        results.add(other)
        assert len(results.done()) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trial": Trial(FULL.trial.combination, 99)}, "seed 99 is no trial of this study"),
        ({"trial": Trial({"learner": "rf+lcb"}, 0)}, "learner=rf.lcb, seed 0 is no trial of this study"),
        ({"values": (0.1, math.nan, 0.2)}, "seed 3: a value is NaN"),
        ({"values": (0.1,)}, "3 experiments ended, but there are 1 values"),
        ({"wall_s": math.nan}, "study.db: cannot be written: NOT NULL constraint failed: trials.wall_s"),
    ],
)
def test_what_is_no_result_of_this_study_is_refused(
    question: Question, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with Results(tmp_path / "study.db", question) as results:
        with pytest.raises(StoreError, match=message):
            results.add(replace(FULL, **changes))
        assert results.done() == set()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"campaign": "other"}, "the campaign was twin_sdc, it is other"),
        ({"objective": Objective(goal="minimize")}, "was maximize current in mA, it is minimize current"),
        (
            {"files": {"campaign.yaml": "campaign: twin_sdc\nlab: other.yaml\n", "lab.yaml": "lab: twin\n"}},
            "campaign.yaml:2 was `lab: lab.yaml`, it is `lab: other.yaml`",
        ),
        ({"files": {"lab.yaml": "lab: twin\n", "points.csv": "x"}}, "campaign.yaml is missing; points.csv is new"),
        ({"versions": {"motet": "0.1.0", "numpy": "2.5.0"}}, "numpy was 2.4.6, it is 2.5.0"),
        ({"versions": {"motet": "0.1.0"}}, "numpy was 2.4.6, it is not there"),
        ({"seeds": (0, 1)}, "seed 2, 3, 4, 5, 6 and 5 more was asked for"),
        ({"varied": {"learner": ("rf+lcb", "gp+ei")}}, "stations was varied, it is not; pending was varied"),
        (
            {"varied": {"learner": ("gp+ei",), "stations": ("1", "2", "4"), "pending": ("none", "believer")}},
            "learner = rf.lcb was asked for, and is not any more",
        ),
    ],
)
def test_another_question_is_refused_naming_what_differs(
    question: Question, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "study.db"
    Results(path, question).close()
    with pytest.raises(StoreError, match=message):
        Results(path, replace(question, **changes))
    Results(path, question).close()  # the lock was let go


def test_a_question_may_grow_and_be_judged_anew(question: Question, tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with Results(path, question) as results:
        results.add(FULL)
    more = {**question.varied, "learner": ("random", "rf+lcb", "gp+ei")}
    grown = replace(question, varied=more, seeds=tuple(range(40)), target=0.5, threshold=0.8, percentile=5.0)
    with Results(path, grown) as results:
        assert len(results.done()) == 1
        results.add(TrialResult(Trial({"learner": "random", "stations": "1", "pending": "none"}, 39)))
    assert stored_question(path) == grown


def test_reading_sees_what_was_there_when_it_began(question: Question, tmp_path: Path) -> None:
    with Results(tmp_path / "study.db", question) as results:
        results.add_all([replace(FULL, trial=Trial(FULL.trial.combination, seed)) for seed in (1, 2, 3)])
        found: Iterator[TrialResult] = results.all()
        assert next(found).trial.seed == 1
        results.add(replace(FULL, trial=Trial(FULL.trial.combination, 5)))
        assert [one.trial.seed for one in found] == [2, 3]


def test_one_writer_at_a_time(question: Question, tmp_path: Path) -> None:
    with (
        Results(tmp_path / "study.db", question),
        pytest.raises(StoreError, match=f"process {os.getpid()} is writing"),
    ):
        Results(tmp_path / "study.db", question)


async def test_other_files_are_no_study(question: Question, tmp_path: Path) -> None:
    await (await Store.open(tmp_path / "motet.db")).close()
    with pytest.raises(StoreError, match="another program, not a study of Motet"):
        Results(tmp_path / "motet.db", question)
    (tmp_path / "notes.txt").write_text("no database " * 100)
    with pytest.raises(StoreError, match=r"notes\.txt: cannot be used as a study"):
        Results(tmp_path / "notes.txt", question)
    with pytest.raises(NotFound, match="no such study"):
        stored_question(tmp_path / "nothing.db")
    with pytest.raises(NotFound, match="no such study"):
        next(stored_results(tmp_path / "nothing.db"))


def test_the_file_says_what_it_is_and_a_newer_one_is_refused(question: Question, tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    Results(path, question).close()
    connection = sqlite3.connect(path)
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    assert (application.to_bytes(4, "big"), version, mode) == (b"MOTS", 1, "wal")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(StoreError, match="has schema 2, this Motet knows 1"):
        Results(path, question)


def test_a_trial_takes_less_than_twenty_bytes_for_each_experiment(question: Question, tmp_path: Path) -> None:
    """Two doubles are 16 bytes."""
    seeds = tuple(range(60))
    ended = tuple(1 / 3 + number for number in range(1000))
    many = replace(question, seeds=seeds)
    with Results(tmp_path / "study.db", many) as results:
        results.add_all(
            replace(FULL, trial=Trial(FULL.trial.combination, seed), ended_s=ended, values=ended) for seed in seeds
        )
    assert (tmp_path / "study.db").stat().st_size < 20 * 60_000 + 100_000
