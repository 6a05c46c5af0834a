"""Columns of linear models, and their rotation into as few as the values can tell apart."""

import numpy as np

from motet.contracts.belief import Array


class Features:
    """The columns of x from -1 to 1, for degree 2 also their squares and products; less their means over some rows."""

    def __init__(self, x: Array, degree: int) -> None:
        """Centred over the rows x (n, d)."""
        self._degree = degree
        self._means = self._bare(x).mean(axis=0)

    def __call__(self, x: Array) -> Array:
        """Features (n, p) of rows x (n, d); p is d, or d (d + 3) / 2 for degree 2."""
        return self._bare(x) - self._means

    def _bare(self, x: Array) -> Array:
        turned = 2 * x - 1
        if self._degree == 1:
            return turned
        first, second = np.triu_indices(x.shape[1])
        return np.hstack([turned, turned[:, first] * turned[:, second]])


def basis(features: Array) -> Array:
    """An orthonormal basis (p, r), r = min(n, p), of the directions that features (n, p) reach.

    Their coordinates in it are orthogonal to each other (the singular value decomposition). What a penalty on the
    squared weights or an isotropic prior leaves of a linear model lies in these directions.
    """
    if not features.size:
        return np.zeros((features.shape[1], 0))
    return np.linalg.svd(features, full_matrices=False)[2].T
