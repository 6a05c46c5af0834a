"""The acquisition `log_ei`."""

from motet.contracts.belief import Array, View
from motet_plugins.acquisitions.expected_improvement import Options
from motet_plugins.acquisitions.improvement import log_improvement


class LogExpectedImprovement:
    """The logarithm of expected improvement, which still ranks points whose improvement is too small for a number.

    Ament, Daulton, Eriksson, Balandat, Bakshy, Unexpected improvements to expected improvement for Bayesian
    optimization, NeurIPS (2023), eqs. 8 and 9. Finite where std is 0: it counts as 1e-9 at least.
    """

    scale = "log"

    def __init__(self, options: Options) -> None:
        self._margin = options.margin

    def score(self, view: View) -> Array:
        """Scores (n,), mostly below 0."""
        return log_improvement(view.prediction.mean - view.best - self._margin, view.prediction.std)
