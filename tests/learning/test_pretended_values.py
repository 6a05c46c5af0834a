"""What an acquisition sees of pending points, in every course that is pretended of them and every round of a search."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from motet.contracts.belief import Array, Data, Predict, Prediction, View
from motet.contracts.learning import Beginning
from motet.learning import Learner
from motet.model.experiment import Outcome, Suggestion
from motet.model.space import Continuous, Space
from motet.model.values import Point

End = Callable[[int, Point, float | None], Outcome]
MakeLearner = Callable[..., Learner]

TABLE = Space({"x": Continuous(low=0, high=9)}, [{"x": float(x)} for x in range(10)])


class Watching:
    """All parts of a learner in one: it keeps what the acquisition looked at, and pretends what it is told to."""

    def __init__(self, courses: Sequence[float] = ()) -> None:
        self.views: list[View] = []
        self.draws: list[float] = []
        self._courses = courses

    def count(self, stations: int) -> int:
        return 2

    def choose(self, beginning: Beginning) -> int:
        return 0

    def fit(self, data: Data, seed: int) -> Predict:
        return lambda x: Prediction(np.zeros(len(x)), np.ones(len(x)))

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        return np.outer(self._courses, np.ones(len(x))) if self._courses else None

    def score(self, view: View) -> Array:
        self.views.append(view)
        self.draws.append(float(view.rng.random()))
        return view.x[:, 0]


def told(learner: Learner, end: End) -> Learner:
    """After two values, -1 and 1 once standardized, with one point pending."""
    learner.tell(end(1, {"x": 0.0}, 10.0))
    learner.tell(end(2, {"x": 1.0}, 30.0))
    learner.hold(Suggestion({"x": 5.0}, "for the test", id="a"))
    return learner


def test_what_is_pretended_of_a_pending_point_may_be_the_best_value(assemble: MakeLearner, end: End) -> None:
    parts = Watching([2.5, 0.5])
    told(assemble(TABLE, parts, parts), end).propose(1)

    assert [view.best for view in parts.views] == [2.5, 1.0]
    assert [view.outcomes.ravel().tolist() for view in parts.views] == [[-1, 1, 2.5], [-1, 1, 0.5]]
    assert [view.outcomes_at.ravel().tolist() for view in parts.views] == [[0, 1 / 9, 5 / 9]] * 2
    assert [view.data[0].y.tolist() for view in parts.views] == [[-1, 1]] * 2


def test_of_pending_points_that_are_left_out_nothing_counts(assemble: MakeLearner, end: End) -> None:
    parts = Watching()
    told(assemble(TABLE, parts, parts), end).propose(1)

    assert [view.best for view in parts.views] == [1.0]
    assert [view.outcomes.ravel().tolist() for view in parts.views] == [[-1, 1]]


def test_an_acquisition_draws_the_same_in_every_course_and_anew_for_every_suggestion(
    assemble: MakeLearner, end: End
) -> None:
    parts = Watching([0.1, 0.2, 0.3])
    told(assemble(TABLE, parts, parts), end).ask(2)

    first, second = parts.draws[:3], parts.draws[3:]
    assert len(set(first)) == len(set(second)) == 1
    assert first != second


def test_an_acquisition_draws_the_same_in_every_round_of_a_search(assemble: MakeLearner, end: End) -> None:
    parts = Watching()
    told(assemble(Space({"x": Continuous(low=0, high=9)}), parts, parts), end).propose(1)

    assert len(parts.draws) > 1, "the sample, and rounds around its best points"
    assert len(set(parts.draws)) == 1


def test_the_same_suggestion_is_held_once(assemble: MakeLearner, end: End) -> None:
    parts = Watching()
    learner = told(assemble(TABLE, parts, parts), end)
    learner.hold(Suggestion({"x": 5.0}, "for the test", id="a"))
    assert ", 1 pending: " in learner.propose(1)[0].why

    learner.release("a")

    assert ", 0 pending: " in learner.propose(1)[0].why


def test_what_is_pretended_is_the_same_number_in_any_unit() -> None:
    rng = np.random.default_rng(0)
    merits, x = rng.random(9), np.arange(9.0)[:, None]
    halfway: Array = (np.arange(1000.0) - 500) * 1e-9 + 0.5e-9  # as means of an even number of trees are
    bare, scaled = (Data(x, unit, np.arange(9)) for unit in (merits, 7.3 * merits - 400))

    assert np.array_equal(bare.y, scaled.y)
    first, second = (data.knowing(np.zeros((1000, 1)), halfway).y for data in (bare, scaled))
    assert np.array_equal(first, second)


def test_points_near_the_best_of_a_sample_stand_for_no_part_of_the_space(assemble: MakeLearner, end: End) -> None:
    parts = Watching()
    told(assemble(Space({"x": Continuous(low=0, high=9)}), parts, parts), end).propose(1)

    evenly = [view.pool[view.even] for view in parts.views]
    assert all(np.array_equal(part, evenly[0]) for part in evenly)
    assert np.quantile(evenly[-1], [0.25, 0.5, 0.95]) == pytest.approx([0.25, 0.5, 0.95], abs=0.01)
    assert len(parts.views[-1].pool) > len(evenly[-1])
