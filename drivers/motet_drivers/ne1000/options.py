"""How a New Era syringe pump and the syringe on it are set up, and the ranges that follow."""

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from motet.devices import Expected, Limit

_SMALLEST_ML = 1e-4


class Options(Expected):
    """The pump's place on the line and the syringe on it."""

    address: int = Field(default=0, ge=0, le=99)
    """Network address."""
    diameter: float = Field(ge=0.1, le=50.0)
    """Inner diameter of the syringe, mm."""
    capacity: float = Field(gt=0)
    """Volume of the syringe, mL: no more at once."""
    mode: Literal["basic", "safe"] = "basic"
    """safe: packets carry a CRC, and the pump stops by itself when the host is silent for `safe_timeout`."""
    safe_timeout: int = Field(default=30, ge=2, le=255)
    """s."""
    model: str | None = None
    """What its model number must be: 1000."""
    slowest: float = Field(default=0.004205, gt=0)
    """Lowest speed of the plunger, cm/h; that of the NE-1000."""
    fastest: float = Field(default=5.1005, gt=0)
    """Highest speed of the plunger, cm/min; that of the NE-1000."""
    watch: float = Field(default=0.5, gt=0)
    """Longest time between two looks at a pump that is on its way, s: an alarm is seen after so long."""
    margin: float = Field(default=5.0, gt=0)
    """Time for a delivery beyond half as much again as volume / rate, s."""

    def ranges(self) -> Mapping[str, Limit]:
        """Volumes up to the syringe's, and the rates that the plunger's speeds make with its diameter."""
        area = math.pi * (self.diameter / 20) ** 2
        return {
            "volume": Limit(min(_SMALLEST_ML, self.capacity), self.capacity, "mL"),
            "rate": Limit(area * self.slowest / 60, area * self.fastest, "mL/min"),
        }
