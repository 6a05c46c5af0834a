"""Spaces too large to list: searched by samples and, around the best of them, more closely."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from motet.learning import Learner, build_learner
from motet.model.campaign import LearnerConfig
from motet.model.constraints import Sum
from motet.model.experiment import Experiment, Outcome, State
from motet.model.objective import Objective
from motet.model.parameters import Categorical, Continuous, Parameter, Stepped
from motet.model.space import Space
from motet.model.values import Point
from motet.plugins import installed

MAXIMIZE = {"y": Objective(goal="maximize")}


def make(space: Space, seed: int = 0, **learner: Any) -> Learner:
    config = LearnerConfig.model_validate(learner)
    return build_learner(config, installed(), space, MAXIMIZE, seed=seed, stations=5)


def best_of(learner: Learner, measure: Callable[[Point], float], n: int) -> float:
    best = -float("inf")
    for number in range(n):
        (suggestion,) = learner.ask()
        value = measure(suggestion.parameters)
        best = max(best, value)
        learner.tell(Outcome(Experiment("c", number, suggestion), State.DONE, {"y": value}))
    return best


def test_a_continuous_optimum_is_found_more_closely_than_any_sample_lies() -> None:
    space = Space({name: Continuous(low=0, high=1) for name in "abc"})

    def bowl(point: Point) -> float:
        return -sum((float(v) - 0.6180) ** 2 for v in point.values())

    assert best_of(make(space), bowl, 30) > -2e-5, "the nearest of 2048 points is some 0.05 away: -2.5e-3"


def test_a_composition_on_a_grid_too_large_to_list_is_searched_within_its_sum() -> None:
    names = "abcdef"
    parameters: dict[str, Parameter] = {name: Stepped(low=0, high=1, step=0.01) for name in names}
    space = Space(parameters, constraints=(Sum.model_validate({"sum": list(names), "equals": 1}),))
    target = dict(zip(names, (0.5, 0.3, 0.2, 0.0, 0.0, 0.0), strict=True))

    def near(point: Point) -> float:
        assert sum(float(v) for v in point.values()) == pytest.approx(1.0, abs=1e-9)
        return -sum((float(point[name]) - target[name]) ** 2 for name in names)

    assert best_of(make(space, acquisition="ucb"), near, 20) > -0.02


def test_choices_and_numbers_are_searched_together() -> None:
    choices = tuple(f"s{i}" for i in range(8))
    space = Space({"solvent": Categorical(choices=choices), "x": Continuous(low=0, high=1)})

    def best_in_s7(point: Point) -> float:
        return (1.0 if point["solvent"] == "s7" else 0.0) - (float(point["x"]) - 0.3) ** 2

    assert best_of(make(space, acquisition="ucb"), best_in_s7, 25) > 0.99


def test_a_product_of_quintillions_is_never_listed() -> None:
    space = Space({f"p{i}": Stepped(low=0, high=1, step=0.0001) for i in range(5)})
    began = time.process_time()

    assert len(make(space).ask(5)) == 5
    assert time.process_time() - began < 5
