"""Best so far, arrivals and curves, by hand."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from motet.model.objective import Objective
from motet.study.course import Arrival, Milestone, arrival, course, milestones, shown
from motet.study.curves import best_by_experiments, best_by_time, experiment_grid, pace, time_grid
from motet.study.question import Question
from motet.study.result import TrialResult

Make = Callable[..., TrialResult]
NAN = math.nan


def aims(question: Question, **objective: object) -> Question:
    return replace(question, objective=Objective.model_validate({"unit": "mA", **objective}))


def test_failures_and_ties_keep_the_best(question: Question, trial: Make) -> None:
    went = course(trial([None, 1.0, None, 3.0, 3.0, 2.0]), question)
    assert went.best.tolist() == [-math.inf, -math.inf, 1, 1, 3, 3, 3]
    assert went.ended_s.tolist() == [10, 20, 30, 40, 50, 60]


def test_lower_is_better_where_the_objective_says_so(question: Question, trial: Make) -> None:
    minimize = aims(question, goal="minimize")
    assert course(trial([3.0, None, 5.0, 2.0]), minimize).best.tolist() == [math.inf, 3, 3, 3, 2]
    assert (minimize.sign, question.sign) == (-1, 1)


def test_towards_a_target_the_distance_is_shown(question: Question, trial: Make) -> None:
    target = aims(question, goal="target", target=10.0)
    assert course(trial([4.0, 13.0, None, 8.0]), target).best.tolist() == [math.inf, 6, 3, 3, 2]
    assert (shown(target, 8.0), shown(target, 12.0)) == (2.0, 2.0)


def test_a_campaign_without_an_experiment_has_no_best(question: Question, trial: Make) -> None:
    went = course(trial([]), question)
    assert went.at_experiments(np.array([1, 5])).tolist() == [-math.inf, -math.inf]
    assert arrival(trial([]), went, Milestone("goal", "x"), 1) == Arrival(0, 0.0, False)


def test_the_best_after_so_much_time_counts_what_has_ended_then(question: Question, trial: Make) -> None:
    went = course(trial([1.0, 2.0, 4.0]), question)
    assert went.at_times(np.array([9.9, 10.0, 25.0, 30.0, 1e6])).tolist() == [-math.inf, 1, 2, 4, 4]


@pytest.mark.parametrize(
    ("objective", "values", "aim", "expected"),
    [
        ({"goal": "maximize"}, [1.0, None, 3.0, 3.0, 9.0], 3.0, Arrival(3, 30.0, True)),
        ({"goal": "maximize"}, [1.0, None, 2.9], 3.0, Arrival(3, 30.0, False)),
        ({"goal": "minimize"}, [5.0, 3.0, 1.0], 3.0, Arrival(2, 20.0, True)),
        ({"goal": "minimize"}, [5.0, 3.1], 3.0, Arrival(2, 20.0, False)),
        ({"goal": "target", "target": 10.0}, [5.0, 12.0, 9.0], 8.0, Arrival(2, 20.0, True)),
        ({"goal": "target", "target": 10.0}, [5.0, 13.0], 8.0, Arrival(2, 20.0, False)),
    ],
)
def test_the_first_value_as_good_as_the_target_arrives(
    question: Question,
    trial: Make,
    objective: dict[str, object],
    values: list[float | None],
    aim: float,
    expected: Arrival,
) -> None:
    asked = replace(aims(question, **objective), goal="", threshold=None, target=aim)
    (milestone,) = milestones(asked)
    one = trial(values)
    assert arrival(one, course(one, asked), milestone, asked.sign) == expected


def test_the_stop_rule_held_when_the_campaign_ended(question: Question, trial: Make) -> None:
    goal = milestones(question)[0]
    for reached in (True, False):
        one = trial([1.0, 5.0, 2.0], reached=reached)
        assert arrival(one, course(one, question), goal, 1) == Arrival(3, 30.0, reached)


def test_milestones_tell_themselves(question: Question) -> None:
    asked = replace(question, target=0.75)
    assert [(one.short, one.clause) for one in milestones(asked)] == [
        ("goal", "all 5 given points are measured"),
        ("target", "current ≥ 0.75 mA is measured"),
        ("top 1 %", "current in the top 1 % of the space (≥ 0.9 mA) is measured"),
    ]
    assert milestones(replace(question, goal="", threshold=None)) == ()


def test_a_campaign_that_has_ended_keeps_its_best_in_the_curves(question: Question, trial: Make) -> None:
    courses = [course(trial(values), question) for values in ([5.0, 6.0], [1.0, 2.0, 3.0, 4.0])]
    assert experiment_grid(courses).tolist() == [1, 2, 3, 4]
    band = best_by_experiments(courses, experiment_grid(courses))
    assert band.median.tolist() == [3.0, 4.0, 4.5, 5.0]
    assert band.low.tolist() == pytest.approx([1.4, 2.4, 3.3, 4.2])
    assert band.high.tolist() == pytest.approx([4.6, 5.6, 5.7, 5.8])
    times = time_grid(courses)
    assert (times[0], times[-1]) == (0.0, 40.0)
    by_time = best_by_time(courses, np.array([0.0, 10.0, 20.0, 40.0]))
    np.testing.assert_array_equal(by_time.median, [NAN, 3.0, 4.0, 5.0])


def test_a_curve_begins_where_the_trials_have_values(question: Question, trial: Make) -> None:
    courses = [course(trial(values), question) for values in ([None, None, 3.0], [1.0, 1.0, 1.0], [None, 2.0, 2.0])]
    band = best_by_experiments(courses, experiment_grid(courses))
    np.testing.assert_array_equal(band.median, [NAN, 1.0, 2.0])


def test_a_long_curve_is_thinned_evenly(question: Question, trial: Make) -> None:
    grid = experiment_grid([course(trial([1.0] * 5000), question)])
    assert (grid[0], grid[-1], len(grid)) == (1, 5000, 400)
    assert set(np.diff(grid).tolist()) == {12, 13}


def test_the_pace_is_over_those_that_go_on_and_ends_at_half_of_them(question: Question, trial: Make) -> None:
    one = [course(trial([1.0] * count, every_s=every), question) for count, every in ((2, 10.0), (3, 20.0), (9, 40.0))]
    band = pace(one)
    assert band.x.tolist() == [1, 2, 3]
    assert band.median.tolist() == [20.0, 40.0, 90.0]
    assert pace([]).x.size == 0
