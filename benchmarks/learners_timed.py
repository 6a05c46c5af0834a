"""The learners that `learners.py` times, behind one face: ask for rows of a pool, tell the value at a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from motet.contracts.belief import Array
from motet.learning import build_learner
from motet.model.campaign import LearnerConfig
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective
from motet.model.space import Continuous, Space
from motet.model.values import PluginRef, Point
from motet.plugins import installed

POOL = 5_000
"""Points to choose from."""

NAMES = tuple("abcdef")
"""Columns."""

NOISE = 0.1
"""Standard deviation of the noise on a value; that of the function is about 0.9."""


@dataclass(frozen=True)
class Problem:
    """A pool (p, 6), and the rows of it that were measured so far with their values."""

    pool: Array
    rows: NDArray[np.intp]
    values: Array

    def measure(self, row: int) -> float:
        """The value at a row of the pool, always the same."""
        a, b, c, d, e, _ = self.pool[row]
        function = np.sin(6 * a) + b**2 + np.cos(4 * c * d) + 0.3 * e
        return float(function + NOISE * np.random.default_rng(row).standard_normal())


def problem(pool: int, values: int) -> Problem:
    """Values at random rows of a random pool."""
    rng = np.random.default_rng(0)
    found = Problem(rng.random((pool, len(NAMES))), rng.choice(pool, values, replace=False), np.zeros(0))
    return Problem(found.pool, found.rows, np.array([found.measure(int(row)) for row in found.rows]))


class Timed(Protocol):
    """A learner that was told the values of a problem."""

    def warm_up(self) -> None:
        """Import what is needed."""
        ...

    def ask(self, count: int) -> list[int]:
        """Rows to measure next, none of which is measured or pending."""
        ...

    def tell(self, row: int, value: float) -> None:
        """The value at a row."""
        ...


class Motet:
    """A learner as a campaign has it."""

    def __init__(self, given: Problem, surrogate: PluginRef) -> None:
        points: list[Point] = [dict(zip(NAMES, map(float, row), strict=True)) for row in given.pool]
        config = LearnerConfig(
            start=PluginRef(name="random"),
            surrogate=surrogate,
            acquisition=PluginRef(name="log_ei"),
            pending=PluginRef(name="believer"),
        )
        space = Space({name: Continuous(low=0, high=1) for name in NAMES}, points)
        self._learner = build_learner(config, installed(), space, {"y": Objective(goal="maximize")}, seed=0)
        self._rows = {tuple(point.values()): row for row, point in enumerate(points)}
        self._pending: dict[int, Suggestion] = {}
        self._told = 0
        for row, value in zip(given.rows, given.values, strict=True):
            self._end(Suggestion(points[int(row)], "given"), float(value))

    def warm_up(self) -> None:
        """Import what is needed."""
        self._learner.warm_up()

    def ask(self, count: int) -> list[int]:
        """Rows to measure next."""
        suggestions = self._learner.ask(count)
        rows = [self._rows[tuple(suggestion.parameters.values())] for suggestion in suggestions]
        self._pending |= zip(rows, suggestions, strict=True)
        return rows

    def tell(self, row: int, value: float) -> None:
        """The value at a row that was asked for."""
        self._end(self._pending.pop(row), value)

    def _end(self, suggestion: Suggestion, value: float) -> None:
        self._told += 1
        self._learner.tell(Outcome(Experiment("benchmark", self._told, suggestion), State.DONE, {"y": value}))


Scores = Callable[[Array, Array, Array], Array]
"""From rows (n, d), values (n,) and a pool (p, d) to the expected improvement (p,) or its logarithm."""


class Scored:
    """A model that is fitted anew with every value; the best point that is not measured yet is chosen."""

    def __init__(self, given: Problem, scores: Scores) -> None:
        self._pool, self._scores = given.pool, scores
        self._rows, self._values = [int(row) for row in given.rows], [float(value) for value in given.values]

    def warm_up(self) -> None:
        """Fit five values."""
        self._scores(self._pool[self._rows[:5]], np.array(self._values[:5]), self._pool[:10])

    def ask(self, count: int) -> list[int]:
        """The row with the highest score."""
        if count != 1:
            raise ValueError(f"one point is asked for at a time, not {count}")
        scores = self._scores(self._pool[self._rows], np.array(self._values), self._pool)
        scores[self._rows] = -np.inf
        return [int(np.argmax(scores))]

    def tell(self, row: int, value: float) -> None:
        """The value at a row."""
        self._rows.append(row)
        self._values.append(value)


def sklearn_scores(x: Array, y: Array, pool: Array) -> Array:
    """Expected improvement by scikit-learn."""
    processes: Any = import_module("sklearn.gaussian_process")
    stats: Any = import_module("scipy.stats")
    kernels = processes.kernels
    kernel = kernels.ConstantKernel() * kernels.Matern(np.ones(x.shape[1]), nu=2.5) + kernels.WhiteKernel(0.01)
    model = processes.GaussianProcessRegressor(kernel, normalize_y=True).fit(x, y)
    mean, std = model.predict(pool, return_std=True)
    z = (mean - y.max()) / std
    return std * (z * stats.norm.cdf(z) + stats.norm.pdf(z))


def botorch_scores(x: Array, y: Array, pool: Array) -> Array:
    """Logarithm of the expected improvement by BoTorch's SingleTaskGP as it comes, on the pool in parts."""
    torch: Any = import_module("torch")
    models: Any = import_module("botorch.models")
    fitting: Any = import_module("botorch.fit")
    acquisition: Any = import_module("botorch.acquisition.analytic")
    likelihoods: Any = import_module("gpytorch.mlls")
    model = models.SingleTaskGP(torch.from_numpy(x), torch.from_numpy(y)[:, None])
    fitting.fit_gpytorch_mll(likelihoods.ExactMarginalLogLikelihood(model.likelihood, model))
    improvement = acquisition.LogExpectedImprovement(model, best_f=float(y.max()))
    with torch.no_grad():
        parts = [improvement(part[:, None]) for part in torch.from_numpy(pool).split(1000)]
    return np.array(torch.cat(parts).numpy())


class Baybe:
    """A BayBE campaign over the pool, as it comes.

    The pool is taken to a grid of steps of 0.05: with 1 000 different values in each column a campaign takes it minutes
    to make.
    """

    def __init__(self, given: Problem) -> None:
        pandas: Any = import_module("pandas")
        baybe: Any = import_module("baybe")
        parameters: Any = import_module("baybe.parameters")
        targets: Any = import_module("baybe.targets")
        spaces: Any = import_module("baybe.searchspace")
        self._frame: Any = pandas.DataFrame(np.round(20 * given.pool) / 20, columns=list(NAMES))
        columns = [parameters.NumericalDiscreteParameter(name, np.unique(self._frame[name])) for name in NAMES]
        space = spaces.SearchSpace.from_dataframe(self._frame, columns)
        self._campaign: Any = baybe.Campaign(space, targets.NumericalTarget("y").to_objective())
        self._add([int(row) for row in given.rows], [float(value) for value in given.values])

    def warm_up(self) -> None:
        """Nothing: it was imported when it was made."""

    def ask(self, count: int) -> list[int]:
        """Rows of the pool, recommended together."""
        return [int(row) for row in self._campaign.recommend(count).index]

    def tell(self, row: int, value: float) -> None:
        """The value at a row."""
        self._add([row], [value])

    def _add(self, rows: list[int], values: list[float]) -> None:
        self._campaign.add_measurements(self._frame.loc[rows].assign(y=values))


TIMED: Mapping[str, Callable[[Problem], Timed]] = {
    "motet_gp": lambda given: Motet(given, PluginRef(name="gp")),
    "motet_forest": lambda given: Motet(given, PluginRef(name="random_forest", options={"trees": 100})),
    "sklearn_gp": lambda given: Scored(given, sklearn_scores),
    "botorch": lambda given: Scored(given, botorch_scores),
    "baybe": Baybe,
}
"""By name."""
