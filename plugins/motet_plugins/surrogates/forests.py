"""The surrogates `random_forest` and `extra_trees`, on scikit-learn's trees."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from motet.contracts.learning import Array, Predict, Prediction
from motet.model.values import Frozen


class Options(Frozen):
    """Options of `random_forest` and `extra_trees`."""

    trees: int = Field(default=50, ge=2, le=10_000)
    """Trees of the forest. The spread of their predictions is the uncertainty."""
    min_samples_leaf: int = Field(default=1, ge=1)
    """Measured values that a leaf holds at least; more make the prediction smoother."""
    max_features: float = Field(default=1.0, gt=0, le=1)
    """Fraction of the columns that a split may choose from."""


class RandomForest:
    """Trees grown on bootstrap samples; mean and standard deviation over the trees.

    Breiman, Random Forests, Machine Learning 45 (2001) 5-32. The trees are the prediction's members, in a
    fixed order; std divides by their number, not by one less, as in HELAO's learner. One thread: the same on
    any machine, and no slower than two at the sizes that labs have.
    """

    _estimator: ClassVar[str] = "RandomForestRegressor"

    def __init__(self, options: Options) -> None:
        self._options = options

    def fit(self, x: Array, y: Array, seed: int) -> Predict:
        """Grow the forest on rows x (n, d) and values y (n,)."""
        from sklearn import ensemble  # takes a second to import

        forest: Any = getattr(ensemble, self._estimator)(
            n_estimators=self._options.trees,
            min_samples_leaf=self._options.min_samples_leaf,
            max_features=self._options.max_features,
            random_state=seed,
            n_jobs=1,
        )
        forest.fit(x, y)
        trees: list[Any] = [tree.tree_ for tree in forest.estimators_]

        def predict(pool: Array) -> Prediction:
            # The trees' own predict wants float32 and checks nothing: most of the time on small pools.
            rows = np.ascontiguousarray(pool, dtype=np.float32)
            members = np.stack([np.asarray(tree.predict(rows), dtype=np.float64).ravel() for tree in trees])
            return Prediction(members.mean(axis=0), members.std(axis=0), members)

        return predict


class ExtraTrees(RandomForest):
    """Trees with random splits, each grown on all values; mean and standard deviation over the trees.

    Geurts, Ernst, Wehenkel, Extremely randomized trees, Machine Learning 63 (2006) 3-42. At a measured point
    all trees agree, so that std is 0 there.
    """

    _estimator = "ExtraTreesRegressor"
