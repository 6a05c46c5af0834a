"""How much of the objectives' space a front dominates."""

from collections.abc import Sequence

import numpy as np

from motet.model.standing import Merits, Rows, pareto_front


def gains(merits: Sequence[Merits], reference: Merits) -> list[float]:
    """The hypervolume above the reference point after each of the values, which never falls.

    What a value adds is its own volume less the part that the front dominates already, which is that of the front
    limited to the value: While, Bradstreet, Barone, A fast way of calculating exact hypervolumes, IEEE Trans. Evol.
    Comput. 16, 86 (2012).
    """
    front: Rows = np.zeros((0, len(reference)))
    total, found = 0.0, list[float]()
    for row in np.array(merits, dtype=float).reshape(-1, len(reference)) - np.array(reference):
        if np.all(row > 0) and not np.any(np.all(front >= row, axis=1)):
            total += _added(row, front)
            front = np.vstack([front[~np.all(front <= row, axis=1)], row])
        found.append(total)
    return found


def _added(row: Rows, front: Rows) -> float:
    """What a row (m,) adds to the volume of a front (n, m), above 0."""
    return float(np.prod(row)) - _volume(pareto_front(np.minimum(front, row)))


def _volume(front: Rows) -> float:
    """Of a front (n, m), above 0: each row adds to those after it."""
    if not len(front):
        return 0.0
    if front.shape[1] == 2:
        order = front[np.argsort(-front[:, 0])]  # the first falls, so the second rises
        return float(np.sum(order[:, 0] * np.diff(order[:, 1], prepend=0.0)))
    return sum(_added(row, front[number + 1 :]) for number, row in enumerate(front))
