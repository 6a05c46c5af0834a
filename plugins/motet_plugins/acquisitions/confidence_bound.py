"""The acquisition `lcb`, also called `ucb`."""

from pydantic import Field

from motet.contracts.belief import Array, View
from motet.model.values import Frozen, Real


class Options(Frozen):
    """Options of `lcb` and `ucb`."""

    kappa: Real = Field(default=1.0, ge=0)
    """Standard deviations that a point gets as credit for being uncertain."""


class ConfidenceBound:
    """Confidence bound: mean + kappa * std, the value that a point may well turn out to have.

    Lower or upper bound by whether the objective is minimized or maximized. Cox and John, SDO: A statistical
    method for global optimization (1997); Srinivas et al., Gaussian process optimization in the bandit
    setting, ICML (2010).
    """

    def __init__(self, options: Options) -> None:
        self._kappa = options.kappa

    def score(self, view: View) -> Array:
        """Scores (n,)."""
        return view.prediction.mean + self._kappa * view.prediction.std
