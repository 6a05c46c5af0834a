"""Ask, tell, release."""

import re
from collections.abc import Callable

import pytest

from motet.learning import Learner
from motet.model.experiment import Outcome, Suggestion
from motet.model.space import Continuous, Fixed, Integer, Space
from motet.model.values import Point

Measure = Callable[[Point], float]
MakeLearner = Callable[..., Learner]
End = Callable[[int, Point, float | None], Outcome]

THREE: list[Point] = [{"x": 1.0}, {"x": 2.0}, {"x": 3.0}]


@pytest.fixture
def three() -> Space:
    return Space({"x": Continuous(low=0, high=9)}, THREE)


def points_of(suggestions: list[Suggestion]) -> list[Point]:
    return [suggestion.parameters for suggestion in suggestions]


def test_starts_with_one_random_point_a_station_then_models(make_learner: MakeLearner, end: End) -> None:
    learner = make_learner(stations=2, acquisition="weighted")

    first, second = learner.ask(2)
    learner.tell(end(1, first.parameters, 0.5))
    learner.tell(end(2, second.parameters, -0.5))
    third = learner.ask()[0]

    assert (first.why, second.why) == ("random start 1 of 2", "random start 2 of 2")
    assert (first.score, first.mean, first.std) == (None, None, None)
    assert third.why.startswith("weighted of random_forest(trees=10) on 2 values, 0 pending: one of ")
    assert third.why.endswith("equal best of 439")
    assert third.score is not None


def test_goes_on_with_the_start_design_while_nothing_has_a_value(make_learner: MakeLearner, end: End) -> None:
    learner = make_learner()
    learner.tell(end(1, learner.ask()[0].parameters, None))
    again = learner.ask(2)

    assert [suggestion.why for suggestion in again] == [
        "random start 1 of 1",
        "random start 2 (no value to model yet)",
    ]


def test_proposing_changes_nothing(make_learner: MakeLearner, schwefel: Measure, end: End) -> None:
    learner, undisturbed = make_learner(), make_learner()
    for number in range(1, 6):
        learner.propose(3)
        learner.propose(2, [{"x": 0.0, "y": 0.0}])
        (suggestion,), (expected,) = learner.ask(), undisturbed.ask()
        assert suggestion == expected
        for each in (learner, undisturbed):
            each.tell(end(number, suggestion.parameters, schwefel(suggestion.parameters)))


@pytest.mark.parametrize("surrogate", ["random_forest", "gp"])
@pytest.mark.parametrize("pending", ["exclude", "believer", "none"])
def test_asking_for_several_is_asking_several_times(
    make_learner: MakeLearner, schwefel: Measure, end: End, pending: str, surrogate: str
) -> None:
    one, other = (make_learner(pending=pending, surrogate=surrogate) for _ in range(2))
    for number, point in enumerate(({"x": 5.0, "y": 5.0}, {"x": 45.0, "y": 40.0}, {"x": 10.0, "y": 45.0})):
        for learner in (one, other):
            learner.tell(end(number, point, schwefel(point)))

    assert one.ask(4) == [other.ask()[0] for _ in range(4)]


def test_never_proposes_what_is_measured_failed_or_pending(make_learner: MakeLearner, three: Space, end: End) -> None:
    learner = make_learner(three)
    learner.tell(end(1, {"x": 1.0}, 0.1))
    learner.tell(end(2, {"x": 2.0}, None))

    assert points_of(learner.ask(5)) == [{"x": 3.0}]
    assert learner.ask() == []


def test_pending_points_given_to_propose_are_left_out(make_learner: MakeLearner, three: Space) -> None:
    assert points_of(make_learner(three).propose(3, [{"x": 1.0}, {"x": 3.0}])) == [{"x": 2.0}]


def test_a_released_point_may_be_suggested_again(make_learner: MakeLearner, three: Space) -> None:
    learner = make_learner(three)
    asked = learner.ask(3)
    assert learner.propose(1) == []

    learner.release(next(each.id for each in asked if each.parameters == {"x": 2.0}))

    assert points_of(learner.propose(3)) == [{"x": 2.0}]


def test_an_outcome_ends_being_pending_and_counts_once(make_learner: MakeLearner, three: Space, end: End) -> None:
    learner, once = make_learner(three), make_learner(three)
    for each in (learner, once):
        each.ask(2)
        each.tell(end(1, {"x": 1.0}, 0.1))
    learner.tell(end(1, {"x": 1.0}, 0.1))
    learner.tell(end(1, {"x": 1.0}, 99.0))

    assert learner.propose(3) == once.propose(3)


def test_a_failed_outcome_frees_its_pending_place_but_not_its_point(
    make_learner: MakeLearner, three: Space, end: End
) -> None:
    learner = make_learner(three, start={"random": {"n": 2}})
    (suggestion,) = learner.ask()
    learner.tell(end(1, suggestion.parameters, None))

    (other,) = learner.ask()

    assert other.why == "random(n=2) start 1 of 2"
    assert other.parameters != suggestion.parameters


def test_a_space_of_one_point_is_exhausted_after_it(make_learner: MakeLearner, end: End) -> None:
    learner = make_learner(Space({"k": Fixed(value=1)}))
    learner.warm_up()
    (only,) = learner.ask(2)
    learner.tell(end(1, only.parameters, 1.0))

    assert only.parameters == {"k": 1}
    assert learner.ask() == []


def test_mean_and_std_are_in_the_unit_and_sign_of_the_objective(make_learner: MakeLearner, end: End) -> None:
    for goal in ("minimize", "maximize"):
        learner = make_learner(goal={"goal": goal}, surrogate={"random_forest": {"trees": 200}})
        for number, x in enumerate((0.0, 25.0, 50.0)):
            learner.tell(end(number, {"x": x, "y": 25.0}, 1000.0 + x))
        (suggestion,) = learner.ask()

        assert suggestion.mean is not None
        assert suggestion.std is not None
        assert 1000 <= suggestion.mean <= 1050
        assert 0 <= suggestion.std <= 25


def test_for_a_target_the_reason_tells_the_distance_and_there_is_no_mean(make_learner: MakeLearner, end: End) -> None:
    learner = make_learner(goal={"goal": "target", "target": 1000.0})
    learner.tell(end(1, {"x": 0.0, "y": 0.0}, 1010.0))
    learner.tell(end(2, {"x": 50.0, "y": 50.0}, 970.0))

    (suggestion,) = learner.ask()

    assert suggestion.mean is None
    distance = re.search(r"([\d.]+) from the target expected", suggestion.why)
    assert distance is not None
    assert 10 <= float(distance[1]) <= 30


def test_equal_values_and_equal_points_are_no_trouble(make_learner: MakeLearner, end: End) -> None:
    learner = make_learner()
    point: Point = {"x": 5.0, "y": 5.0}
    for number, value in enumerate((1.0, 1.0)):
        learner.tell(end(number, point, value))
    (flat,) = learner.ask()
    learner.tell(end(3, point, 7.0))
    (suggestion,) = learner.propose(1)

    assert flat.mean == 1.0
    assert suggestion.mean == pytest.approx(3.0, abs=2.0)


def test_a_space_too_large_to_list_is_searched_too(make_learner: MakeLearner, end: End) -> None:
    space = Space({"x": Continuous(low=-3, high=5), "n": Integer(low=0, high=10**6)})
    learner = make_learner(space, seed=4)
    seen: list[float] = []
    for number in range(25):
        (suggestion,) = learner.ask()
        assert not space.problems(suggestion.parameters)
        seen.append(-abs(float(suggestion.parameters["x"]) - 2))
        learner.tell(end(number, suggestion.parameters, seen[-1]))

    assert max(seen[10:]) > -0.25
    assert len(set(seen)) == 25


def test_a_gaussian_process_soon_finds_better_points_than_random_ones(
    make_learner: MakeLearner, grid: Space, end: End
) -> None:
    """25 points drawn at random have the best of 441 among them once in 18 times."""

    def hill(point: Point) -> float:
        return -((float(point["x"]) - 32.5) ** 2) - 2 * (float(point["y"]) - 12.5) ** 2 + 0.5 * float(point["x"])

    best = max(map(hill, grid.points()))
    for seed in range(3):
        learner = make_learner(surrogate="gp", acquisition="ei", seed=seed)
        found: list[float] = []
        for number in range(25):
            (suggestion,) = learner.ask()
            found.append(hill(suggestion.parameters))
            learner.tell(end(number, suggestion.parameters, found[-1]))
        assert max(found) == best


def test_a_long_start_in_a_large_space_goes_on_without_a_point_twice(make_learner: MakeLearner) -> None:
    space = Space({"x": Continuous(low=-3, high=5), "y": Continuous(low=0, high=1)})
    one, other = (make_learner(space, start={"random": {"n": 100_000}}) for _ in range(2))

    points = points_of(one.ask(1500))

    assert points == points_of([other.ask()[0] for _ in range(1500)])
    assert len({point["x"] for point in points}) == 1500
    halves = [sum(float(point["y"]) > 0.5 for point in part) for part in (points[:750], points[750:])]
    assert halves == pytest.approx([375, 375], abs=60)


def test_the_learner_learns_from_what_was_measured_and_nothing_else(
    make_learner: MakeLearner, schwefel: Measure, end: End
) -> None:
    """One measured value changed: the next suggestion changes. All told alike: it stays."""
    told: list[tuple[Point, float]] = []
    learner = make_learner(trees=50)
    for number in range(12):
        (suggestion,) = learner.ask()
        told.append((suggestion.parameters, schwefel(suggestion.parameters)))
        learner.tell(end(number, *told[-1]))

    def next_after(values: list[tuple[Point, float]]) -> Point:
        replayed = make_learner(trees=50)
        for number, (point, value) in enumerate(values):
            replayed.tell(end(number, point, value))
        return replayed.ask()[0].parameters

    best = max(range(12), key=lambda i: told[i][1])
    changed = [*told]
    changed[best] = (told[best][0], -0.7)

    assert next_after(told) == learner.ask()[0].parameters
    assert next_after(changed) != next_after(told)
