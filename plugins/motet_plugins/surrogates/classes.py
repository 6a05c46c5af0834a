"""What classifiers have in common: columns for all classes, and what their mean and std are."""

import numpy as np
from numpy.typing import NDArray

from motet.contracts.belief import Array, Data, Prediction


class Classes:
    """The classes of some data, and which of them were seen.

    A class that was never seen has the probability 1 / (n + k), with n values and k classes, everywhere: Laplace's
    rule of succession. So where all values are of one class, it has (n + 1) / (n + k).
    """

    def __init__(self, data: Data) -> None:
        self.seen: NDArray[np.intp]
        """Numbers of the classes seen, rising."""
        self.places: NDArray[np.intp]
        """(n,): which of those seen each value is."""
        self.seen, self.places = np.unique(data.merits.astype(np.intp), return_inverse=True)
        self._count = max(data.classes, int(self.seen[-1]) + 1)
        self._unseen = 1 / (len(data) + self._count)

    def of_all(self, probabilities: Array) -> Array:
        """Probabilities (..., number of classes seen) as those of all classes (..., k); both add up to 1."""
        every = np.full((*probabilities.shape[:-1], self._count), self._unseen)
        every[..., self.seen] = probabilities * (1 - self._unseen * (self._count - len(self.seen)))
        return every


def class_prediction(probabilities: Array, members: Array | None = None) -> Prediction:
    """A classifier's prediction from probabilities (n, k), and those of m members (m, n, k)."""
    most = probabilities.max(axis=1)
    return Prediction(
        most, np.sqrt(np.maximum(most * (1 - most), 0.0)), probabilities=probabilities, member_probabilities=members
    )
