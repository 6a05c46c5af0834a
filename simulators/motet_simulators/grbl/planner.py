"""Motion of a simulated Grbl controller: straight blocks, planned with look-ahead as Grbl's planner does it.

Each block has a nominal speed, an acceleration that none of its axes exceeds, and a speed at which it may be entered
from the one before: that of a circle through the corner that deviates by `$11` (Grbl v1.1 wiki, "Configuring Grbl",
`$11` - Junction deviation). Lengths in mm, speeds in mm/s.
"""

import itertools
import math
from collections import deque
from dataclasses import dataclass

from motet_simulators.motion import Segment, Trajectory

Vector = tuple[float, float, float]
MOST_BLOCKS = 15
"""What the planner takes: 16, of which one is kept."""


@dataclass(frozen=True, slots=True)
class Block:
    """A straight way. `fastest` is what its axes allow, `nominal` what it was asked for at no override."""

    start: Vector
    target: Vector
    nominal: float
    fastest: float
    acceleration: float
    rapid: bool

    @property
    def length(self) -> float:
        """mm."""
        return math.dist(self.start, self.target)

    @property
    def direction(self) -> Vector:
        """Unit vector."""
        length = self.length
        x, y, z = ((b - a) / length for a, b in zip(self.start, self.target, strict=True))
        return x, y, z

    def at(self, distance: float) -> Vector:
        """The point so far along it."""
        x, y, z = (a + u * distance for a, u in zip(self.start, self.direction, strict=True))
        return x, y, z


def block(start: Vector, target: Vector, feed: float | None, rates: Vector, accelerations: Vector) -> Block:
    """A block at a feed in mm/min, or rapid. `rates` (mm/min) and `accelerations` (mm/s2) are those of the axes."""
    parts = [abs(b - a) / math.dist(start, target) for a, b in zip(start, target, strict=True)]
    fastest = min(rate / 60 / part for rate, part in zip(rates, parts, strict=True) if part > 0)
    acceleration = min(each / part for each, part in zip(accelerations, parts, strict=True) if part > 0)
    return Block(start, target, fastest if feed is None else feed / 60, fastest, acceleration, feed is None)


def junction(before: Block, after: Block, deviation: float) -> float:
    """The speed at which a corner may be passed."""
    cosine = -sum(a * b for a, b in zip(before.direction, after.direction, strict=True))
    if cosine > 0.999999:
        return 0.0  # back where it came from
    if cosine < -0.999999:
        return math.inf
    sine = math.sqrt((1 - cosine) / 2)
    return math.sqrt(min(before.acceleration, after.acceleration) * deviation * sine / (1 - sine))


class Planner:
    """Blocks that wait or are being run, and how. Times are the simulator's clock."""

    def __init__(self, position: Vector) -> None:
        self.feed_override, self.rapid_override = 100, 100
        self.deviation = 0.01
        self._blocks: deque[Block] = deque()
        self._course: list[tuple[Block, Trajectory]] = []
        self._rest = position
        self._travelled = 0.0
        self.holding = False

    def __len__(self) -> int:
        return len(self._blocks)

    def position(self, now: float) -> Vector:
        """Where it is."""
        for way, course in self._course:
            if now < course.end:
                return way.at(course.position(now))
        if self._course:
            way, course = self._course[-1]
            return way.at(course.final)
        return self._rest

    def speed(self, now: float) -> float:
        """How fast it is."""
        return next((course.velocity(now) for _, course in self._course if now < course.end), 0.0)

    @property
    def next_end(self) -> float | None:
        """When the block that is being run ends, or the hold is complete; None at rest."""
        return self._course[0][1].end if self._course else None

    def upcoming(self) -> list[tuple[Block, Trajectory]]:
        """What is being run from now on."""
        return list(self._course)

    def add(self, now: float, way: Block) -> None:
        """Plan one more block."""
        self.catch_up(now)
        self._blocks.append(way)
        if not self.holding:
            self._plan(now)

    def catch_up(self, now: float) -> None:
        """Forget the blocks that have been run."""
        while self._course and now >= self._course[0][1].end - 1e-9:
            way, course = self._course.pop(0)
            self._rest = way.at(course.final)
            self._travelled = course.final
            if course.final >= way.length - 1e-9 and self._blocks:
                self._blocks.popleft()
                self._rest, self._travelled = way.target, 0.0

    def hold(self, now: float) -> None:
        """Brake along the way."""
        self.catch_up(now)
        speed, travelled, course, start = self.speed(now), self._at(now), list[tuple[Block, Trajectory]](), now
        for way in self._blocks if speed > 0 else ():
            distance = min(speed * speed / 2 / way.acceleration, way.length - travelled)
            slowed = math.sqrt(max(0.0, speed * speed - 2 * way.acceleration * distance))
            if slowed < 1e-6:
                slowed = 0.0
            part = Segment((speed - slowed) / way.acceleration, travelled, speed, -way.acceleration)
            course.append((way, Trajectory(start, (part,), travelled + distance)))
            start, speed, travelled = course[-1][1].end, slowed, 0.0
            if speed <= 0:
                break
        self._rest = self.position(now)
        self._course, self.holding = course, True

    def resume(self, now: float) -> None:
        """Go on after a hold."""
        self.catch_up(now)
        self.holding = False
        self._plan(now)

    def flush(self, now: float) -> None:
        """Stop dead where it is, forget every block."""
        self._rest, self._travelled = self.position(now), 0.0
        self._blocks.clear()
        self._course.clear()
        self.holding = False

    def set_position(self, position: Vector) -> None:
        """Say where it is, at rest."""
        self._blocks.clear()
        self._course.clear()
        self._rest, self._travelled, self.holding = position, 0.0, False

    def replan(self, now: float) -> None:
        """Overrides have changed."""
        self.catch_up(now)
        if not self.holding:
            self._plan(now)

    def _nominal(self, way: Block) -> float:
        override = self.rapid_override if way.rapid else self.feed_override
        return max(0.1, min(way.nominal * override / 100, way.fastest))

    def _at(self, now: float) -> float:
        if self._course and now < self._course[0][1].end:
            return self._course[0][1].position(now)
        return self._travelled

    def _plan(self, now: float) -> None:
        if not self._blocks:
            return
        speed, travelled = self.speed(now), self._at(now)
        ways = list(self._blocks)
        left = [way.length for way in ways]
        left[0] = max(0.0, left[0] - travelled)
        entries = [speed] + [
            min(junction(a, b, self.deviation), self._nominal(a), self._nominal(b)) for a, b in itertools.pairwise(ways)
        ]
        entries.append(0.0)
        for n in range(len(ways) - 1, 0, -1):
            entries[n] = min(entries[n], math.sqrt(entries[n + 1] ** 2 + 2 * ways[n].acceleration * left[n]))
        start, course = now, list[tuple[Block, Trajectory]]()
        for n, way in enumerate(ways):
            reach = math.sqrt(entries[n] ** 2 + 2 * way.acceleration * left[n])
            entries[n + 1] = min(entries[n + 1], reach)
            begin = travelled if n == 0 else 0.0
            parts = _profile(begin, left[n], entries[n], entries[n + 1], self._nominal(way), way.acceleration)
            course.append((way, Trajectory(start, parts, way.length)))
            start = course[-1][1].end
        self._course = course


def _profile(
    begin: float, length: float, entry: float, leave: float, nominal: float, acceleration: float
) -> tuple[Segment, ...]:
    """From one speed to another over a length, as fast as nominal and acceleration let it."""
    parts: list[Segment] = []
    position, left = begin, length
    if entry > nominal:  # an override has slowed it down
        way = min(left, (entry**2 - nominal**2) / 2 / acceleration)
        slowed = math.sqrt(max(0.0, entry**2 - 2 * acceleration * way))
        parts.append(Segment((entry - slowed) / acceleration, position, entry, -acceleration))
        position, left, entry = position + way, left - way, slowed
    leave = max(leave, math.sqrt(max(0.0, entry**2 - 2 * acceleration * left)))
    peak = max(entry, leave, min(nominal, math.sqrt((2 * acceleration * left + entry**2 + leave**2) / 2)))
    up, down = (peak**2 - entry**2) / 2 / acceleration, (peak**2 - leave**2) / 2 / acceleration
    cruise = max(0.0, left - up - down)
    parts.append(Segment((peak - entry) / acceleration, position, entry, acceleration))
    if peak > 0:
        parts.append(Segment(cruise / peak, position + up, peak, 0.0))
    parts.append(Segment((peak - leave) / acceleration, position + up + cruise, peak, -acceleration))
    return tuple(part for part in parts if part.duration > 0)
