"""Options of an OWIS stage: which axes it has, how they are built and driven."""

from typing import Literal

from pydantic import Field, PositiveFloat, model_validator

from motet.devices import Expected
from motet_drivers.owis_ps90.controller import Axis


class Options(Expected):
    """How the stage is built and driven."""

    axes: dict[Axis, int] = Field(default={"x": 1, "y": 2, "z": 3}, min_length=1)
    """The number of each axis at the controller, 1 to 9. A stage has the axes that stand here: `{x: 1}` on a PS 10."""
    counts_per_mm: float = Field(default=10_000, gt=0)
    speed: dict[Axis, PositiveFloat] = Field(default={})
    """Velocity of each axis, mm/s; an axis left out keeps the velocity that the controller has."""
    cycle: float = Field(default=256e-6, gt=0)
    """Cycle of the motion controller, s: velocities are sent in counts a cycle."""
    poll: float = Field(default=0.02, gt=0)
    """Longest time between two looks at an axis that should have arrived, s."""
    watch: float = Field(default=0.5, gt=0)
    """Longest time between two looks at an axis that is on its way, s: a fault is seen after so long."""
    tolerance: float = Field(default=0.001, gt=0)
    """How far from its target an axis may come to rest, mm."""
    margin: float = Field(default=5.0, gt=0)
    """Time for a motion beyond half as much again as distance / velocity, s."""
    home_order: tuple[Axis, ...] = ("z", "x", "y")
    """The axes that `home` references, one after the other; the controller's RMK says by which switch."""
    home_mode: Literal[1, 2, 4, 5, 6, 7] = 4
    """Mode of the reference motion; 4: to the reference switch, then count from there."""
    home_position: dict[Axis, float] = Field(default={})
    """The position of the reference point in the lab's coordinates, mm; left out: as `home_mode` sets it."""
    home_timeout: float = Field(default=120.0, gt=0)
    """Longest time for one reference motion, s."""
    safe: Literal["hold", "release"] = "hold"
    """At an emergency stop the axes brake; then the motors hold, or are switched off: a vertical axis may sink."""
    version: str = "PS"
    """What the answer to `?VERSION` must contain."""

    @model_validator(mode="after")
    def _axes_that_are_there(self) -> "Options":
        numbers = list(self.axes.values())
        if not all(1 <= number <= 9 for number in numbers) or len(set(numbers)) < len(numbers):
            named = ", ".join(f"{axis} is axis {number}" for axis, number in self.axes.items())
            raise ValueError(f"{named}; each needs its own, from 1 to 9")
        told = {"speed": self.speed, "home_position": self.home_position}
        if "home_order" in self.model_fields_set:
            told["home_order"] = dict.fromkeys(self.home_order, 0.0)
        for name, axes in told.items():
            missing = sorted(set(axes) - set(self.axes))
            if missing:
                raise ValueError(f"{name} names {', '.join(missing)}; `axes` has {', '.join(self.axes)} only")
        return self

    @property
    def homed(self) -> tuple[Axis, ...]:
        """The axes that `home` references, in order."""
        return tuple(axis for axis in self.home_order if axis in self.axes)
