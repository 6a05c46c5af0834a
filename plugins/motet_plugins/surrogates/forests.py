"""The surrogates `random_forest` (`rf`) and `extra_trees`, on scikit-learn's trees."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, Data, Gives, Predict
from motet.model.values import Frozen, Real, Whole
from motet_plugins.surrogates.bootstrap import counts, weights
from motet_plugins.surrogates.ensemble import Ensemble
from motet_plugins.surrogates.trees import Kind, grown, predicted


class Options(Frozen):
    """Options of `random_forest` and `extra_trees`."""

    trees: Whole = Field(default=50, ge=2, le=10_000)
    """Trees of the forest. The spread of their predictions is the uncertainty."""
    min_samples_leaf: Whole = Field(default=1, ge=1)
    """Measured values that a leaf holds at least; more make the prediction smoother."""
    max_features: Real = Field(default=1.0, gt=0, le=1)
    """Fraction of the columns that a split may choose from."""


class RandomForest:
    """Trees grown on bootstrap samples; mean and standard deviation over the trees.

    Breiman, Random Forests, Machine Learning 45 (2001) 5-32. The trees are the prediction's members; a function
    drawn is one tree. Values of known error are drawn by the inverse of its square.
    """

    gives = frozenset({Gives.MEAN_STD, Gives.MEMBERS, Gives.SAMPLES})
    _kind: ClassVar[Kind] = "DecisionTreeRegressor"

    def __init__(self, options: Options) -> None:
        self._options = options

    def fit(self, data: Data, seed: int) -> Predict:
        """The forest grown."""
        trees = grown(
            self._kind,
            data.x,
            data.y,
            list(self._weights(data, seed)),
            seed,
            min_samples_leaf=self._options.min_samples_leaf,
            max_features=self._options.max_features,
        )

        def means(x: Array, which: Sequence[int]) -> Array:
            return predicted([trees[number] for number in which], x)[:, :, 0]

        return Ensemble(len(trees), means)

    def _weights(self, data: Data, seed: int) -> Array:
        """(trees, n)."""
        return counts(data, self._options.trees, np.random.default_rng(seed))


class ExtraTrees(RandomForest):
    """Trees with random splits, each grown on all values; mean and standard deviation over the trees.

    Geurts, Ernst, Wehenkel, Extremely randomized trees, Machine Learning 63 (2006) 3-42. At a measured point
    all trees agree, so that std is 0 there. Values of known error count by the inverse of its square.
    """

    _kind = "ExtraTreeRegressor"

    def _weights(self, data: Data, seed: int) -> Array:
        return np.tile(weights(data), (self._options.trees, 1))
