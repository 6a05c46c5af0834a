"""What is connected to the simulated Model 2450, and what the source makes of it: level or limit, whichever is first.

A load is a rising curve of current over voltage. The voltage source gives its level unless the load takes more than the
current limit there; then it gives the limit and the voltage that goes with it. The current source likewise
(:TRIPped?: "the instrument clamps the source"; Model 2450 Reference Manual, p. 6-72).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

THERMAL_VOLTAGE = 0.025693
"""kT/q at 25 degC, V."""
_STEPS = 200


class Load(Protocol):
    """A device under test."""

    def current(self, voltage: float) -> float:
        """A, at a voltage, V."""
        ...

    def voltage(self, current: float) -> float:
        """V, at a current, A; infinite where it takes no such current."""
        ...


@dataclass(frozen=True)
class Resistor:
    """Ohm's law; the resistance, ohm, may change with time."""

    resistance: Callable[[], float]

    def current(self, voltage: float) -> float:
        """A."""
        resistance = self.resistance()
        return voltage / resistance if resistance > 0 else math.copysign(math.inf, voltage) if voltage else 0.0

    def voltage(self, current: float) -> float:
        """V."""
        return current * self.resistance() if current else 0.0


@dataclass(frozen=True)
class Diode:
    """Shockley's equation with a series resistance: V = n kT/q ln(1 + I/Is) + I Rs."""

    saturation: float
    ideality: float
    series: float

    def voltage(self, current: float) -> float:
        """V; minus infinity where the reverse current is beyond the saturation current."""
        if current <= -self.saturation:
            return -math.inf
        return self.ideality * THERMAL_VOLTAGE * math.log1p(current / self.saturation) + current * self.series

    def current(self, voltage: float) -> float:
        """A, by bisection: the equation rises with the current."""
        low, high = -self.saturation, max(self.saturation, 1e-12)
        while self.voltage(high) < voltage:
            high *= 4
        for _ in range(_STEPS):
            middle = (low + high) / 2
            if middle in (low, high):
                break
            low, high = (middle, high) if self.voltage(middle) < voltage else (low, middle)
        return (low + high) / 2


@dataclass(frozen=True)
class Leads:
    """A load behind leads of some resistance, ohm, as two-wire sensing sees it."""

    load: Load
    resistance: float

    def voltage(self, current: float) -> float:
        """V, at the terminals."""
        return self.load.voltage(current) + current * self.resistance

    def current(self, voltage: float) -> float:
        """A, by bisection between nothing and what the load would take without leads."""
        if not self.resistance:
            return self.load.current(voltage)
        most = max(min(self.load.current(voltage), voltage / self.resistance), -abs(voltage / self.resistance))
        low, high = sorted((0.0, most))
        for _ in range(_STEPS):
            middle = (low + high) / 2
            if middle in (low, high):
                break
            low, high = (middle, high) if self.voltage(middle) < voltage else (low, middle)
        return (low + high) / 2


@dataclass(frozen=True, slots=True)
class Point:
    """Voltage, V, and current, A, at the terminals, and whether the source is at its limit."""

    voltage: float
    current: float
    limited: bool


def operating_point(load: Load, function: str, level: float, limit: float) -> Point:
    """Where a source of voltage (`VOLT`, level in V, limit in A) or current (`CURR`) comes to rest with a load."""
    if function == "VOLT":
        current = load.current(level)
        if abs(current) <= limit:
            return Point(level, current, limited=False)
        held = math.copysign(limit, current)
        return Point(load.voltage(held), held, limited=True)
    voltage = load.voltage(level)
    if abs(voltage) <= limit:
        return Point(voltage, level, limited=False)
    held = math.copysign(limit, voltage)
    return Point(held, load.current(held), limited=True)
