"""When a campaign has what it wanted, by what was measured, by time and by cost."""

from typing import Any

import pytest

from motet.contracts.declarations import Kind
from motet.contracts.learning import History, StopRule
from motet.errors import CampaignError, PluginProblem
from motet.files.making import make_plugin
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective
from motet.model.values import PluginRef, Point
from motet.plugins import installed

UP, DOWN, NEAR = Objective(goal="maximize"), Objective(goal="minimize"), Objective(goal="target", target=7.0)


def rule(name: str, **options: Any) -> StopRule:
    return make_plugin(installed(), Kind.STOP_RULE, PluginRef(name=name, options=options))


def history(*values: float | None, goal: Objective = UP) -> History:
    """An outcome at x = 0, 2.5, 5, ... for each value; a failed one for None."""
    return at(*(({"x": 2.5 * i, "s": "a"}, value) for i, value in enumerate(values)), goal=goal)


def at(*measured: tuple[Point, float | None], goal: Objective = UP) -> History:
    outcomes = [
        outcome(number, {} if value is None else {"v": value}, point)
        for number, (point, value) in enumerate(measured, 1)
    ]
    return History(outcomes, {"v": goal}, elapsed_s=1.0)


def outcome(number: int, values: dict[str, float], point: Point | None = None) -> Outcome:
    experiment = Experiment("c", number, Suggestion(point or {"x": number}, "", id=str(number)))
    return Outcome(experiment, State.DONE if values else State.FAILED, values)


def both(*pairs: tuple[float | None, float | None]) -> History:
    """Outcomes with two objectives, v up and w down; None where a value is missing."""
    outcomes = [
        outcome(number, {name: value for name, value in zip("vw", pair, strict=True) if value is not None})
        for number, pair in enumerate(pairs, 1)
    ]
    return History(outcomes, {"v": UP, "w": DOWN}, elapsed_s=1.0)


def test_experiments_counts_failed_ones_too() -> None:
    three = rule("experiments", count=3)

    assert three.most() == 3
    assert three.reason(history(1.0, None)) is None
    assert three.reason(history(1.0, None, 2.0)) == "3 experiments have ended"


def test_points_waits_for_all_of_them_to_be_measured() -> None:
    two = rule("points", at=[{"x": 0.0, "s": "a"}, {"x": 5, "s": "a"}])

    assert two.most() is None
    assert two.reason(history(1.0, 1.0)) is None
    assert two.reason(history(1.0, 1.0, None)) is None
    assert two.reason(history(1.0, 1.0, 1.0)) == "all 2 given points are measured"


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


def test_target_reached_may_name_another_objective_and_passes_over_values_that_are_missing() -> None:
    target = rule("target_reached", value=-2, objective="w")

    assert target.reason(both((1, None), (None, -1))) is None
    assert target.reason(both((1, None), (None, -2.5))) == "w has reached -2"
    assert rule("target_reached", value=3).reason(both((None, 5), (3, None))) == "v has reached 3"


@pytest.mark.parametrize("name", ["target_reached", "no_improvement"])
def test_an_objective_that_the_campaign_does_not_have_stops_it(name: str) -> None:
    options = {"value": 1.0} if name == "target_reached" else {"k": 1}

    with pytest.raises(CampaignError, match=f"stop rule {name}: no objective 'u'; there are v, w"):
        rule(name, objective="u", **options).reason(both((1, 1)))


@pytest.mark.parametrize("name", ["target_reached", "no_improvement"])
def test_a_class_is_never_better_than_another(name: str) -> None:
    options = {"value": 1.0} if name == "target_reached" else {"k": 1}
    phases = Objective(goal="classify", classes=("alpha", "beta"))

    with pytest.raises(CampaignError, match=f"stop rule {name}: v is a class"):
        rule(name, **options).reason(history(0.0, 1.0, goal=phases))


def test_no_improvement_looks_at_the_last_k_successful_ones() -> None:
    stuck = rule("no_improvement", k=2)

    assert stuck.reason(history(1.0, 0.5)) is None
    assert stuck.reason(history(1.0, 0.5, None, None)) is None
    assert stuck.reason(history(1.0, 0.5, None, 1.1)) is None
    assert stuck.reason(history(1.0, 0.5, None, 1.0)) == "no better v in the last 2 experiments"


@pytest.mark.parametrize(
    ("goal", "values", "stuck"),
    [
        (DOWN, (3, 4, 5), True),
        (DOWN, (3, 4, 2), False),
        (NEAR, (6, 9, 5), True),
        (NEAR, (6, 9, 7.5), False),
        (NEAR, (6, 8, 8), True),
    ],
)
def test_no_improvement_knows_which_way_is_better(goal: Objective, values: tuple[float, ...], stuck: bool) -> None:
    assert (rule("no_improvement", k=2).reason(history(*values, goal=goal)) is not None) is stuck


def test_no_improvement_may_ask_for_more_than_a_trifle() -> None:
    assert rule("no_improvement", k=1).reason(history(1.0, 1.001)) is None
    assert rule("no_improvement", k=1, by=0.01).reason(history(1.0, 1.001)) is not None


def test_with_several_objectives_a_new_trade_off_is_an_improvement() -> None:
    stuck = rule("no_improvement", k=2)

    assert stuck.reason(both((1, 5), (3, 9), (2, 7), (0, 6))) is None  # 2, 7 lies between the first two
    assert stuck.reason(both((1, 5), (3, 9), (2, 9), (0, 6))) == "no new trade-off of v, w in the last 2 experiments"
    assert stuck.reason(both((1, 5), (3, 9), (1, 5), (3, 9))) is not None  # the same again is nothing new
    assert stuck.reason(both((1, 5), (3, 9), (4, None), (None, 1))) is None  # not comparable: as if not there


def test_one_of_several_objectives_may_be_named() -> None:
    found = both((3, 5), (2, 4), (1, None))

    assert rule("no_improvement", k=2, objective="v").reason(found) is not None
    assert rule("no_improvement", k=1, objective="w").reason(found) is None


def test_an_amount_of_improvement_needs_an_objective_to_be_measured_in() -> None:
    with pytest.raises(CampaignError, match=r"by = 0\.5 is for one objective; name one .*; there are v, w"):
        rule("no_improvement", k=1, by=0.5).reason(both((1, 1)))
    assert rule("no_improvement", k=1, by=0.5, objective="v").reason(both((1, 1), (1.4, 2))) is not None


@pytest.mark.parametrize(("after", "seconds"), [(1.5, 5400), ("90 min", 5400), ("2 days", 172_800), ("30 s", 30)])
def test_time_is_hours_or_a_quantity(after: float | str, seconds: float) -> None:
    limit = rule("time", after=after)

    assert limit.most() is None
    assert limit.reason(History((), {"v": UP}, seconds - 0.01)) is None
    said = after if isinstance(after, str) else "1.5 h"
    assert limit.reason(History((), {"v": UP}, seconds)) == f"{said} have passed"


@pytest.mark.parametrize("after", [0, -1, "0 min", "5 mm", "soon", True, None])
def test_a_time_that_is_none_is_refused(after: object) -> None:
    with pytest.raises(PluginProblem, match="stop_rule time: after"):
        rule("time", after=after)


def test_cost_is_what_the_lab_says() -> None:
    limit = rule("cost", limit=100)

    assert limit.most() is None
    assert limit.reason(History((), {"v": UP}, 1.0, cost=99.9)) is None
    assert limit.reason(History((), {"v": UP}, 1.0, cost=103.5)) == "the cost has reached 103.5"


def test_without_prices_a_limit_of_cost_stops_the_campaign() -> None:
    with pytest.raises(CampaignError, match="stop rule cost: limit 100, but the lab file states no prices"):
        rule("cost", limit=100).reason(history())
