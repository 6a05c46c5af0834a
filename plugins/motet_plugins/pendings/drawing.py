"""Functions drawn from a model."""

import numpy as np

from motet.contracts.belief import Array, Predict, Sampling
from motet.errors import LearnerError


def drawn(model: Predict, x: Array, count: int, rng: np.random.Generator, who: str) -> Array:
    """Values (count, n) at rows x (n, d) of functions drawn. Raises LearnerError for a model that draws none."""
    if not isinstance(model, Sampling):
        raise LearnerError(f"pending strategy {who} needs a surrogate that gives samples; this one gives none")
    return model.samples(x, count, rng)
