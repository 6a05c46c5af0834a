"""The replay of a table, against courses known beforehand."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice, permutations
from typing import Any

import numpy as np
import pytest

from motet.errors import LearnerError
from motet.model.experiment import Outcome, Suggestion
from motet.study.replay.durations import durations
from motet.study.replay.measured import Measured
from motet.study.replay.random_choice import random_experiments, random_share, random_wait
from motet.study.replay.replaying import Terms, first_points, replay
from motet.study.replay.run import Entry, after, found
from motet.study.replay.top import top

Tables = Callable[..., Measured]
ONE, FOUR = Entry("any"), Entry("any", 4)


class Around:
    """Another learner, with an `ask` of its own."""

    def __init__(self, learner: Any, ask: Callable[[], list[Suggestion]]) -> None:
        self._learner = learner
        self._ask = ask

    def tell(self, outcome: Outcome) -> None:
        self._learner.tell(outcome)

    def hold(self, suggestion: Suggestion) -> None:
        self._learner.hold(suggestion)

    def ask(self, n: int = 1) -> list[Suggestion]:
        assert n == 1
        return self._ask()


def test_first_points_are_drawn_without_repetition_and_belong_to_the_seed() -> None:
    drawn = [first_points(10, 4, seed) for seed in range(200)]
    assert all(len(set(points)) == 4 for points in drawn)
    assert drawn == [first_points(10, 4, seed) for seed in range(200)]
    counts = np.bincount(np.concatenate(drawn), minlength=10)
    assert counts.min() > 50  # of 80 expected


def test_one_worker_measures_one_point_after_the_other(table_of: Tables, in_order: Any) -> None:
    table = table_of([0, 1, 2, 3, 4, 5])
    first = first_points(6, 2, 7)
    rest = [place for place in (5, 3, 4, 1, 0, 2) if place not in first]
    learner = in_order(table, rest)
    run = replay(table, top(table.merits, 2), Terms(2, 2, 0, 6), ONE, 7, learner)
    wanted = [*first, *rest]
    ends = max(wanted.index(4), wanted.index(5)) + 1
    assert run.order == tuple(wanted[:ends])
    assert run.ended == tuple(range(1, ends + 1))
    assert run.reason == "2 top points were found"
    assert len(run.ask_s) == ends - 2
    assert [outcome.values["y"] for outcome in learner.told] == [float(place) for place in run.order]
    assert [outcome.experiment.number for outcome in learner.told] == list(range(1, ends + 1))
    assert learner.held == [outcome.experiment.suggestion for outcome in learner.told[:2]]


def test_the_learner_knows_of_the_pending_points_when_it_is_asked(table_of: Tables, in_order: Any) -> None:
    """With four workers and equal durations the learner is asked for the first time with two drawn points pending and
    nothing told, and hears of the first four before the fifth is begun."""
    table = table_of(range(10))
    asked: list[tuple[int, int]] = []

    learner = in_order(table, range(10))

    def noting() -> list[Suggestion]:
        asked.append((len(learner.held) + len(learner.asked) - len(learner.told), len(learner.told)))
        return learner.ask()

    run = replay(table, top(table.merits, 1), Terms(2, 1, 10, 10), FOUR, 0, Around(learner, noting))
    assert asked[:4] == [(2, 0), (3, 0), (3, 1), (3, 2)]
    assert sorted(run.order) == list(range(10))
    assert run.ended == (1, 1, 1, 1, 2, 2, 2, 2, 3, 3)
    assert run.reason == "1 top points were found"


def test_drawn_durations_order_the_results(table_of: Tables, in_order: Any) -> None:
    """Each worker takes the next point when it is free: a timeline made by hand from the same durations."""
    table = table_of(range(12))
    terms = Terms(2, 12, 0, 12, "lognormal", 1.0)
    run = replay(table, top(table.merits, 12), terms, Entry("any", 3), 5, in_order(table, range(12)))
    first = first_points(12, 2, 5)
    begun = [*first, *(place for place in range(12) if place not in first)]
    free, ends = [0.0, 0.0, 0.0], list[tuple[float, int]]()
    for place, lasts in zip(begun, durations("lognormal", 1.0, 5), strict=False):
        worker = int(np.argmin(free))
        free[worker] += lasts
        ends.append((free[worker], place))
    assert run.order == tuple(place for _, place in sorted(ends))
    assert run.ended == pytest.approx(sorted(end for end, _ in ends))


def test_one_worker_takes_the_sum_of_the_durations(table_of: Tables, in_order: Any) -> None:
    table = table_of(range(6))
    terms = Terms(0, 6, 0, 6, "lognormal", 0.5)
    run = replay(table, top(table.merits, 6), terms, ONE, 3, in_order(table, range(6)))
    assert run.ended == pytest.approx(np.cumsum(list(islice(durations("lognormal", 0.5, 3), 6))))


def test_durations_have_the_mean_and_spread_that_they_should() -> None:
    drawn = np.array(list(islice(durations("lognormal", 0.5, 1), 20_000)))
    assert drawn.mean() == pytest.approx(1.0, abs=4 * 0.53 / 20_000**0.5)
    assert np.log(drawn).std() == pytest.approx(0.5, abs=0.02)
    assert list(islice(durations("equal", 0.5, 1), 3)) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("terms", "experiments", "reason"),
    [
        (Terms(2, 1, 0, 5), None, "1 top points were found"),
        (Terms(2, 1, 5, 10), 5, "1 top points were found"),
        (Terms(2, 99, 0, 5), 5, "5 experiments were done"),
        (Terms(7, 99, 0, 5), 5, "5 experiments were done"),
        (Terms(2, 99, 0, 10), 8, "the learner had no more points to suggest"),
    ],
)
def test_a_run_ends_as_its_terms_say(
    table_of: Tables, in_order: Any, terms: Terms, experiments: int | None, reason: str
) -> None:
    """Of ten points the learner knows eight; the one top point is among the first five begun."""
    table = table_of(range(10))
    first = first_points(10, 2, 0)
    assert 9 not in first
    others = [place for place in range(10) if place not in (9, *first)]
    run = replay(table, top(table.merits, 1), terms, ONE, 0, in_order(table, [9, *others[:5]]))
    assert run.reason == reason
    assert len(run.order) == (experiments or 3)


def test_a_learner_that_has_points_for_one_worker_only_keeps_the_others_idle(table_of: Tables, in_order: Any) -> None:
    table = table_of(range(5))

    learner = in_order(table, range(5))

    def one_by_one() -> list[Suggestion]:
        return learner.ask() if len(learner.asked) == len(learner.told) else []

    run = replay(table, top(table.merits, 5), Terms(0, 5, 0, 5), FOUR, 0, Around(learner, one_by_one))
    assert run.ended == (1, 2, 3, 4, 5)


def test_a_point_that_is_not_in_the_table_is_an_error_of_the_learner(table_of: Tables, in_order: Any) -> None:
    table = table_of(range(3))

    astray = Around(in_order(table, []), lambda: [Suggestion({"x": 1.5}, "why not")])
    with pytest.raises(LearnerError, match=r"suggested \{'x': 1.5\}, which is not in the table"):
        replay(table, top(table.merits, 1), Terms(0, 1, 0, 3), ONE, 0, astray)


def test_suggestions_without_a_model_are_counted(table_of: Tables, in_order: Any) -> None:
    table = table_of(range(3))

    learner = in_order(table, range(3))
    failing = Around(learner, lambda: [replace(one, problem="no fit") for one in learner.ask()])
    run = replay(table, top(table.merits, 3), Terms(1, 3, 0, 3), ONE, 0, failing)
    assert (run.problems, run.problem) == (2, "no fit")


def test_top_points_are_counted_once() -> None:
    is_top = np.array([True, False, True, False])
    assert found((1, 0, 0, 3, 2), is_top).tolist() == [0, 0, 1, 1, 1, 2]


def test_n80_is_the_first_count_with_80_percent_in_every_order_of_a_small_table() -> None:
    """Three top points of five: 80 % are all three, so N80 is the place of the last of them."""
    is_top = np.array([True, True, True, False, False])
    for order in permutations(range(5)):
        assert after(found(order, is_top), 3) == max(order.index(place) for place in (0, 1, 2)) + 1
        assert after(found(order, is_top), 1) == min(order.index(place) for place in (0, 1, 2)) + 1
        assert after(found(order[:2], is_top), 3) is None


@pytest.mark.parametrize(("points", "tops"), [(600, 30), (178, 9), (7, 3), (2, 1)])
def test_the_closed_form_of_random_choice_is_the_recursion(points: int, tops: int) -> None:
    """P_i = (M - E_(i-1)) / (N - i), E its running sum, with i from 0."""
    expected = 0.0
    for i in range(points):
        expected += (tops - expected) / (points - i)
        assert expected / tops == pytest.approx(random_share(points)[i + 1])


def test_the_closed_form_of_random_choice_is_what_random_choice_does(table_of: Tables, in_order: Any) -> None:
    points, tops, runs = 20, 4, 1500
    table = table_of(range(points))
    is_top = top(table.merits, tops)
    rng = np.random.default_rng(1)
    counts = np.zeros((runs, points + 1))
    for seed in range(runs):
        learner = in_order(table, rng.permutation(points).tolist())
        counts[seed] = found(replay(table, is_top, Terms(2, 99, 0, points), ONE, seed, learner).order, is_top)
    shares = counts / tops
    error = shares.std(axis=0) / runs**0.5
    assert (abs(shares.mean(axis=0) - random_share(points)) <= 4 * error + 1e-12).all()
    assert random_experiments(0.8, points) == 16
    waits = (counts >= 4).argmax(axis=1)
    assert waits.mean() == pytest.approx(random_wait(4, tops, points), abs=4 * waits.std() / runs**0.5)


def test_the_share_of_random_choice_stays_at_one() -> None:
    assert random_share(4, 6).tolist() == [0, 0.25, 0.5, 0.75, 1, 1, 1]
