"""Trees of scikit-learn, grown and read at the least cost."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from motet.contracts.belief import Array

Kind = Literal["DecisionTreeRegressor", "ExtraTreeRegressor", "DecisionTreeClassifier", "ExtraTreeClassifier"]

ORDERING = 2
"""Trees by whose leaves rows are ordered; more of them gain nothing."""


def tree_rows(x: Array) -> NDArray[np.float32]:
    """Rows (n, d) as trees take them: single precision, and one column where there is none."""
    columns = x if x.shape[1] else np.zeros((len(x), 1))
    return np.ascontiguousarray(columns, dtype=np.float32)


def grown(kind: Kind, x: Array, y: Array, weights: Sequence[Array], seed: int, **options: Any) -> list[Any]:
    """One `tree_` for each of the weights (n,) that the values y (n,) at rows x (n, d) get; 0 leaves a value out.

    One estimator is fitted again and again, with its checks switched off: a forest of scikit-learn spends two
    thirds of its time on copies and checks of estimators. One thread: no slower than two at the sizes that labs
    have.
    """
    import sklearn
    from sklearn import tree  # takes a second to import

    source = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))
    estimator: Any = getattr(tree, kind)(random_state=source, **options)
    rows, values = tree_rows(x), np.ascontiguousarray(y.reshape(-1, 1))
    trees: list[Any] = []
    with sklearn.config_context(skip_parameter_validation=True, assume_finite=True):
        for weight in weights:
            estimator.fit(rows, values, sample_weight=weight, check_input=False)
            trees.append(estimator.tree_)
    return trees


def predicted(trees: Sequence[Any], x: Array) -> Array:
    """What each tree says at rows x (n, d): (trees, n, 1), or (trees, n, k) the shares of k classes.

    Rows that end in the same leaves of the first trees take like ways through the others too. One after the other
    they are done in two thirds of the time: the processor guesses most branches right.
    """
    rows = tree_rows(x)
    order = np.lexsort([tree.apply(rows) for tree in trees[:ORDERING]])
    rows = np.ascontiguousarray(rows[order])
    values = np.empty((len(trees), len(rows), int(trees[0].value.shape[-1])))
    for number, tree in enumerate(trees):
        values[number, order] = np.asarray(tree.predict(rows)).reshape(len(rows), -1)
    return values
