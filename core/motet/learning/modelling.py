"""Fits to what was measured, each made once: the bare ones, and those that know of pending points too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from motet.contracts.belief import Array, Data, Prediction
from motet.learning.checked import Checked, CheckedSurrogate, Fitted
from motet.learning.pool import Pool

_FIT = 2
"""Keeps the random numbers of fits apart from those of choices."""

_PRETEND = 5
"""Keeps the random numbers of stand-ins apart: they are drawn once for several choices."""


@dataclass
class Model:
    """A fit to the values of one objective. A whole pool is predicted once and kept."""

    predict: Fitted
    data: Data
    """What was measured."""
    known: Data
    """What the model was told: that, and after it what is pretended of pending points."""
    _kept: tuple[tuple[Pool, Prediction], ...] = ()

    def over(self, pool: Pool) -> Prediction:
        """The prediction for all points of a pool."""
        found = next((prediction for kept, prediction in self._kept if kept is pool), None)
        if found is None:
            found = self.predict(pool.x)
        others = [each for each in self._kept if each[0] is not pool]
        self._kept = ((pool, found), *others[:1])  # a large space has its sample, and points near the best
        return found

    def merit(self, mean: float, std: float) -> tuple[float, float]:
        """Mean and std in the objective's unit."""
        return self.data.centre + self.data.spread * mean, self.data.spread * std


Course = Sequence[Model]
"""One model for each number that is modelled, all of them told of the same possible values at pending points."""


class Models:
    """The models of one state of knowledge.

    A fit's seed follows from the seed and the number told; where fits go on from one another it is always the same.
    """

    def __init__(self, surrogate: CheckedSurrogate, parts: Checked, seed: int) -> None:
        self._surrogate = surrogate
        self._parts = parts
        self._seed = seed
        self._latest: dict[str, tuple[Fitted, int]] = {}
        self._made: dict[str, Model] = {}
        self._courses: dict[tuple[bytes, ...], Sequence[Course]] = {}

    def forget(self) -> None:
        """Something new was told."""
        self._made.clear()
        self._courses.clear()

    def trial(self, x: Array, classes: int) -> None:
        """Fit made-up values at rows x (n, d), n > 1, and predict there; nothing is kept. Raises FitFailed."""
        values = np.arange(len(x)) % classes if classes else np.linspace(-1, 1, len(x))
        self._surrogate.fit(Data(x, values.astype(float), np.arange(len(x)), classes=classes), 0)(x)

    def refitted(self, data: Data, told: int) -> Fitted:
        """The surrogate fitted to other values. Raises FitFailed."""
        return self._surrogate.fit(data, self._fit_seed(told))

    def fitted(self, name: str, data: Data, told: int) -> Model:
        """The model of what was measured of one number. Raises FitFailed."""
        if name not in self._made:
            before, count = self._latest.get(name, (None, 0))
            if before is None or count < len(data):
                before = self._surrogate.fit(data, self._fit_seed(told), before)
                self._latest[name] = before, len(data)
            elif not self._surrogate.continues:
                before = self._surrogate.fit(data, self._fit_seed(told))
            self._made[name] = Model(before, data, data)
        return self._made[name]

    def courses(self, measured: Mapping[str, Data], waiting: Sequence[bytes], at: Array, told: int) -> Sequence[Course]:
        """The models of every number, with points pending: their keys in rising order, and rows `at` (k, d).

        One course where the pending strategy pretends at most one value a point. Raises LearnerError.
        """
        key = tuple(waiting)
        if key not in self._courses:
            bare = [self.fitted(name, data, told) for name, data in measured.items()]
            self._courses[key] = self._pretended(bare, at, told) if waiting else [bare]
        return self._courses[key]

    def _pretended(self, bare: Course, at: Array, told: int) -> Sequence[Course]:
        rng = np.random.default_rng([_PRETEND, self._seed, told, len(at)])
        told_of: list[Sequence[Model]] = []
        for model in bare:
            values = self._parts.stand_ins(model.predict, at, model.data, rng)
            if values is None:
                return [bare]
            told_of.append([self._knowing(model, at, course, told) for course in values])
        return list(zip(*told_of, strict=True))

    def _knowing(self, model: Model, at: Array, y: Array, told: int) -> Model:
        known = model.data.knowing(at, y)
        extended = model.predict.knowing(at, y) or self._surrogate.fit(known, self._fit_seed(told))
        return Model(extended, model.data, known)

    def _fit_seed(self, told: int) -> int:
        words = [_FIT, self._seed] if self._surrogate.continues else [_FIT, self._seed, told]
        return int(np.random.SeedSequence(words).generate_state(1)[0])
