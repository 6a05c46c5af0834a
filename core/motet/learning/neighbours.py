"""Points near some points: what a large space is searched more closely by, around the best of a sample."""

import numpy as np

from motet.learning.moves import Moves
from motet.model.axes import Array

REACH = 0.15
"""Standard deviation of a move in the first round, as a part of the parameter's range."""

SHRINKS = 0.3
"""By what the reach is multiplied from round to round."""

_AGAIN = (1.0, 0.5, 0.25)
"""How many of the points are moved a first, a second and a third time."""

_EXCHANGES = 0.25
"""How many moves swap a parameter that is 0 for one that is not, where the number of these is bounded."""

_CHOICES = 0.5
"""How many moves change a choice in the first round, if all parameters are categorical; fewer where they are not."""


def near(moves: Moves, codes: Array, n: int, rng: np.random.Generator, stage: int) -> Array:
    """About n rows of codes, each a few moves away from one of codes (k, P); the moves get shorter from stage to stage,
    from 0, and changes of choices rarer. Rows that have not changed are left out."""
    axes = moves.axes
    if not len(codes) or not axes.names:
        return codes[:0]
    start = codes[np.arange(n) % len(codes)]
    rows = start
    parts = float(np.mean(axes.choice))
    flips = 1.0 if parts == 1.0 else parts * _CHOICES / (1 + stage)
    for share in _AGAIN:
        reach = REACH * SHRINKS**stage * 2.0 ** rng.uniform(-2.0, 1.0, len(rows))
        kind = rng.random(len(rows))
        moved = moves.along(rows, moves.usable(moves.full(rows)), rng, reach)
        moved = np.where((kind < flips)[:, None], moves.other_choice(rows, rng), moved)
        if axes.counted:
            moved = np.where((kind > 1.0 - _EXCHANGES)[:, None], moves.exchange(rows, rng), moved)
        right = axes.met(moved) & (rng.random(len(rows)) < share)
        rows = np.where(right[:, None], moved, rows)
    return rows[np.any(rows != start, axis=1)]
