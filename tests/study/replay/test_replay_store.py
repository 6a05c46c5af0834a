"""What a benchmark keeps, and which question is another one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from motet.errors import NotFound, StoreError
from motet.study.replay.question import ReplayQuestion
from motet.study.replay.run import Entry, Run
from motet.study.replay.runs import Runs, stored_runs

RUN = Run(Entry("gp+ucb", 4), 1, (3, 0, 7), (0.1, 1 / 3, 1e9), (0.25,), "done", "", 2, "no fit")
FAILED = Run(Entry("rf"), 0, error="LearnerError: no")


def test_every_field_comes_back_exactly(replay_question: ReplayQuestion, tmp_path: Path) -> None:
    question = replace(replay_question, workers=(1, 4))
    with Runs(tmp_path / "new" / "benchmark.db", question) as runs:
        runs.add(RUN)
        runs.add(FAILED)
        assert list(runs.all()) == [RUN, FAILED]
        assert runs.done() == {(RUN.entry, 1), (FAILED.entry, 0)}
        with pytest.raises(StoreError, match=r"gp\+ucb, 4 workers, seed 1 is there already"):
            runs.add(RUN)
        assert runs.forget_failed() == 1
    assert list(stored_runs(tmp_path / "new" / "benchmark.db")) == [RUN]


def test_runs_of_others_are_kept_and_not_given(replay_question: ReplayQuestion, tmp_path: Path) -> None:
    first, second = (Run(Entry(name), 0, (1,), (1.0,), (), "done") for name in ("gp+ucb", "rf"))
    with Runs(tmp_path / "b.db", replay_question) as runs:
        runs.add(first)
        runs.add(second)
    fewer = replace(replay_question, learners={"rf": {}}, seeds=(0,))
    with Runs(tmp_path / "b.db", fewer) as runs:
        assert list(runs.all()) == [second]
    with Runs(tmp_path / "b.db", replay_question) as runs:
        assert list(runs.all()) == [first, second]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"top": "10 %"}, "the top set was 5, it is 10 %"),
        ({"initial": 3}, "the number of first points was 2, it is 3"),
        ({"budget": 50}, "the budget of experiments was none, it is 50"),
        ({"until": "80 %"}, "the share of the top set at which a run ends was 100 %, it is 80 %"),
        ({"parameters": ("x", "z")}, "the parameters was x, it is x, z"),
        ({"goal": "minimize"}, "the goal was to maximize, it is to minimize"),
        ({"digest": "def"}, "line.csv holds other numbers than line.csv did"),
        ({"durations": "lognormal", "sigma": 0.5}, "the durations of experiments was equal, it is lognormal"),
        ({"versions": {"motet": "0.2.0"}}, "motet was 0.1.0, it is 0.2.0"),
        ({"learners": {"rf": {"goal": "best"}}}, 'the learner rf was `{}`, it is `{"goal":"best"}`'),
    ],
)
def test_another_question_is_refused_with_what_differs(
    replay_question: ReplayQuestion, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with Runs(tmp_path / "b.db", replay_question):
        pass
    with pytest.raises(StoreError) as caught, Runs(tmp_path / "b.db", replace(replay_question, **changes)):
        pass
    assert message in str(caught.value)
    assert "keep these results in another folder" in str(caught.value)
    with Runs(tmp_path / "b.db", replay_question):
        pass


def test_a_changed_learner_is_noticed_after_it_was_left_out(replay_question: ReplayQuestion, tmp_path: Path) -> None:
    with Runs(tmp_path / "b.db", replay_question):
        pass
    with Runs(tmp_path / "b.db", replace(replay_question, learners={"gp+ucb": {"surrogate": {"name": "gp"}}})):
        pass
    changed = replace(replay_question, learners={"rf": {"goal": "best"}})
    with pytest.raises(StoreError, match="the learner rf was"), Runs(tmp_path / "b.db", changed):
        pass


def test_one_writer_and_no_file_of_another_kind(replay_question: ReplayQuestion, tmp_path: Path) -> None:
    with (
        Runs(tmp_path / "b.db", replay_question),
        pytest.raises(StoreError, match="only one may"),
        Runs(tmp_path / "b.db", replay_question),
    ):
        pass
    with pytest.raises(NotFound, match="no such benchmark"):
        list(stored_runs(tmp_path / "none.db"))
    (tmp_path / "text.db").write_text("not a database at all, but long enough to be one" * 100)
    with pytest.raises(StoreError, match=r"text\.db"), Runs(tmp_path / "text.db", replay_question):
        pass


def test_a_question_comes_back_from_its_fields(replay_question: ReplayQuestion) -> None:
    assert ReplayQuestion.from_plain(replay_question.plain()) == replay_question
    assert replace(replay_question, workers=(1, 4)).runs == 12
