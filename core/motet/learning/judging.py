"""The best candidate by the models of what was measured, with its reason."""

from collections.abc import Sequence
from copy import deepcopy

import numpy as np

from motet.contracts.belief import DECIMALS, Array, Data, Prediction, View
from motet.learning.choosing import Choice, choose
from motet.learning.feasible import Success, allowed, best_allowed
from motet.learning.free import Free, Supply
from motet.learning.memory import Memory
from motet.learning.modelling import Course, Model, Models
from motet.learning.task import Task
from motet.model.experiment import Suggestion
from motet.model.values import Point

ROUNDS = 3
"""How often a large space is searched more closely around the best points of a sample."""

AROUND = 8
"""Around so many of them."""


class Judge:
    """Fits the models of one state of knowledge and picks the best candidate by them."""

    def __init__(self, task: Task, memory: Memory, supply: Supply, seed: int) -> None:
        self._task = task
        self._memory = memory
        self._supply = supply
        self._models = Models(task.surrogate, task.parts, seed)
        self._success = None if task.feasibility is None else Success(task.feasibility, seed)
        self._names = (*task.objectives, *task.constrained)

    def forget(self) -> None:
        """Something new was told."""
        self._models.forget()

    def trial(self, x: Array) -> None:
        """Fit made-up values at rows x (n, d) and forget them. Raises FitFailed."""
        first = next(iter(self._task.objectives.values()))
        self._models.trial(x, len(first.classes))

    def best(self, rng: np.random.Generator) -> tuple[bytes, Suggestion] | None:
        """The best point that may be suggested, and its key; None when there is none. Raises LearnerError."""
        free = self._supply.to_score(rng)
        if not free:
            return None
        memory = self._memory
        measured = {name: data for name in self._names if len(data := memory.data(name))}
        keys = memory.pending()
        courses = self._models.courses(measured, keys, memory.rows(keys), memory.told)
        names = tuple(measured)
        (drawn,) = rng.spawn(1)
        sample, choice = free, self._chosen(free, None, names, courses, drawn, rng)
        for number in range(ROUNDS):
            closer = self._supply.refined(free, self._rows(free, sample, choice.best(AROUND)), rng, number)
            if closer is None:
                break
            free, choice = closer, self._chosen(closer, sample, names, courses, drawn, rng)
        (row,) = self._rows(free, sample, [choice.row])
        return free.key(row), self._suggestion(free.point(row), len(free), choice, courses[0][0])

    def _rows(self, free: Free, sample: Free, rows: Sequence[int]) -> list[int]:
        """Rows of a view as those of the pool of its candidates, before which the sample stands in the view."""
        return list(rows) if free is sample else [row - len(sample.pool.x) for row in rows]

    def _chosen(
        self,
        free: Free,
        sample: Free | None,
        names: Sequence[str],
        courses: Sequence[Course],
        drawn: np.random.Generator,
        rng: np.random.Generator,
    ) -> Choice:
        """The best of the free ones. What the acquisition draws is the same in every course and around every sample:
        else their mean would be of different functions or weights, and the search would begin where others led."""
        views = [self._view(free, sample, names, course, deepcopy(drawn)) for course in courses]
        return choose(self._task.parts, views, self._probability(free, names, courses[0]), rng)

    def _view(
        self, free: Free, sample: Free | None, names: Sequence[str], course: Course, rng: np.random.Generator
    ) -> View:
        memory, task = self._memory, self._task
        known = {name: model.known for name, model in zip(names, course, strict=True)}
        models = [model for name, model in zip(names, course, strict=True) if name in task.objectives]
        at, merits = memory.complete()
        centres = np.array([model.data.centre for model in models])
        spreads = np.array([model.data.spread for model in models])
        pretended = np.column_stack([model.known.y[len(model.data) :] for model in models])
        outcomes = np.vstack([np.round((merits - centres) / spreads, DECIMALS) + 0.0, pretended])
        at = np.vstack([at, models[0].known.x[len(models[0].data) :]])
        pool, rows, wholes = free.pool.x, free.rows(), [model.over(free.pool) for model in models]
        near = 0 if sample is None else len(pool)
        if sample is not None:
            pool, rows = np.vstack([sample.pool.x, pool]), rows + len(sample.pool.x)
            wholes = [model.over(sample.pool).and_of(of) for model, of in zip(models, wholes, strict=True)]
        return View(
            pool=pool,
            rows=rows,
            models=[model.predict.predict for model in models],
            wholes=wholes,
            data=[model.data for model in models],
            best=best_allowed(models[0].known, task.bounds, known),
            pending=memory.rows(memory.pending()),
            rng=rng,
            outcomes=outcomes,
            outcomes_at=at,
            fit=lambda values: self._models.refitted(Data(at, values, np.arange(len(at))), memory.told).predict,
            near=near,
        )

    def _probability(self, free: Free, names: Sequence[str], course: Course) -> Array | None:
        """Its logarithm for each candidate to give a value that counts; None when that is not in doubt."""
        rows = free.rows()
        by_name = dict(zip(names, course, strict=True))
        known = {name: constraint for name, constraint in self._task.bounds.items() if name in by_name}
        factor = None
        if known:
            factor = allowed(list(known.values()), [by_name[name] for name in known], free.pool, rows)
        if self._success is not None:
            success = self._success.probability(self._memory.successes(), self._memory.told, free.pool, rows)
            if success is not None:
                factor = success if factor is None else factor + success
        return factor

    def _suggestion(self, point: Point, candidates: int, choice: Choice, model: Model) -> Suggestion:
        labels, waiting = self._task.parts.labels, self._memory.waiting
        rank = "best" if choice.equals == 1 else f"one of {choice.equals} equal best"
        why = f"{labels.acquisition} of {labels.surrogate} on {len(model.data)} values, {waiting} pending: "
        why += f"{rank} of {candidates}"
        notes = self._task.parts.notes(choice.view, choice.number, choice.score)
        objective = next(iter(self._task.objectives.values()))
        prediction = choice.view.prediction
        score = choice.score
        if objective.classes:
            return Suggestion(
                point, f"{why}, {_odds(prediction, choice.number, objective.classes)}", score, notes=notes
            )
        merit, std = model.merit(float(prediction.mean[choice.number]), float(prediction.std[choice.number]))
        if objective.goal == "target":
            return Suggestion(point, f"{why}, {-merit:.4g} from the target expected", score, notes=notes)
        mean = -merit if objective.goal == "minimize" else merit
        return Suggestion(point, why, score, mean, std, notes=notes)


def _odds(prediction: Prediction, number: int, classes: Sequence[str]) -> str:
    """What a classifier thinks of a point."""
    assert prediction.probabilities is not None, "an objective with classes has a classifier"
    odds = zip(classes, prediction.probabilities[number], strict=True)
    return ", ".join(f"{name} {probability:.2f}" for name, probability in odds)
