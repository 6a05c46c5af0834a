"""The surrogate `forest_classifier`, on scikit-learn's trees."""

import numpy as np
from pydantic import Field

from motet.contracts.belief import Array, Data, Gives, Predict, Prediction
from motet.model.values import Frozen, Real, Whole
from motet_plugins.surrogates.bootstrap import counts
from motet_plugins.surrogates.classes import Classes, class_prediction
from motet_plugins.surrogates.trees import grown, predicted


class Options(Frozen):
    """Options of `forest_classifier`."""

    trees: Whole = Field(default=100, ge=2, le=10_000)
    """Trees of the forest."""
    min_samples_leaf: Whole = Field(default=1, ge=1)
    """Measured values that a leaf holds at least; more make the probabilities smoother."""
    max_features: Real = Field(default=1.0, gt=0, le=1)
    """Fraction of the columns that a split may choose from."""


class ForestClassifier:
    """Trees grown on bootstrap samples; a class has the mean of its shares in the trees' leaves.

    Breiman, Random Forests, Machine Learning 45 (2001) 5-32. The trees are the members. A class that a tree's
    sample lacks has probability 0 in that tree.
    """

    gives = frozenset({Gives.PROBABILITIES, Gives.MEMBER_PROBABILITIES})

    def __init__(self, options: Options) -> None:
        self._options = options

    def fit(self, data: Data, seed: int) -> Predict:
        """The forest grown; merits are numbers of classes."""
        classes = Classes(data)
        trees = grown(
            "DecisionTreeClassifier",
            data.x,
            classes.places.astype(np.float64),
            list(counts(data, self._options.trees, np.random.default_rng(seed))),
            seed,
            min_samples_leaf=self._options.min_samples_leaf,
            max_features=self._options.max_features,
        )

        def predict(x: Array) -> Prediction:
            shares = predicted(trees, x)
            members = classes.of_all(shares / shares.sum(axis=-1, keepdims=True))
            return class_prediction(members.mean(axis=0), members)

        return predict
