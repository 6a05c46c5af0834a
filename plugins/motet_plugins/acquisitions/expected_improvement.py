"""The acquisition `ei`."""

import math

import numpy as np
from pydantic import Field

from motet.contracts.learning import Array, Prediction
from motet.model.values import Frozen


class Options(Frozen):
    """Options of `ei`."""

    margin: float = Field(default=0.0, ge=0)
    """An improvement counts from here on, in standard deviations of the values measured."""


class ExpectedImprovement:
    """How much better than the best value so far a point is expected to be.

    Jones, Schonlau, Welch, Efficient global optimization of expensive black-box functions, J. Global Optim.
    13 (1998) 455-492, eq. 15: (mu - best) Phi(z) + sigma phi(z) with z = (mu - best) / sigma; max(mu - best,
    0) where sigma is 0.
    """

    def __init__(self, options: Options) -> None:
        self._margin = options.margin

    def score(self, prediction: Prediction, best: float, rng: np.random.Generator) -> Array:
        """Scores (n,), none below 0."""
        from scipy.special import ndtr

        gain = prediction.mean - best - self._margin
        std = prediction.std
        z = np.divide(gain, std, out=np.zeros_like(gain), where=std > 0)
        expected = gain * np.asarray(ndtr(z)) + std * np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
        return np.maximum(np.where(std > 0, expected, gain), 0.0)
