"""Sweeps of the simulated Model 2450: what a trigger model does point by point, on the clock.

A linear sweep is :SOURce:SWEep:<function>:LINear (Model 2450 Reference Manual, p. 6-81), a row of measurements at one
level :TRIGger:LOAD "SimpleLoop". What the trigger model is doing is answered as its state twice and the number of its
block (:TRIGger:STATe?, p. 6-166).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from motet_simulators.keithley_2450 import scpi
from motet_simulators.keithley_2450.scpi import ScpiError
from motet_simulators.keithley_2450.settings import MOST

MOST_POINTS = 1_000_000
LONGEST_DELAY = 10_000.0
MOST_COUNT = 268_435_455
LAST_BLOCK = 9
MEASURING_BLOCK = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What a trigger model was set up to do: the levels of its points, V or A (None: as set), one after the other."""

    function: str | None
    levels: Sequence[float | None]
    delay: float = 0.0
    fail_abort: bool = False
    buffer: str = "defbuffer1"


def linear(function: str, arguments: Sequence[str], *, by_step: bool = False) -> Plan:
    """The plan of a linear sweep, by its number of points or by the step between two of them. Raises ScpiError."""
    if not 3 <= len(arguments) <= 9:
        raise ScpiError(-109 if len(arguments) < 3 else -108)
    start, stop = (scpi.bounded(text, -MOST[function], MOST[function], 0) for text in arguments[:2])
    if by_step:
        step = scpi.bounded(arguments[2], 1e-12, 2 * MOST[function], 1)
        points = round(abs(stop - start) / step) + 1
    else:
        points = int(scpi.bounded(arguments[2], 2, MOST_POINTS, 2))
    rest = (*arguments[3:], *("-1", "1", "BEST", "ON", "OFF", '"defbuffer1"')[len(arguments) - 3 :])
    delay = scpi.number(rest[0])
    if delay != -1 and not 0 <= delay <= LONGEST_DELAY:
        raise ScpiError(-222)
    count = int(scpi.bounded(rest[1], 0, MOST_COUNT, 1)) or 1
    scpi.choice(rest[2], ("AUTO", "BEST", "FIXed"))
    fail_abort, dual = scpi.boolean(rest[3]), scpi.boolean(rest[4])
    if points * count * (2 if dual else 1) > MOST_POINTS:
        raise ScpiError(-222)
    one = [start + (stop - start) * index / (points - 1) for index in range(points)] if points > 1 else [start]
    levels = (one + one[::-1] if dual else one) * count
    return Plan(function, levels, max(0.0, delay), fail_abort, scpi.string(rest[5]))


def simple_loop(arguments: Sequence[str]) -> Plan:
    """Several measurements at the level that is set. Raises ScpiError."""
    if not arguments:
        raise ScpiError(-109)
    count = int(scpi.bounded(arguments[0], 1, MOST_POINTS, 1))
    delay = scpi.bounded(arguments[1], 0, LONGEST_DELAY, 0) if len(arguments) > 1 else 0.0
    buffer = scpi.string(arguments[2]) if len(arguments) > 2 else "defbuffer1"
    return Plan(None, [None] * count, delay, buffer=buffer)


@dataclass
class Run:
    """A trigger model that runs: `done` points are measured; each takes `step` seconds from `started` on."""

    plan: Plan
    started: float
    step: float
    done: int = 0

    @property
    def level(self) -> float | None:
        """What is sourced for the point that is being measured."""
        return self.plan.levels[min(self.done, len(self.plan.levels) - 1)]

    @property
    def next_at(self) -> float:
        """When the point that is being measured will be."""
        return self.started + (self.done + 1) * self.step

    @property
    def ends(self) -> float:
        """When the last one will be."""
        return self.started + len(self.plan.levels) * self.step

    @property
    def over(self) -> bool:
        """Whether every point is measured."""
        return self.done >= len(self.plan.levels)
