"""A small measured table, and a learner that needs no model."""

from collections.abc import Callable, Sequence

import pytest

from motet.model.experiment import Outcome, Suggestion
from motet.model.objective import Objective
from motet.study.replay.measured import Measured
from motet.study.replay.question import ReplayQuestion

HIGH = Objective(goal="maximize")


class InOrder:
    """Suggests the points of a table in a given order, and notes what it hears of."""

    def __init__(self, table: Measured, order: Sequence[int]) -> None:
        self.left = [table.points[place] for place in order]
        self.held: list[Suggestion] = []
        self.asked: list[Suggestion] = []
        self.told: list[Outcome] = []

    def ask(self, n: int = 1) -> Sequence[Suggestion]:
        taken = [suggestion.parameters for suggestion in (*self.held, *self.asked)]
        free = [point for point in self.left if point not in taken][:n]
        self.asked += [Suggestion(point, "next", id=str(len(self.asked) + i + 1)) for i, point in enumerate(free)]
        return self.asked[len(self.asked) - len(free) :]

    def tell(self, outcome: Outcome) -> None:
        self.told.append(outcome)

    def hold(self, suggestion: Suggestion) -> None:
        self.held.append(suggestion)


def line(values: Sequence[float], objective: Objective = HIGH) -> Measured:
    """Points 0, 1, 2 ... on a line with these values."""
    return Measured(("x",), tuple((float(x),) for x in range(len(values))), tuple(values), "y", objective)


@pytest.fixture
def table_of() -> Callable[..., Measured]:
    """Makes a table from the values of its points: see `line`."""
    return line


@pytest.fixture
def in_order() -> type[InOrder]:
    """Makes a learner that suggests given points."""
    return InOrder


@pytest.fixture
def replay_question() -> ReplayQuestion:
    """Two learners with one worker on a table of ten points."""
    return ReplayQuestion(
        table="line.csv",
        digest="abc",
        points=10,
        parameters=("x",),
        objective="y",
        goal="maximize",
        repeats="unique",
        top="5",
        until="100 %",
        initial=2,
        budget=None,
        durations="equal",
        sigma=None,
        versions={"motet": "0.1.0"},
        learners={"gp+ucb": {"surrogate": {"name": "gp"}}, "rf": {}},
        workers=(1,),
        seeds=(0, 1, 2),
    )
