"""Diffusion from and to a planar electrode, solved step by step: matrices that do a step in time at once.

Space: finite volumes on a grid whose cells grow by a constant factor from the electrode outwards. Time: a singly
diagonal implicit Runge-Kutta method of second order, L-stable (gamma = 1 - 1/sqrt 2; Alexander, SIAM J. Numer. Anal.
14, 1006 (1977)), whose two stages share one matrix. Lengths in cm, times in s.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

GAMMA = 1 - 1 / math.sqrt(2)
"""The part of a step that each of its two stages is solved for."""
MORE = (1 - GAMMA) / GAMMA
"""The second stage begins so many changes of the first one further on."""
_GROWTH = 1.15
"""How much longer each cell of the grid is than the one before."""
_SHORTEST_S, _LONGEST_S = 1e-6, 7200.0
"""The grid resolves what diffuses in the first and reaches what diffuses in the second."""
_KEPT = 128
"""So many matrices are kept, for all cells of a process."""


class Step:
    """What a step in time of one length needs; `seconds` is that of each of its two stages.

    With G = (1 - seconds * diffusion)^-1, the first row of `matrix` is that of G: the surface in the first stage. The
    others give the profile after the second one. A unit of reaction takes `sink` in the stage in which it happens, and
    what it took in the first one is `carried` into the second.
    """

    def __init__(self, grid: "Diffusion", seconds: float) -> None:
        one = np.eye(len(grid.operator))
        stage = np.linalg.inv(one - seconds * grid.operator)
        self.seconds = seconds
        self.matrix = np.vstack((stage[0], stage @ ((1 - MORE) * one + MORE * stage)))
        self.sink = stage[:, 0] * (seconds / grid.surface_cell)
        self.carried = MORE * (stage @ self.sink)
        self.sink_0, self.carried_0 = float(self.sink[0]), float(self.carried[0])


@lru_cache(maxsize=_KEPT)
def step_of(coefficient: float, seconds: float) -> Step:
    """What a step needs whose stages take so many seconds; the coefficient is in cm2/s."""
    return Step(diffusion(coefficient), seconds)


class Diffusion:
    """Diffusion in finite volumes: du/dt = operator @ u.

    The walls of cells are half-way between nodes; the first node is on the electrode, its cell `surface_cell` cm long.
    Nothing passes the outer end.
    """

    def __init__(self, coefficient: float) -> None:
        shortest, farthest = math.sqrt(coefficient * _SHORTEST_S), 6 * math.sqrt(coefficient * _LONGEST_S)
        count = math.ceil(math.log(1 + farthest * (_GROWTH - 1) / shortest) / math.log(_GROWTH))
        gaps = shortest * _GROWTH ** np.arange(count)
        cells = np.concatenate(([gaps[0] / 2], (gaps[:-1] + gaps[1:]) / 2, [gaps[-1] / 2]))
        flows = coefficient / gaps
        operator = np.diag(-(np.append(flows, 0.0) + np.insert(flows, 0, 0.0)))
        operator += np.diag(flows, 1) + np.diag(flows, -1)
        self.operator: NDArray[np.float64] = operator / cells[:, None]
        self.surface_cell = float(cells[0])


@lru_cache(maxsize=_KEPT)
def diffusion(coefficient: float) -> Diffusion:
    """The grid for a coefficient, cm2/s."""
    return Diffusion(coefficient)
