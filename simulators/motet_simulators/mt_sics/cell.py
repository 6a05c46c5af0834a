"""The weighing cell of a simulated balance: how a load becomes a reading, and when that reading is stable.

Masses in g, times in lab seconds. The reading follows the load with a first-order lag. It is stable when it is within
half a digit of where it goes, nothing has changed for a while, and the table does not shake more than a digit. A load
that changed since somebody last looked is taken to have changed half-way between the two looks: nothing runs on the
clock while nobody asks.

Air buoyancy: a balance adjusted with weights of 8.0 g/mL in air of 1.2 mg/mL shows m (1 - 0.0012/rho) / (1 - 0.0012/8)
for a mass m of density rho (OIML D 28, conventional value of the result of weighing in air, 2004, section 5).
"""

import math
import random
from collections.abc import Callable

from pydantic import Field

from motet.simulation import Faults

AIR, STEEL = 0.0012, 8.0
"""Densities of air and of the weights that balances are adjusted with, g/mL."""


class CellOptions(Faults):
    """How good the weighing cell is, and what it stands on."""

    capacity: float = Field(default=220.0, gt=0)
    """Largest load, g."""
    readability: float = Field(default=0.0001, gt=0)
    """One digit d of the reading, g."""
    settling: float = Field(default=0.35, gt=0)
    """Time constant with which a reading follows the load, s."""
    stability_time: float = Field(default=1.0, ge=0)
    """So long nothing may have changed before a reading is called stable, s."""
    repeatability: float = Field(default=0.00003, ge=0)
    """Standard deviation of a reading, g."""
    vibration: float = Field(default=0.0, ge=0)
    """What the table adds to it, g; above one digit no reading is stable."""
    linearity: float = 0.0
    """Deviation at half the capacity, g; nothing at both ends."""
    density: float | None = Field(default=None, gt=AIR)
    """Density of what is weighed, g/mL, for the buoyancy of the air; left out: no buoyancy."""


class Cell:
    """What `load` (g, asked at each look) is read as."""

    def __init__(
        self,
        options: CellOptions,
        load: Callable[[], float],
        now: Callable[[], float],
        noise: random.Random,
        is_stuck: Callable[[], bool],
    ) -> None:
        self._options = options
        self._ask = load
        self._now = now
        self._noise = noise
        self._is_stuck = is_stuck
        self._load = load()
        self._followed = self._load
        self._looked_at = now()
        self._changed_at = -math.inf
        self._unfelt = 0.0

    def look(self) -> tuple[float, bool]:
        """The load that is felt now, as the cell shows it without noise, and whether it is stable."""
        options, now = self._options, self._now()
        load = self._ask() - self._unfelt
        elapsed = now - self._looked_at
        if abs(load - self._load) > options.readability / 2:
            if self._is_stuck():
                self._unfelt += load - self._load
                load = self._load
            else:
                self._follow(self._load, elapsed / 2)
                elapsed /= 2
                self._changed_at = now - elapsed
        self._load = load
        self._follow(load, elapsed)
        self._looked_at = now
        settled = abs(load - self._followed) < options.readability / 2
        quiet = now - self._changed_at >= options.stability_time and options.vibration <= options.readability
        return self._shown(self._followed), settled and quiet

    def noise(self) -> float:
        """What differs from one reading to the next, g."""
        return self._noise.gauss(0.0, math.hypot(self._options.repeatability, self._options.vibration))

    def _follow(self, load: float, seconds: float) -> None:
        self._followed = load + (self._followed - load) * math.exp(-seconds / self._options.settling)

    def _shown(self, mass: float) -> float:
        options = self._options
        if options.density is not None:
            mass *= (1 - AIR / options.density) / (1 - AIR / STEEL)
        part = mass / options.capacity
        return mass + options.linearity * 4 * part * (1 - part)
