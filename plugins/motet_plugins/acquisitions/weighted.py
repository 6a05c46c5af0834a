"""The acquisition `weighted`."""

from pydantic import Field

from motet.contracts.belief import Array, View
from motet.model.values import Frozen, Real


class Options(Frozen):
    """Options of `weighted`."""

    a: Real = Field(default=0.5, ge=0, le=1)
    """Weight of the mean: 1 only exploits, 0 only explores."""


class Weighted:
    """a * mean + (1 - a) * variance, as in HELAO's reference experiment.

    Rahmanian et al., Enabling Modular Autonomous Feedback-Loops in Materials Science through Hierarchical
    Experimental Laboratory Automation and Orchestration, Adv. Mater. Interfaces 9 (2022) 2101987;
    `driver/ml_driver.py` of helao-pub adds mean and variance over the trees of a forest, which is a = 0.5.
    There in the objective's unit; here standardized over the values measured, so that the balance of the two
    does not depend on the unit.
    """

    def __init__(self, options: Options) -> None:
        self._a = options.a

    def score(self, view: View) -> Array:
        """Scores (n,)."""
        return self._a * view.prediction.mean + (1 - self._a) * view.prediction.std**2
