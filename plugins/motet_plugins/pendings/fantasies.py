"""The pending strategy `fantasies`."""

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, Correlated, Data, Gives, Predict
from motet.model.values import Frozen, Whole
from motet_plugins.pendings.drawing import drawn


class Options(Frozen):
    """Options of `fantasies`."""

    m: Whole = Field(default=8, ge=1, le=1000)
    """How many courses of events are drawn. The time for a suggestion grows with it."""


class Fantasies:
    """Pending points get values drawn from the model, several times; scores are the mean over these courses.

    Snoek, Larochelle, Adams, Practical Bayesian optimization of machine learning algorithms, NIPS 25 (2012), section
    3.3. The values are drawn jointly, with the noise of a measurement where the model knows it.
    """

    needs = frozenset({Gives.SAMPLES})

    def __init__(self, options: Options) -> None:
        self._m = options.m

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        """Values drawn (m, k)."""
        values = drawn(model, x, self._m, rng, "fantasies")
        return values + model.noise * rng.standard_normal(values.shape) if isinstance(model, Correlated) else values
