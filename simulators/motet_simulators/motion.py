"""Motion with constant acceleration, as a function of time: what a simulated axis does between two commands.

Any unit of length; times in seconds of the simulator's clock.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """Constant acceleration for some time, from a position and a velocity."""

    duration: float
    position: float
    velocity: float
    acceleration: float

    def at(self, elapsed: float) -> float:
        """The position so long after the segment's start."""
        return self.position + (self.velocity + self.acceleration * elapsed / 2) * elapsed

    def speed_at(self, elapsed: float) -> float:
        """The velocity so long after the segment's start."""
        return self.velocity + self.acceleration * elapsed

    def reaches(self, bound: float) -> float | None:
        """When it first is at `bound`, as time since its start; None when it never is."""
        a, b, c = self.acceleration / 2, self.velocity, self.position - bound
        if a == 0:
            roots = [] if b == 0 else [-c / b]
        elif b * b < 4 * a * c:
            roots = []
        else:
            root = math.sqrt(b * b - 4 * a * c)
            roots = [(-b - root) / (2 * a), (-b + root) / (2 * a)]
        return min((t for t in roots if 0 <= t <= self.duration), default=None)


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Segments one after the other from a start time; at rest at `final` after the last."""

    start: float
    segments: tuple[Segment, ...]
    final: float

    @property
    def end(self) -> float:
        """When it comes to rest."""
        return self.start + sum(segment.duration for segment in self.segments)

    def position(self, now: float) -> float:
        """Where it is."""
        segment, elapsed = self._segment(now)
        return self.final if segment is None else segment.at(elapsed)

    def velocity(self, now: float) -> float:
        """How fast it is, signed."""
        segment, elapsed = self._segment(now)
        return 0.0 if segment is None else segment.speed_at(elapsed)

    def within(self, low: float, high: float) -> "Trajectory":
        """The same, but stopped dead where it would leave [low, high]."""
        kept: list[Segment] = []
        for segment in self.segments:
            for bound, outward in ((low, -1), (high, 1)):
                when = segment.reaches(bound)
                leaves = (segment.at(segment.duration) - bound) * outward > 0
                if when is not None and leaves:
                    short = Segment(when, segment.position, segment.velocity, segment.acceleration)
                    return Trajectory(self.start, (*kept, short), bound)
            kept.append(segment)
        return self

    def _segment(self, now: float) -> tuple[Segment | None, float]:
        elapsed = max(0.0, now - self.start)
        for segment in self.segments:
            if elapsed < segment.duration:
                return segment, elapsed
            elapsed -= segment.duration
        return None, 0.0


def rest(position: float) -> Trajectory:
    """No motion at all."""
    return Trajectory(0.0, (), position)


def trapezoid(start: float, origin: float, target: float, speed: float, acceleration: float) -> Trajectory:
    """From rest to rest with a trapezoidal profile of velocity; triangular when the way is short."""
    way = abs(target - origin)
    direction = math.copysign(1.0, target - origin)
    peak = min(speed, math.sqrt(way * acceleration))
    if way == 0:
        return rest(target)
    ramp = peak / acceleration
    cruise = (way - peak * ramp) / peak
    a = direction * acceleration
    after_ramp = origin + a * ramp * ramp / 2
    after_cruise = after_ramp + direction * peak * cruise
    segments = (
        Segment(ramp, origin, 0.0, a),
        Segment(cruise, after_ramp, direction * peak, 0.0),
        Segment(ramp, after_cruise, direction * peak, -a),
    )
    return Trajectory(start, segments, target)


def braking(start: float, origin: float, velocity: float, deceleration: float) -> Trajectory:
    """From a velocity to rest."""
    if velocity == 0:
        return rest(origin)
    duration = abs(velocity) / deceleration
    segment = Segment(duration, origin, velocity, -math.copysign(deceleration, velocity))
    return Trajectory(start, (segment,), segment.at(duration))
