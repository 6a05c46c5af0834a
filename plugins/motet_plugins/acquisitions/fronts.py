"""From where the volume that several objectives dominate is counted."""

from collections.abc import Sequence

import numpy as np

from motet.contracts.belief import Array, View
from motet.errors import LearnerError
from motet.model.standing import pareto_front

BELOW = 0.1
"""How far the reference point is below the front's worst values, as a fraction of the range of all values."""


def reference_point(view: View, given: Sequence[float] | None) -> Array:
    """From where hypervolumes are counted (m,), standardized.

    `given` is in the merits' units. Without it: the worst value of the front in each objective (the nadir) minus
    a tenth of the range of all measured values, or minus 0.1 where they are equal. Where no point has all
    objectives measured, the worst value of each takes the nadir's place. Raises LearnerError.
    """
    if given is not None:
        if len(given) != len(view.data):
            raise LearnerError(
                f"the reference point {list(given)} has {len(given)} values, one for each of the {len(view.data)} "
                "objectives is needed"
            )
        return np.array([(value - data.centre) / data.spread for value, data in zip(given, view.data, strict=True)])
    ranges = np.array([float(np.ptp(data.y)) or 1.0 for data in view.data])
    if len(view.outcomes):
        return pareto_front(view.outcomes).min(axis=0) - BELOW * ranges
    return np.array([data.y.min() for data in view.data]) - BELOW * ranges
