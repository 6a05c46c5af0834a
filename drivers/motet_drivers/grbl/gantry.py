"""What a Grbl controller's settings say of its gantry: how far it goes, and how long that takes. mm and lab seconds.

Source: Grbl v1.1 wiki, "Configuring Grbl v1.1": $110 rates (mm/min), $120 accelerations (mm/s2), $130 travel (mm), $22
to $27 homing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from motet.devices import Limit, Limits
from motet.errors import ProcedureError
from motet_drivers.grbl.protocol import Build, Vector

Axis = Literal["x", "y", "z"]
AXES: tuple[Axis, Axis, Axis] = ("x", "y", "z")
_AXES = range(3)
_BRAKING_S = 5.0
"""Longest time for braking as long as the settings are not known."""


@dataclass(frozen=True, slots=True)
class Gantry:
    """The machine behind a controller. `origin` is where the lab's zero is, in the coordinates of the machine."""

    build: Build = field(default_factory=Build)
    settings: Mapping[int, float] = field(default_factory=dict[int, float])
    origin: Mapping[Axis, float] = field(default_factory=dict[Axis, float])

    @property
    def homes(self) -> bool:
        """Whether it has a homing cycle, and so a position that means something."""
        return bool(self.settings.get(22))

    @property
    def travel(self) -> dict[str, Limit]:
        """How far the axes go, in the lab's coordinates; unknown for a machine that does not home."""
        if not self.homes:
            return {}
        travel: dict[str, Limit] = {}
        for n, axis in enumerate(AXES):
            low, high = (end - self.zero(axis) for end in self._ends(n))
            travel[axis] = Limit(low, high, "mm")
        return travel

    def check(self, limits: Limits, wanted: Mapping[Axis, float]) -> None:
        """Raises LimitError for what is beyond the lab's limits or the machine's travel."""
        travel = Limits(limits.device, self.travel)
        for axis, value in wanted.items():
            limits.check(axis, value)
            travel.check(axis, value)

    def lab(self, position: Vector) -> dict[Axis, float]:
        """A position of the machine in the lab's coordinates."""
        return {axis: at - self.zero(axis) for axis, at in zip(AXES, position, strict=True)}

    def machine(self, wanted: Mapping[Axis, float], position: Vector) -> Vector:
        """Where the machine goes for what is wanted in the lab's coordinates; the other axes stay at `position`."""
        x, y, z = (
            self.zero(axis) + wanted[axis] if axis in wanted else at for axis, at in zip(AXES, position, strict=True)
        )
        return x, y, z

    def zero(self, axis: Axis) -> float:
        """Where the lab's zero is."""
        return self.origin.get(axis, 0.0)

    def _ends(self, axis: int) -> tuple[float, float]:
        """The low and the high end of an axis, in the coordinates of the machine.

        They are negative, unless the firmware was built to set its origin when homing (`Z` in the answer to `$I`).
        """
        length = self.settings[130 + axis]
        up = "Z" in self.build.options and int(self.settings.get(23, 0)) >> axis & 1
        return (0.0, length) if up else (-length, 0.0)

    def lasts(self, start: Vector, target: Vector, feed: float | None) -> float:
        """How long a motion takes from rest to rest, at a feed in mm/min or rapid."""
        way = math.dist(start, target)
        if way == 0:
            return 0.0
        parts = [abs(b - a) / way for a, b in zip(start, target, strict=True)]
        speed = min(self.settings[110 + n] / 60 / part for n, part in enumerate(parts) if part > 0)
        speed = speed if feed is None else min(speed, feed / 60)
        acceleration = min(self.settings[120 + n] / part for n, part in enumerate(parts) if part > 0)
        peak = min(speed, math.sqrt(way * acceleration))
        return way / peak + peak / acceleration

    @property
    def braking(self) -> float:
        """How long braking takes at most."""
        if not self.settings:
            return _BRAKING_S
        return max(self.settings[110 + n] / 60 / self.settings[120 + n] for n in _AXES)

    @property
    def homing(self) -> float:
        """How long a homing cycle takes at most: z, then x and y, search 1.5 times their travel."""
        seek, slow = self.settings[25] / 60, self.settings[24] / 60
        searched = 1.5 * (self.settings[132] + max(self.settings[130], self.settings[131]))
        pulled = 4 * self.settings[27] / seek + 10 * self.settings[27] / slow
        paused = 8 * (self.settings[26] / 1000 + seek / min(self.settings[120 + n] for n in _AXES))
        return searched / seek + pulled + paused


def given(name: str, x: float | None, y: float | None, z: float | None) -> dict[Axis, float]:
    """The axes that have a value. Raises ProcedureError when none has."""
    values: tuple[tuple[Axis, float | None], ...] = (("x", x), ("y", y), ("z", z))
    wanted: dict[Axis, float] = {axis: value for axis, value in values if value is not None}
    if not wanted:
        raise ProcedureError(f"{name}: at least one of x, y, z is needed")
    return wanted
