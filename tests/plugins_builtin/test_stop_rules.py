"""When a campaign has what it wanted."""

from typing import Any

import pytest

from motet.contracts.declarations import Kind
from motet.contracts.learning import History, StopRule
from motet.errors import CampaignError
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective
from motet.model.values import Point
from motet.plugins import installed

UP, DOWN, NEAR = Objective(goal="maximize"), Objective(goal="minimize"), Objective(goal="target", target=7.0)


def rule(name: str, **options: Any) -> StopRule:
    return installed().make(Kind.STOP_RULE, name, options)


def history(*values: float | None, goal: Objective = UP) -> History:
    """An outcome at x = 0, 2.5, 5, ... for each value; a failed one for None."""
    return at(*(({"x": 2.5 * i, "s": "a"}, value) for i, value in enumerate(values)), goal=goal)


def at(*measured: tuple[Point, float | None], goal: Objective = UP) -> History:
    outcomes = [
        Outcome(
            Experiment("c", number, Suggestion(point, "")),
            State.FAILED if value is None else State.DONE,
            {} if value is None else {"v": value, "w": -value},
        )
        for number, (point, value) in enumerate(measured, 1)
    ]
    return History(outcomes, {"v": goal, "w": DOWN}, elapsed_s=1.0)


def test_experiments_counts_failed_ones_too() -> None:
    three = rule("experiments", count=3)

    assert three.most() == 3
    assert three.reason(history(1.0, None)) is None
    assert three.reason(history(1.0, None, 2.0)) == "3 experiments have ended"


def test_points_waits_for_all_of_them_to_be_measured() -> None:
    both = rule("points", at=[{"x": 0.0, "s": "a"}, {"x": 5, "s": "a"}])

    assert both.most() is None
    assert both.reason(history(1.0, 1.0)) is None
    assert both.reason(history(1.0, 1.0, None)) is None
    assert both.reason(history(1.0, 1.0, 1.0)) == "all 2 given points are measured"


def test_points_matches_numbers_by_value_and_may_leave_parameters_open() -> None:
    open_rule = rule("points", at=[{"x": 0.3}])

    assert open_rule.reason(at(({"x": 0.1 + 0.2, "s": "b"}, 1.0))) is not None
    assert open_rule.reason(at(({"x": 0.31, "s": "b"}, 1.0))) is None
    assert rule("points", at=[{"s": "b"}]).reason(history(1.0)) is None


def test_points_with_a_name_that_is_no_parameter_stops_the_campaign() -> None:
    with pytest.raises(CampaignError, match="stop rule points: no parameter z; there are x, s"):
        rule("points", at=[{"z": 1.0}]).reason(history(1.0))


@pytest.mark.parametrize(
    ("goal", "value", "short", "reached"),
    [(UP, 0.7, 0.69, 0.7), (DOWN, -0.7, -0.69, -0.71), (NEAR, 0.5, 6.4, 7.5), (NEAR, 0.5, 7.6, 6.5)],
)
def test_target_reached_knows_which_way_is_better(goal: Objective, value: float, short: float, reached: float) -> None:
    target = rule("target_reached", value=value)

    assert target.reason(history(None, goal=goal)) is None
    assert target.reason(history(short, goal=goal)) is None
    assert target.reason(history(short, reached, short, goal=goal)) == f"v has reached {value:g}"


def test_a_rule_may_name_another_objective() -> None:
    assert rule("target_reached", value=-2, objective="w").reason(history(1.0, 2.0)) == "w has reached -2"


@pytest.mark.parametrize("name", ["target_reached", "no_improvement"])
def test_an_objective_that_the_campaign_does_not_have_stops_it(name: str) -> None:
    options = {"value": 1.0} if name == "target_reached" else {"k": 1}

    with pytest.raises(CampaignError, match=f"stop rule {name}: no objective 'u'; there are v, w"):
        rule(name, objective="u", **options).reason(history(1.0))


def test_no_improvement_looks_at_the_last_k_successful_ones() -> None:
    stuck = rule("no_improvement", k=2)

    assert stuck.reason(history(1.0, 0.5)) is None
    assert stuck.reason(history(1.0, 0.5, None, None)) is None
    assert stuck.reason(history(1.0, 0.5, None, 1.1)) is None
    assert stuck.reason(history(1.0, 0.5, None, 1.0)) == "no better v in the last 2 experiments"
    assert stuck.reason(history(3.0, 4.0, 5.0, goal=DOWN)) == "no better v in the last 2 experiments"


def test_no_improvement_may_ask_for_more_than_a_trifle() -> None:
    assert rule("no_improvement", k=1).reason(history(1.0, 1.001)) is None
    assert rule("no_improvement", k=1, by=0.01).reason(history(1.0, 1.001)) is not None
