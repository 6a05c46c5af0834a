"""The gantry that a simulated Grbl controller moves: where it really is, its limit switches, its homing cycle.

The machine's own frame is that of a homed controller: each axis from -travel to 0, with a limit switch at either end.
Grbl counts steps, it does not measure: where the axes really are differs from its count by what was lost (`slip`).
Homing: Z first, then X and Y together; each looks for its switch at the seek rate, pulls off, finds it again slowly and
pulls off (Grbl v1.1 wiki, "Configuring Grbl", $22 to $27). Lengths in mm, times on the simulator's clock.
"""

import math
from dataclasses import dataclass

from motet_simulators.grbl.planner import Planner, Vector
from motet_simulators.grbl.settings import Settings
from motet_simulators.motion import Trajectory, trapezoid

_CYCLES = ((2,), (0, 1))
_SEARCH = 1.5
"""How far a switch is looked for, as a part of the travel."""
NOT_FOUND = 9
"""The alarm when it is not there."""


@dataclass(frozen=True, slots=True)
class Homing:
    """A homing cycle that has begun: the ways of the axes, when it ends, and with which alarm, 0 for none."""

    start: Vector
    tracks: tuple[tuple[Trajectory, ...], tuple[Trajectory, ...], tuple[Trajectory, ...]]
    end: float
    alarm: int

    def position(self, now: float) -> Vector:
        """Where the axes are."""
        x, y, z = (self._axis(n, now) for n in range(3))
        return x, y, z

    def _axis(self, axis: int, now: float) -> float:
        begun = [track for track in self.tracks[axis] if track.start <= now]
        return begun[-1].position(now) if begun else self.start[axis]


class Machine:
    """Three axes. `start` is where they really are when the power comes on; Grbl takes that for 0."""

    def __init__(self, settings: Settings, start: Vector) -> None:
        self._settings = settings
        self.planner = Planner((0.0, 0.0, 0.0))
        self.slip = start
        self.homing: Homing | None = None

    @property
    def ends(self) -> tuple[Vector, Vector]:
        """The limit switches: low ends, high ends."""
        x, y, z = self._settings.axis(130)
        return (-x, -y, -z), (0.0, 0.0, 0.0)

    def counted(self, now: float) -> Vector:
        """Where Grbl takes the axes to be."""
        if self.homing is not None:
            return self._minus(self.homing.position(now), self.slip)
        return self.planner.position(now)

    def position(self, now: float) -> Vector:
        """Where the axes really are."""
        if self.homing is not None:
            return self.homing.position(now)
        where = [a + b for a, b in zip(self.planner.position(now), self.slip, strict=True)]
        x, y, z = (min(max(at, low), high) for at, low, high in zip(where, *self.ends, strict=True))
        return x, y, z

    def pressed(self, axis: int, position: float) -> bool:
        """Whether a limit switch of the axis is pressed."""
        low, high = self.ends
        return position <= low[axis] + 1e-6 or position >= high[axis] - 1e-6

    def rests(self, now: float) -> None:
        """The motors have come to rest: what was lost on the way is lost."""
        self.slip = self._minus(self.position(now), self.planner.position(now))

    def to_steps(self, now: float) -> Vector:
        """Where Grbl counts it to be, at rest in the middle of a way: on a whole step."""
        steps = self._settings.axis(100)
        x, y, z = (round(at * per) / per for at, per in zip(self.counted(now), steps, strict=True))
        self.planner.set_position((x, y, z))
        return x, y, z

    def hits(self) -> float | None:
        """When a limit switch will be run into; None when none will."""
        low, high = self.ends
        for way, course in self.planner.upcoming():
            for axis in range(3):
                for bound, outward in ((low[axis], -1.0), (high[axis], 1.0)):
                    where, direction = bound - self.slip[axis], way.direction[axis]
                    if direction * outward <= 0 or (way.target[axis] - where) * outward <= 1e-6:
                        continue
                    return _when(course, max(0.0, (where - way.start[axis]) / direction))
        return None

    def home(self, now: float, *, stuck: bool) -> None:
        """Begin a homing cycle; of a machine that is stuck no switch is ever found."""
        start, time, alarm = self.position(now), now, 0
        tracks: tuple[list[Trajectory], list[Trajectory], list[Trajectory]] = ([], [], [])
        at = list(start)
        seek, slow, pull_off = (self._settings[number] for number in (25, 24, 27))
        debounce = self._settings[26] / 1000
        for axes in _CYCLES:
            search = _SEARCH * max(self._settings.axis(130)[axis] for axis in axes)
            for rate, way in ((seek, search), (seek, -pull_off), (slow, 5 * pull_off), (seek, -pull_off)):
                if alarm:
                    break
                begin = time
                for axis in axes:
                    track, found = self._track(begin, axis, at[axis], way, rate / 60, stuck=stuck)
                    tracks[axis].append(track)
                    at[axis] = track.final
                    time = max(time, begin + search / (rate / 60) if not found else track.end)
                    alarm = alarm or (0 if found else NOT_FOUND)
                time += debounce
        self.homing = Homing(start, (tuple(tracks[0]), tuple(tracks[1]), tuple(tracks[2])), time, alarm)

    def homed(self, now: float) -> int:
        """The homing cycle is over, or was cut short; its alarm."""
        assert self.homing is not None
        where, alarm = self.homing.position(now), self.homing.alarm
        done = now >= self.homing.end - 1e-9 and not alarm
        self.planner.set_position(where if done else self._minus(where, self.slip))
        self.slip = (0.0, 0.0, 0.0) if done else self.slip
        self.homing = None
        return alarm

    def _track(
        self, now: float, axis: int, origin: float, way: float, speed: float, *, stuck: bool
    ) -> tuple[Trajectory, bool]:
        """The way of one axis in one phase, and whether it ends as it should."""
        direction = -1.0 if self._settings.homes_negative(axis) else 1.0
        if stuck:
            return Trajectory(now, (), origin), way < 0
        target = origin + direction * way
        path = trapezoid(now, origin, target, speed, self._settings.axis(120)[axis])
        path = Trajectory(now, path.segments, path.final)
        if way < 0:
            return path, True
        low, high = self.ends
        switch = low[axis] if direction < 0 else high[axis]
        if (origin - switch) * direction >= 0:
            return Trajectory(now, (), origin), True
        reached = (target - switch) * direction >= 0
        return path.within(*((-math.inf, switch) if direction > 0 else (switch, math.inf))), reached

    @staticmethod
    def _minus(a: Vector, b: Vector) -> Vector:
        return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _when(course: Trajectory, distance: float) -> float:
    """When it has gone so far along its block."""
    time = course.start
    for segment in course.segments:
        elapsed = segment.reaches(distance)
        if elapsed is not None:
            return time + elapsed
        time += segment.duration
    return course.start if course.segments and course.segments[0].position > distance else time
