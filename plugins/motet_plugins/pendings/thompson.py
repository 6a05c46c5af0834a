"""The pending strategy `thompson`."""

import numpy as np

from motet.contracts.belief import Array, Data, Gives, Predict, View
from motet.contracts.declarations import NoOptions
from motet_plugins.pendings.drawing import drawn


class ThompsonWhilePending:
    """While points are pending, the score is one function drawn from the model: chance keeps stations apart.

    Kandasamy, Krishnamurthy, Schneider, Poczos, Parallelised Bayesian optimisation via Thompson sampling, AISTATS
    (2018), algorithm 2: each draw knows what was measured and nothing of pending points. With several objectives a
    function of each is drawn, and of the differences to the lowest value measured the smallest counts, weighted at
    random: Paria, Kandasamy, Poczos, UAI (2019), Chebyshev scalarization.
    """

    needs = frozenset({Gives.SAMPLES})

    def __init__(self, options: NoOptions) -> None:
        self._options = options

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        """None: the model does not know of pending points."""
        return None

    def rescore(self, scores: Array, view: View) -> Array:
        """The function drawn (n,), standardized, in place of the acquisition's scores."""
        functions = np.array([drawn(model, view.x, 1, view.rng, "thompson")[0] for model in view.models])
        if len(functions) == 1:
            return functions[0]
        weights = view.rng.dirichlet(np.ones(len(functions)))
        lowest = np.array([data.y.min() for data in view.data])
        return np.min(weights[:, None] * (functions - lowest[:, None]), axis=0)
