"""The acquisition `epsilon_greedy`."""

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, View
from motet.contracts.declarations import Kind, Part
from motet.contracts.learning import Acquisition, declared_needs
from motet.model.values import Frozen, PluginRef, Real


class Options(Frozen):
    """Options of `epsilon_greedy`."""

    of: PluginRef
    """The acquisition that scores otherwise, by its name or with its options."""
    epsilon: Real = Field(default=0.1, ge=0, le=1)
    """How probable it is that a suggestion is drawn at random."""


class EpsilonGreedy:
    """Another acquisition's scores, but now and then random ones.

    Sutton and Barto, Reinforcement Learning, MIT Press (2018), ch. 2.2; for experiments De Ath, Everson,
    Rahat, Fieldsend, Greed is good: exploration and exploitation trade-offs in Bayesian optimisation, ACM
    Trans. Evol. Learn. Optim. 1 (2021) 1. What the other needs, works towards and scales by holds here too.
    """

    def __init__(self, options: Options, part: Part) -> None:
        self._epsilon = options.epsilon
        self._of: Acquisition = part(Kind.ACQUISITION, options.of)
        self.needs = declared_needs(self._of)
        self.several: bool = getattr(self._of, "several", False)
        self.scale: str | None = getattr(self._of, "scale", None)

    def score(self, view: View) -> Array:
        """Scores (n,): random ones in (0, 1], or their logarithms, with probability epsilon."""
        if view.rng.random() >= self._epsilon:
            return self._of.score(view)
        scores = 1 - view.rng.random(len(view.rows))
        return np.log(scores) if self.scale == "log" else scores
