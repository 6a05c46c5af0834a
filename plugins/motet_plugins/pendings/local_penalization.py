"""The pending strategy `local_penalization`."""

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, Data, Predict, View
from motet.model.values import Frozen, Whole

STEP = 0.1
"""Of the finite differences, as a fraction of a column's range: forests go up in steps, which are no slopes."""

FLAT = 1e-6
"""A slope below this says nothing, and `STEEP` is taken instead."""

STEEP = 10.0
"""One standard deviation in a tenth of a column's range: pending points then keep only their surroundings clear."""


class Options(Frozen):
    """Options of `local_penalization`."""

    places: Whole = Field(default=256, ge=1, le=100_000)
    """At how many points of the pool, drawn at random, the steepest slope of the mean is looked for."""


class LocalPenalization:
    """Scores are lowered around pending points, by the chance that the best point is not near them.

    Gonzalez, Dai, Hennig, Lawrence, Batch Bayesian optimization via local penalization, AISTATS (2016), proposition 1.
    A function with Lipschitz constant L and maximum M does not reach M within (M - f(x_j)) / L of x_j; with mean mu_j
    and std s_j of f(x_j), x lies outside with probability Phi((L |x - x_j| - M + mu_j) / s_j). Scores are multiplied
    by it for each pending point. As in the paper, M is the best value measured and L the steepest slope of the
    model's mean; here by finite differences at points of the pool.

    Scores of which some are negative go through log(1 + exp(score)) first, as in the paper, and back afterwards, so
    that far from pending points a score is what it was; to one that is a logarithm, the logarithm of the probability
    is added thereby. With several objectives each has its own factor; classes have none.
    """

    def __init__(self, options: Options) -> None:
        self._places = options.places

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        """None: the model does not know of pending points."""
        return None

    def rescore(self, scores: Array, view: View) -> Array:
        """The scores (n,), lower near pending points."""
        chosen = view.rng.permutation(len(view.pool))[: self._places]
        factor = np.zeros(len(scores))  # its logarithm
        for model, data in zip(view.models, view.data, strict=True):
            if not data.classes:
                slope = steepest(model, view.pool[chosen])
                factor += log_outside(model, view.pending, view.x, slope, float(data.y.max()))
        return penalized(scores, factor)


def steepest(model: Predict, x: Array) -> float:
    """The largest norm of the mean's gradient at rows x (n, d), by differences inside the unit cube."""
    squares = np.zeros(len(x))
    for column in range(x.shape[1]):
        up, down = x.copy(), x.copy()
        up[:, column] = np.minimum(x[:, column] + STEP, 1)
        down[:, column] = np.maximum(x[:, column] - STEP, 0)
        squares += ((model(up).mean - model(down).mean) / (up[:, column] - down[:, column])) ** 2
    return float(np.sqrt(squares.max()))


def log_outside(model: Predict, pending: Array, x: Array, slope: float, best: float) -> Array:
    """Logarithm (n,) of the probability that rows x (n, d) lie outside the balls of all pending points (k, d)."""
    from scipy.special import log_ndtr

    belief = model(pending)
    slope = slope if slope > FLAT else STEEP
    total = np.zeros(len(x))
    for place, mean, std in zip(pending, belief.mean, belief.std, strict=True):
        distance = np.sqrt(np.sum((x - place) ** 2, axis=1))
        total += log_ndtr((slope * distance - best + mean) / max(std, FLAT))
    return total


def penalized(scores: Array, log_factor: Array) -> Array:
    """Scores (n,) times a factor given by its logarithm; see `LocalPenalization` for scores below zero."""
    if np.all(scores >= 0):
        return scores * np.exp(log_factor)
    # log(log(1 + exp(s))) is s itself where exp(s) is tiny, and the way back likewise: nothing underflows.
    tiny = -30.0
    log_positive = np.where(scores < tiny, scores, np.log(np.logaddexp(0, np.maximum(scores, tiny))))
    log_lowered = log_positive + log_factor
    lowered = np.exp(np.maximum(log_lowered, tiny))
    return np.where(log_lowered < tiny, log_lowered, lowered + np.log(-np.expm1(-lowered)))
