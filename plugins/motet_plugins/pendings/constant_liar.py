"""The pending strategy `constant_liar`."""

from typing import Literal

import numpy as np

from motet.contracts.belief import Array, Data, Predict
from motet.model.values import Frozen


class Options(Frozen):
    """Options of `constant_liar`."""

    value: Literal["min", "mean", "max"] = "mean"
    """Of the values measured, where more is better: `min` the worst of them, `max` the best, or their mean."""


class ConstantLiar:
    """Pending points count as measured with one value for all: the worst, mean or best so far.

    Ginsbourger, Le Riche, Carraro (2010), see `believer`: the worse the lie, the farther away the next points.
    The values are those of the objective turned so that higher is better: with `goal: minimize`, `max` is the lowest
    number measured. Of classes it is the most frequent one, whatever the option says.
    """

    def __init__(self, options: Options) -> None:
        self._value = options.value

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        """The lie (k,)."""
        if data.classes:
            return np.full(len(x), float(np.bincount(data.y.astype(np.intp)).argmax()))
        return np.full(len(x), float({"min": np.min, "mean": np.mean, "max": np.max}[self._value](data.y)))
