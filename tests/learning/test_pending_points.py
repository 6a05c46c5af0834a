"""Points that are pending, once or several times, under each pending strategy."""

from collections.abc import Callable

import pytest

from motet.learning import Learner
from motet.model.experiment import Outcome, Suggestion
from motet.model.space import Continuous, Space
from motet.model.values import Point

Measure = Callable[[Point], float]
MakeLearner = Callable[..., Learner]
End = Callable[[int, Point, float | None], Outcome]

A: Point = {"x": 1.0}
B: Point = {"x": 2.0}
C: Point = {"x": 3.0}


@pytest.fixture
def three() -> Space:
    return Space({"x": Continuous(low=0, high=9)}, [A, B, C])


def held(point: Point, number: int) -> Suggestion:
    """A suggestion of a point with that id."""
    return Suggestion(point, "for the test", id=str(number))


def left(learner: Learner) -> list[Point]:
    """Every point that may be suggested, by telling of none."""
    found: list[Point] = []
    while suggestions := learner.propose(1, found):
        found.append(suggestions[0].parameters)
    return sorted(found, key=lambda point: point["x"])


def test_without_handling_a_pending_point_is_suggested_again(
    make_learner: MakeLearner, schwefel: Measure, end: End
) -> None:
    learner = make_learner(surrogate="gp", pending="none")
    for number, point in enumerate(({"x": 5.0, "y": 5.0}, {"x": 45.0, "y": 40.0}, {"x": 10.0, "y": 45.0})):
        learner.tell(end(number, point, schwefel(point)))

    first, *others = learner.ask(3)

    assert [(other.parameters, other.score) for other in others] == [(first.parameters, first.score)] * 2


def test_without_handling_a_measured_point_is_still_never_suggested(
    make_learner: MakeLearner, three: Space, end: End
) -> None:
    learner = make_learner(three, pending="none")
    learner.hold(held(A, 1))
    learner.hold(held(A, 2))
    learner.tell(end(1, A, 0.1))
    learner.tell(end(2, B, None))

    assert [suggestion.parameters for suggestion in learner.ask(3)] == [C, C, C]
    assert ", 4 pending: " in learner.propose(1)[0].why  # the three of C and the second A


def test_an_outcome_ends_one_of_several_times_that_a_point_is_pending(
    make_learner: MakeLearner, three: Space, end: End
) -> None:
    learner = make_learner(three, pending="none")
    learner.tell(end(1, A, 0.1))
    learner.hold(held(B, 1))
    learner.hold(held(B, 2))
    learner.tell(end(2, B, 0.2))
    assert ", 1 pending: " in learner.propose(1)[0].why

    learner.tell(end(3, B, 0.3))

    assert ", 0 pending: " in learner.propose(1)[0].why
    assert "on 3 values" in learner.propose(1)[0].why


@pytest.mark.parametrize("pending", ["exclude", "believer"])
def test_a_point_that_is_pending_twice_is_free_after_two_releases(
    make_learner: MakeLearner, three: Space, pending: str
) -> None:
    learner = make_learner(three, pending=pending)
    learner.hold(held(B, 1))
    learner.hold(held(B, 2))
    learner.release("2")
    assert left(learner) == [A, C]

    learner.release("1")

    assert left(learner) == [A, B, C]


@pytest.mark.parametrize("pending", ["exclude", "believer"])
def test_proposing_beside_a_point_that_is_held_already_leaves_it_held(
    make_learner: MakeLearner, three: Space, pending: str
) -> None:
    learner = make_learner(three, pending=pending)
    learner.hold(held(B, 1))

    assert [suggestion.parameters for suggestion in learner.propose(3, [B, A])] == [C]
    assert left(learner) == [A, C]


def test_releasing_a_measured_point_does_not_free_it(make_learner: MakeLearner, three: Space, end: End) -> None:
    learner = make_learner(three)
    learner.hold(held(A, 1))
    learner.hold(held(A, 2))
    learner.tell(end(1, A, 0.1))
    learner.release("2")

    assert left(learner) == [B, C]
