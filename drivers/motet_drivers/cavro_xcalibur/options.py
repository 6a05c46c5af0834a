"""How a Cavro syringe pump, its valve and its syringe are set up, and the ranges that follow."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, cast

from pydantic import BeforeValidator, Field, field_validator, model_validator

from motet.devices import Expected, Limit

STROKE_PULSES = 6000
"""Half-steps of the whole stroke: what speeds are told in."""
SLOWEST, FASTEST = 5, 6000
"""Top speeds, pulses/s (command `V`)."""
FINE = 8
"""Fine increments in one (mode N1)."""


def _switch(value: object) -> object:
    return int(value, 16) if isinstance(value, str) and re.fullmatch("[0-9A-Ea-e]", value) else value


class Options(Expected):
    """The pump's place on the line, its valve and the syringe."""

    address: Annotated[int, BeforeValidator(_switch)] = Field(default=0, ge=0, le=14)
    """Position of the address switch: 0 to 14, or 0 to E."""
    syringe: float = Field(gt=0)
    """Volume of the whole stroke, mL."""
    ports: Mapping[str, str] = Field(default={"input": "I", "output": "O"}, min_length=1)
    """Names of the valve's positions: I, O, B and E, or the numbers of a distribution valve."""
    increments: int = Field(default=3000, gt=0)
    """Increments of the whole stroke: 3000 for the XCalibur, 6000 for the XLP 6000."""
    protocol: Literal["dt", "oem"] = "dt"
    """oem: commands and answers carry a checksum."""
    rate: float | None = Field(default=None, gt=0)
    """The rate when a verb names none, mL/min; left out: the top speed that the pump has."""
    home: Literal["Z", "Y", "W"] = "Z"
    """Initialize with the valve's output on the right, on the left, or without the valve."""
    home_from: str | None = None
    """The port that a distribution valve rests at after the initialization; left out: the pump's choice."""
    home_to: str | None = None
    """The port that the syringe is emptied to by it; left out: the pump's choice."""
    home_timeout: float = Field(default=60.0, gt=0)
    """Longest time for the initialization, s."""
    watch: float = Field(default=0.5, gt=0)
    """Longest time between two looks at a pump that is busy, s: an error is seen after so long."""
    margin: float = Field(default=5.0, gt=0)
    """Time for a move beyond half as much again as it should take, s."""

    @field_validator("ports", mode="before")
    @classmethod
    def _as_text(cls, ports: object) -> object:
        """Numbers may be written as numbers."""
        if not isinstance(ports, Mapping):
            return ports
        return {str(name): str(position) for name, position in cast("Mapping[object, object]", ports).items()}

    @model_validator(mode="after")
    def _positions(self) -> "Options":
        for name, position in self.ports.items():
            if not re.fullmatch("[IOBE]|[1-9]|1[0-2]", position):
                raise ValueError(f"ports: {name} is at {position!r}; I, O, B, E or a number from 1 to 12 is expected")
        for key, port in (("home_from", self.home_from), ("home_to", self.home_to)):
            if port is not None and not self.ports.get(port, "").isdigit():
                raise ValueError(f"{key}: {port!r} is no port of a distribution valve in `ports`")
        limit = self.ranges()["rate"]
        if self.rate is not None and not limit.low <= self.rate <= limit.high:
            raise ValueError(f"rate: {self.rate:g} mL/min is beyond {limit} with a syringe of {self.syringe:g} mL")
        return self

    @property
    def full(self) -> int:
        """The whole stroke in fine increments."""
        return self.increments * FINE

    def ranges(self) -> Mapping[str, Limit]:
        """Volumes up to the syringe's, and the rates that the plunger's speeds make."""
        per_pulse = 60 * self.syringe / STROKE_PULSES
        return {
            "volume": Limit(0.0, self.syringe, "mL"),
            "rate": Limit(SLOWEST * per_pulse, FASTEST * per_pulse, "mL/min"),
        }

    def initialization(self) -> str:
        """The command: less force for small syringes (XLP 6000 manual, table 3-6)."""
        force = 0 if self.syringe >= 1 else 1 if self.syringe >= 0.25 else 2
        if self.home == "W" or (self.home_from is None and self.home_to is None):
            return f"{self.home}{force}"
        at, to = (self.ports[port] if port is not None else "0" for port in (self.home_from, self.home_to))
        return f"{self.home}{force},{at},{to}"
