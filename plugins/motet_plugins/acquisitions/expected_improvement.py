"""The acquisition `ei`."""

from pydantic import Field

from motet.contracts.belief import Array, View
from motet.model.values import Frozen, Real
from motet_plugins.acquisitions.improvement import improvement


class Options(Frozen):
    """Options of `ei` and `log_ei`."""

    margin: Real = Field(default=0.0, ge=0)
    """An improvement counts from here on, in standard deviations of the values measured."""


class ExpectedImprovement:
    """How much better than the best value so far a point is expected to be.

    Jones, Schonlau, Welch, Efficient global optimization of expensive black-box functions, J. Global Optim.
    13 (1998) 455-492, eq. 15: (mu - best) Phi(z) + sigma phi(z) with z = (mu - best) / sigma; max(mu - best,
    0) where sigma is 0.
    """

    scale = "positive"

    def __init__(self, options: Options) -> None:
        self._margin = options.margin

    def score(self, view: View) -> Array:
        """Scores (n,), none below 0; 0 from about 38 standard deviations below the best on."""
        return improvement(view.prediction.mean - view.best - self._margin, view.prediction.std)
