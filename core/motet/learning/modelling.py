"""Fits to what was measured, each made once: the bare one, and those that know of pending points too."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from motet.contracts.learning import Array, Prediction
from motet.learning.checked import Checked, Fitted
from motet.learning.pool import Pool

DECIMALS = 9
"""To which standardized merits are rounded: their last bits depend on the unit, and would decide ties."""

_FIT = 2
"""Keeps the random numbers of fits apart from those of choices."""


class Model:
    """A fit to standardized merits, merit = centre + spread * y; `best` is the highest y measured."""

    def __init__(self, predict: Fitted, centre: float, spread: float, best: float, values: int) -> None:
        self.predict = predict
        self.best = best
        self.values = values
        self._centre = centre
        self._spread = spread
        self._of: tuple[Pool, Prediction] | None = None

    def over(self, pool: Pool, rows: NDArray[np.intp]) -> Prediction:
        """The prediction for some rows of a pool. The whole pool is predicted once and kept."""
        if self._of is None or self._of[0] is not pool:
            self._of = (pool, self.predict(pool.x))
        whole = self._of[1]
        members = None if whole.members is None else whole.members[:, rows]
        return Prediction(whole.mean[rows], whole.std[rows], members)

    def merit(self, mean: float, std: float) -> tuple[float, float]:
        """Mean and std in the objective's unit."""
        return self._centre + self._spread * mean, self._spread * std

    def with_predict(self, predict: Fitted) -> "Model":
        """The same scale and data with another predict function."""
        return Model(predict, self._centre, self._spread, self.best, self.values)


class Models:
    """The models of one state of knowledge. A fit's seed follows from the seed and the number told."""

    def __init__(self, parts: Checked, seed: int) -> None:
        self._parts = parts
        self._seed = seed
        self._made: dict[tuple[bytes, ...], Model] = {}

    def forget(self) -> None:
        """Something new was told."""
        self._made.clear()

    def trial(self, x: Array) -> None:
        """Fit made-up values at rows x (n, d), n > 1, and predict there; nothing is kept."""
        self._parts.fit(x, np.linspace(-1, 1, len(x)), 0)(x)

    def fitted(self, x: Array, merits: Array, waiting: Sequence[bytes], told: int) -> Model:
        """The model of merits (n,) at rows x (n, d), with points pending: their keys in rising order."""
        centre = float(merits.mean())
        spread = float(merits.std())
        if not spread > np.finfo(float).eps * abs(centre):
            spread = 1.0  # all values equal: only centred
        y = np.round((merits - centre) / spread, DECIMALS)
        seed = int(np.random.SeedSequence([_FIT, self._seed, told]).generate_state(1)[0])
        if () not in self._made:
            predict = self._parts.fit(x, y, seed)
            self._made[()] = Model(predict, centre, spread, float(y.max()), len(y))
        model = self._made[()]
        key = tuple(waiting)
        if key not in self._made:
            at = np.array([np.frombuffer(row) for row in waiting])
            stand_ins = self._parts.stand_ins(model.predict, at, y)
            if stand_ins is None:
                return model
            extended = model.predict.knowing(at, stand_ins)
            if extended is None:
                extended = self._parts.fit(np.vstack([x, at]), np.concatenate([y, stand_ins]), seed)
            self._made[key] = model.with_predict(extended)
        return self._made[key]
