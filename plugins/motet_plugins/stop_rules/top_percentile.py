"""The stop rule `top_percentile`."""

import math

import numpy as np
from pydantic import Field

from motet.contracts.belief import View
from motet.contracts.learning import History
from motet.errors import CampaignError
from motet.model.values import Frozen, Real, Whole
from motet_plugins.stop_rules.rows import last, times


class Options(Frozen):
    """Options of `top_percentile`."""

    percent: Real = Field(default=1.0, gt=0, lt=100)
    """Which part of the pool is the top, percent of its points."""
    probability: Real = Field(default=0.9, gt=0, lt=1)
    """How sure the model is to be that a suggested point lies there."""
    k: Whole = Field(default=3, ge=1)
    """Suggestions in a row."""


class TopPercentile:
    """When k suggestions in a row lie in the top percent of the pool, as sure as the model is asked to be.

    The top begins at the (1 - percent/100) quantile t of the mean that the model expects of all points, measured ones
    included. A suggestion with mean mu and standard deviation s lies there with probability Phi((mu - t) / s).
    Suggestions that the model did not make (start design, a fit that failed) break the row. With several objectives,
    it is the first that counts.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._name = f"probability of the top {options.percent:.12g} percent"

    def note(self, view: View, chosen: int, score: float) -> dict[str, float]:
        """The probability. Raises CampaignError when the objective is a class."""
        if view.data[0].classes:
            raise CampaignError("stop rule top_percentile: the objective is a class, and classes have no top")
        threshold = float(np.quantile(view.whole.mean[view.even], 1 - self._options.percent / 100))
        return {self._name: above(threshold, float(view.prediction.mean[chosen]), float(view.prediction.std[chosen]))}

    def reason(self, history: History) -> str | None:
        """Holds when each of the last k suggestions was probable enough."""
        options = self._options
        found = last(history, options.k, lambda suggestion: suggestion.notes.get(self._name))
        if not found or min(found) < options.probability:
            return None
        where = f"in the top {options.percent:g} % of the pool with a probability of {min(found):.3g}"
        return f"{times(options.k)} lies {where}" + (" or more" if options.k > 1 else "")

    def most(self) -> int | None:
        """No bound."""
        return None


def above(threshold: float, mean: float, std: float) -> float:
    """The probability that a normal variable is above the threshold, or at it when there is no doubt."""
    if std == 0:
        return float(mean >= threshold)
    return 0.5 * math.erfc((threshold - mean) / (std * math.sqrt(2)))
