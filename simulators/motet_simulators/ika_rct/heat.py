"""Heat in a hot plate, the vessel on it and the probe in the vessel: three temperatures and the controller.

Temperatures in degC, heat capacities in J/K, conductances in W/K, times in lab seconds. Plate and medium are lumped:

    C_p dT_p/dt = P u - G (T_p - T_m) - G_p (T_p - T_a)
    C_m dT_m/dt = G (T_p - T_m) - G_m (T_m - T_a)
    tau dT_s/dt = T_m - T_s

with the heater's part u of its power P, and G from plate to medium better the more is stirred (lumped capacitances and
thermal resistances: Incropera, DeWitt, Fundamentals of Heat and Mass Transfer, 6th ed., chapters 3.1 and 5.1). The
probe, where there is one, is regulated to the set point through the plate's temperature, otherwise the plate is.
Integrated in steps of at most half a second when somebody looks; a state that rests is not integrated at all.
"""

import math
from dataclasses import dataclass

from pydantic import Field

from motet.simulation import Faults

STEP_S = 0.5
_AT_REST = 1e-7
"""K/s: slower than this counts as not changing."""
_GAIN, _LEAD, _RESET_S, _BAND = 1.5, 40.0, 150.0, 12.0
"""K that the plate goes above the set point for each K that the probe is below it, and at most; reset time, s; within
so many K of the set point there is a reset. Chosen for an overshoot of 1 to 3 K; IKA does not tell its own."""
_INNER_BAND = 20.0
"""K below its target at which the plate is heated with full power."""


class HeatOptions(Faults):
    """Plate, vessel, room."""

    ambient: float = 22.0
    power: float = Field(default=600.0, gt=0)
    """Of the heater, W."""
    plate_capacity: float = Field(default=700.0, gt=0)
    """Heat capacity of the plate, J/K."""
    medium_capacity: float = Field(default=420.0, gt=0)
    """Heat capacity of vessel and contents, J/K; 4.2 J/K for each g of water."""
    coupling: float = Field(default=2.0, gt=0)
    """From plate to medium without stirring, W/K."""
    stirred_coupling: float = Field(default=4.0, gt=0)
    """From plate to medium when it is well stirred (500/min and more), W/K."""
    plate_loss: float = Field(default=0.6, gt=0)
    """From the plate to the room, W/K."""
    medium_loss: float = Field(default=0.35, gt=0)
    """From the medium to the room, W/K."""
    probe_lag: float = Field(default=4.0, gt=0)
    """Time constant of the probe, s."""
    probe: bool = True
    """Whether a probe is plugged in and in the medium."""


@dataclass
class Heat:
    """The temperatures now, and the controller's memory."""

    options: HeatOptions
    plate: float
    medium: float
    sensed: float
    integral: float = 0.0
    power: float = 0.0
    """Part of the heater's power that is on."""

    @classmethod
    def cold(cls, options: HeatOptions) -> "Heat":
        """Everything as warm as the room."""
        return cls(options, options.ambient, options.ambient, options.ambient)

    def advance(self, seconds: float, target: float | None, hottest: float, stirred: float) -> None:
        """Let time pass with the heater regulating to a target (None: off), the plate never above `hottest`, and
        `stirred` from 0 (not) to 1 (well)."""
        steps = max(1, math.ceil(seconds / STEP_S))
        step = seconds / steps
        for _ in range(steps):
            if step > 0 and self._step(step, target, hottest, stirred) < _AT_REST:
                return

    def _step(self, step: float, target: float | None, hottest: float, stirred: float) -> float:
        """One step of time; the fastest change, K/s."""
        o = self.options
        self.power = 0.0 if target is None else self._regulated(step, target, hottest)
        if target is None:
            self.integral = 0.0
        over = (o.coupling + (o.stirred_coupling - o.coupling) * stirred) * (self.plate - self.medium)
        plate = (o.power * self.power - over - o.plate_loss * (self.plate - o.ambient)) / o.plate_capacity
        medium = (over - o.medium_loss * (self.medium - o.ambient)) / o.medium_capacity
        kept = math.exp(-step / o.probe_lag)
        sensed = self.medium + (self.sensed - self.medium) * kept
        change = max(abs(plate), abs(medium), abs(sensed - self.sensed) / step)
        self.plate += plate * step
        self.medium += medium * step
        self.sensed = sensed
        return change

    def _regulated(self, step: float, target: float, hottest: float) -> float:
        """The part of the power that the controller asks for."""
        probe = self.options.probe
        error = target - (self.sensed if probe else self.plate)
        wanted = target + self.integral + (min(_LEAD, _GAIN * error) if probe else 0.0)
        if abs(error) < _BAND and wanted < hottest:
            self.integral += _GAIN * error * step / _RESET_S
        part = (min(wanted, hottest) - self.plate) / _INNER_BAND
        return min(1.0, max(0.0, part))
