"""The drive, valve and syringe of a simulated Cavro pump: how the plunger moves in time, and what flows where.

Positions are in pulses (half-steps): 6000 for the whole stroke, whatever resolution is set, so that 5 to 6000 pulses a
second are 20 min to 1 s a stroke (XCalibur: 3000 increments). A move starts at the start speed, reaches the top speed
with `slope` times 2500 pulses/s2, and ends at the cutoff speed (XP 3000 operator's manual, 725730C, section on speed
commands; the published driver tecancavro computes moves alike).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from motet_simulators.motion import Segment, Trajectory

STROKE = 6000
SLOPE_UNIT = 2500.0
SPEED_CODES = (
    6000, 5600, 5000, 4400, 3800, 3200, 2600, 2200, 2000, 1800, 1600, 1400, 1200, 1000, 800, 600, 400, 200, 190, 180,
    170, 160, 150, 140, 130, 120, 110, 100, 90, 80, 70, 60, 50, 40, 30, 20, 18, 16, 14, 12, 10,
)  # fmt: skip
"""Top speed for each code of the command `S`, pulses/s (XP 3000 operator's manual, table of speed codes)."""
_EPSILON = 1e-12


@dataclass
class Speeds:
    """Speeds in pulses/s, the slope in its unit; after power-on as the manual's defaults."""

    start: float = 900.0
    top: float = 1400.0
    cutoff: float = 900.0
    slope: int = 14

    def set_top(self, top: float) -> None:
        """The others cannot be above it."""
        self.top = top
        self.start, self.cutoff = min(self.start, top), min(self.cutoff, top)


def move(now: float, origin: float, target: float, speeds: Speeds) -> Trajectory:
    """The plunger's way from one position to another, in pulses."""
    way, sign = abs(target - origin), math.copysign(1.0, target - origin)
    if way == 0:
        return Trajectory(now, (), target)
    slope = speeds.slope * SLOPE_UNIT
    start, end = min(speeds.start, speeds.top), min(speeds.cutoff, speeds.top)
    peak = min(speeds.top, math.sqrt(slope * way + (start * start + end * end) / 2))
    if peak <= max(start, end):
        start = end = peak = min(start, end) if speeds.top > max(start, end) else speeds.top
    up, down = (peak * peak - start * start) / (2 * slope), (peak * peak - end * end) / (2 * slope)
    cruise = max(0.0, way - up - down)
    segments = (
        Segment((peak - start) / slope, origin, sign * start, sign * slope),
        Segment(cruise / peak, origin + sign * up, sign * peak, 0.0),
        Segment((peak - end) / slope, origin + sign * (up + cruise), sign * peak, -sign * slope),
    )
    return Trajectory(now, tuple(segment for segment in segments if segment.duration > 0), target)


class Syringe:
    """What is in the syringe, by liquid; it takes in what the port holds and gives out its mixture.

    `sources` says which liquid a valve position leads to; `vessel` is the position where the world gets what comes out.
    What goes elsewhere is waste, what comes from nowhere is air.
    """

    def __init__(
        self, volume: float, sources: Mapping[str, str], vessel: str, deliver: Callable[[str, float], None]
    ) -> None:
        self.volume = volume
        """Of the whole stroke, mL."""
        self.accuracy = 1.0
        """What arrives in the vessel for each mL that the plunger displaces."""
        self.contents: dict[str, float] = {}
        self.in_vessel: dict[str, float] = {}
        """What has been delivered into the vessel and not been taken out again, mL."""
        self._sources = sources
        self._vessel = vessel
        self._deliver = deliver

    def move(self, pulses: float, port: str) -> None:
        """The plunger moves down (positive: it draws) or up while the valve is at a port."""
        volume = pulses / STROKE * self.volume
        if volume > 0:
            self._draw(volume, port)
        elif volume < 0:
            self._give(-volume, port)

    def _draw(self, volume: float, port: str) -> None:
        if port == self._vessel:
            for liquid, part in _parts(self.in_vessel, min(volume, sum(self.in_vessel.values()))).items():
                self.in_vessel[liquid] -= part
                self._take_in(liquid, part)
                self._deliver(liquid, -part)
            return
        self._take_in(self._sources.get(port, "air"), volume)

    def _take_in(self, liquid: str, volume: float) -> None:
        self.contents[liquid] = self.contents.get(liquid, 0.0) + volume

    def _give(self, volume: float, port: str) -> None:
        for liquid, part in _parts(self.contents, min(volume, sum(self.contents.values()))).items():
            self.contents[liquid] -= part
            if port == self._vessel and liquid != "air":
                delivered = part * self.accuracy
                self.in_vessel[liquid] = self.in_vessel.get(liquid, 0.0) + delivered
                self._deliver(liquid, delivered)


def _parts(mixture: Mapping[str, float], volume: float) -> dict[str, float]:
    whole = sum(mixture.values())
    if whole <= _EPSILON:
        return {}
    return {liquid: volume * part / whole for liquid, part in mixture.items()}
