"""The world of a scanning droplet cell: a plate whose current is Schwefel's function of the place; a basin.

Lengths in mm, z positive upwards, the plate's surface near z = 0; forces in mN, currents in mA, times in
lab seconds. The function is Schwefel's (Numerical Optimization of Computer Models, Wiley 1981), scaled to
the plate as in the reference experiment of HELAO (Rahmanian et al., Adv. Mater. Interfaces 9, 2101987
(2022)); its maximum on a grid of 2.5 mm is 0.7304 at (45, 45).
"""

import math
from collections.abc import Callable

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from motet.contracts.simulation import Clock

PLATE_MM = 50.0
"""The plate is the square from (0, 0) to (50, 50)."""


class Options(BaseModel):
    """What the plate, the probe and the basin are like."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    tilt: tuple[float, float] = (0.001, -0.0005)
    """Rise of the surface along x and y, mm per mm, about the plate's centre at z = 0."""
    stiffness: float = Field(default=1000.0, gt=0)
    """Force for each mm of indentation, mN/mm."""
    force_noise: float = Field(default=0.2, ge=0)
    """Standard deviation of a force, mN."""
    current_noise: float = Field(default=1e-5, ge=0)
    """Standard deviation of a current, mA."""
    charging: float = Field(default=0.5, ge=0)
    """Height of the decaying part of a trace, as a part of its steady value."""
    decay: float = Field(default=1.0, gt=0)
    """Time constant of the decaying part, s."""
    carry_over: float = Field(default=0.2, ge=0, le=1)
    """How much of the previous place's value a droplet that was not removed brings along."""
    waste_x: tuple[float, float] = (55.0, 60.0)
    """Where the waste basin is, mm."""
    waste_y: tuple[float, float] = (20.0, 30.0)
    """Where the waste basin is, mm."""
    waste_level: float = 1.0
    """The head must be below this z for the basin to take the droplet, mm."""
    waste_time: float = Field(default=2.0, ge=0)
    """For how long, s."""

    @model_validator(mode="after")
    def _right_way_round(self) -> "Options":
        for name in ("waste_x", "waste_y"):
            low, high = getattr(self, name)
            if low >= high:
                raise ValueError(f"{name} = [{low:g}, {high:g}] is upside down")
        return self


def schwefel(x: float, y: float) -> float:
    """The steady current at a place of the plate, mA: sum of e sin(sqrt|e|) / 1000 with e = 20 v - 500."""
    return sum(e * math.sin(math.sqrt(abs(e))) for e in (20 * x - 500, 20 * y - 500)) / 1000


class SchwefelPlate:
    """A plate with Schwefel's function as its current: what stage, force sensor and potentiostat share.

    A world: axes drive `x`, `y` and `z`, the place of the head, mm; `force` is the one on the head, mN, `current` the
    steady one at its place, mA, 0 without contact.
    """

    takes: frozenset[str] = frozenset("xyz")
    reads: frozenset[str] = frozenset(("x", "y", "z", "force", "current"))

    def __init__(self, options: Options, clock: Clock, seed: int) -> None:
        self._options = options
        self._clock = clock
        self._current_rng, self._force_rng, self._stream_rng = np.random.default_rng(seed).spawn(3)
        self._axes: dict[str, Callable[[], float]] = {}
        self._in_basin_since: float | None = None
        self._droplet: float | None = None

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        """Let the head move along x, y or z with an axis, whose position is `value()`, mm.

        The function given back is to be called whenever the axis begins or ends a motion. Raises KeyError for another
        quantity, ValueError for a second axis of the same name.
        """
        self._check(quantity, self.takes)
        if quantity in self._axes:
            raise ValueError(f"{quantity} of this plate is driven by another axis already")
        self._axes[quantity] = value
        if len(self._axes) == len(self.takes):
            self.stage_moved()
        return self._axis_moved

    def add(self, quantity: str, amount: float) -> None:
        """Nothing can be added to a plate. Raises KeyError."""
        self._check(quantity, frozenset())

    def read(self, quantity: str) -> float:
        """What a sensor without noise sees now. Raises KeyError."""
        self._check(quantity, self.reads)
        place = self.place()
        if quantity in self.takes:
            return place["xyz".index(quantity)]
        if quantity == "force":
            return self._options.stiffness * self.indentation()
        return schwefel(*place[:2]) if self.indentation() > 0 else 0.0

    def _check(self, quantity: str, known: frozenset[str]) -> None:
        if quantity not in known:
            allowed = ", ".join(sorted(known)) or "nothing"
            raise KeyError(f"a plate knows no {quantity!r} here; allowed: {allowed}")

    def _axis_moved(self) -> None:
        if len(self._axes) == len(self.takes):
            self.stage_moved()

    def stage_moved(self) -> None:
        """The stage began or ended a motion: see how long the head has been in the basin."""
        now = self._clock.now()
        if self._in_basin_since is not None and now - self._in_basin_since >= self._options.waste_time:
            self._droplet = None
        if not self._over_basin() or self.place()[2] > self._options.waste_level:
            self._in_basin_since = None
        elif self._in_basin_since is None:
            self._in_basin_since = now

    def place(self) -> tuple[float, float, float]:
        """Where the head is, (x, y, z) in mm. Raises RuntimeError when no axis drives one of them."""
        try:
            return self._axes["x"](), self._axes["y"](), self._axes["z"]()
        except KeyError:
            missing = ", ".join(sorted(self.takes - self._axes.keys()))
            raise RuntimeError(f"nothing drives {missing} of this plate: the station has no simulated stage") from None

    def surface(self, x: float, y: float) -> float:
        """Height of the plate's surface, mm; minus infinity beside the plate."""
        if not (0 <= x <= PLATE_MM and 0 <= y <= PLATE_MM):
            return -math.inf
        along_x, along_y = self._options.tilt
        return along_x * (x - PLATE_MM / 2) + along_y * (y - PLATE_MM / 2)

    def indentation(self) -> float:
        """How deep the head's seal is pressed in, mm; 0 without contact."""
        x, y, z = self.place()
        return max(0.0, self.surface(x, y) - z)

    def contact_force(self, *, asked: bool = True) -> float:
        """The force on the head, mN, with the sensor's noise.

        Values that a sensor sends by itself have a noise of their own: how many there are depends on when the host
        comes, and what is measured must not.
        """
        rng = self._force_rng if asked else self._stream_rng
        return self.read("force") + rng.normal(0.0, self._options.force_noise)

    def measure(self, times: list[float]) -> list[float]:
        """The current at times (s) since the potential was applied, at the place where the head is, mA.

        The droplet that stays behind carries this value over to the next place unless it is removed.
        Raises RuntimeError when the head has no contact: ask `indentation` before.
        """
        if self.indentation() <= 0:
            raise RuntimeError("the head has no contact with the plate")
        self.stage_moved()
        x, y, _ = self.place()
        value = schwefel(x, y)
        if self._droplet is not None:
            value = (1 - self._options.carry_over) * value + self._options.carry_over * self._droplet
        self._droplet = value
        t = np.asarray(times, dtype=np.float64)
        trace = value * (1 + self._options.charging * np.exp(-t / self._options.decay))
        return (trace + self._current_rng.normal(0.0, self._options.current_noise, t.shape)).tolist()

    def _over_basin(self) -> bool:
        x, y, _ = self.place()
        (left, right), (front, back) = self._options.waste_x, self._options.waste_y
        return left <= x <= right and front <= y <= back
