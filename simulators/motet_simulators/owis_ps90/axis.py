"""One axis of a simulated OWIS controller: a state machine on the clock, in counts.

States are the letters that `?ASTAT` gives. The limit switches MINSTOP and MAXSTOP sit at the ends of the
travel; the switches MINDEC and MAXDEC, where reference motions end, sit a little inside.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from motet_simulators.motion import Segment, Trajectory, braking, rest, trapezoid

SWITCH_INSET_MM = 0.5
"""How far inside the travel the reference switches are."""
MAX, MIN = 1, -1
"""The two ends of an axis."""

PARAMETERS: dict[str, int] = {
    "ACC": 0, "PVEL": 0, "FVEL": 0, "RVELF": 0, "RVELS": 0, "DACC": 0, "MOTYPE": 2, "AMPSHNT": 0, "MCSTP": 50,
    "DRICUR": 50, "HOLCUR": 30, "ATOT": 0, "SLMIN": 0, "SLMAX": 0, "AXIS": 1,
}  # fmt: skip
"""Integer parameters with their values after power-on; those of motion are set from the options."""
MASKS: dict[str, str] = {"SMK": "1001", "SPL": "1111", "RMK": "0010", "RPL": "1111", "LMK": "00"}
"""Switch masks, <MAXSTOP, MAXDEC, MINDEC, MINSTOP>; LMK is <MAX, MIN>."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How counts, cycles and millimetres of an axis relate."""

    counts_per_mm: float
    cycle: float

    def velocity(self, mm_s: float) -> int:
        """A velocity as the controller's number: counts a cycle in 16.16 fixed point."""
        return max(1, round(mm_s * self.counts_per_mm * self.cycle * 65536))

    def counts_s(self, number: int) -> float:
        """Counts a second of such a number."""
        return abs(number) / 65536 / self.cycle

    def acceleration(self, mm_s2: float) -> int:
        """An acceleration as the controller's number: counts a cycle squared in 16.16 fixed point."""
        return max(1, round(mm_s2 * self.counts_per_mm * self.cycle**2 * 65536))

    def counts_s2(self, number: int) -> float:
        """Counts a second squared of such a number."""
        return abs(number) / 65536 / self.cycle**2


@dataclass
class Axis:
    """State of one axis. Positions are counts from the world's zero; the position counter is 0 at `zero`."""

    scale: Scale
    travel: tuple[float, float]
    trajectory: Trajectory
    state: str
    parameters: dict[str, int]
    masks: dict[str, str] = field(default_factory=MASKS.copy)
    zero: float = 0.0
    target: int = 0
    relative: bool = False
    referenced: bool = False
    powered: bool = False
    _legs: list[float] = field(default_factory=list[float])
    _zero_at_end: bool = False
    _stalls: bool = False

    @property
    def moving(self) -> bool:
        """Positioning, on the way to the reference point, or leaving a limit switch."""
        return self.state in "TPF"

    def counter(self, now: float) -> int:
        """The position counter."""
        return round(self.trajectory.position(now) - self.zero)

    def set_counter(self, now: float, value: int) -> None:
        """Let the place where it is have this number."""
        self.zero = self.trajectory.position(now) - value

    def limit(self, now: float) -> int:
        """The end whose limit switch is pressed: MAX, MIN or 0."""
        low, high = self.travel
        position = self.trajectory.position(now)
        return MAX if position >= high else MIN if position <= low else 0

    def answer(self, query: str, now: float) -> str | None:
        """What a query about this axis gives; None for one that it does not know."""
        if query in self.parameters:
            return str(self.parameters[query])
        if query in self.masks:
            return self.masks[query]
        match query:
            case "CNT" | "ENCPOS":
                return str(self.counter(now))
            case "PSET":
                return str(self.target)
            case "MODE":
                return "RELAT" if self.relative else "ABSOL"
            case "REFST":
                return str(int(self.referenced))
            case "VACT":
                return str(round(self.trajectory.velocity(now) * self.scale.cycle * 65536))
            case "ESTAT":
                end = self.limit(now)
                return f"0{int(end == MAX)}00{int(end == MIN)}"
            case "HYST" | "POSERR":
                return "0"
            case _:
                return None

    def update(self, now: float) -> None:
        """Catch up with the clock: a motion that has come to its end changes the state."""
        while self.moving and now >= self.trajectory.end:
            end = self.trajectory.end
            if self._stalls:
                self.state, self.powered, self._stalls = "E", False, False
            elif self.limit(end) and self.state != "F":
                self.state, self.powered = "L", False
                self._legs.clear()
            elif self._legs:
                self._drive(end, self._legs.pop(0), self.parameters["RVELF"])
            else:
                if self.state == "P":
                    self.referenced = True
                    if self._zero_at_end:
                        self.set_counter(end, 0)
                self.state = "R"

    def initialise(self, now: float) -> None:
        """Switch the motor on. On a limit switch it still has to be freed."""
        self.powered = True
        self.trajectory = rest(self.trajectory.position(now))
        self.state = "L" if self.limit(now) else "R"

    def release_motor(self, now: float) -> None:
        """Switch the motor off."""
        self._legs.clear()
        self._stalls = False
        self.powered = False
        self.trajectory = rest(self.trajectory.position(now))
        self.state = "O"

    def go(self, now: float, fails: Literal["stuck", "stall"] | None = None) -> None:
        """Position to the target, as far as the limit switches let it.

        stuck: it takes its time but stays where it is. stall: it stops half-way with a motion error.
        """
        origin = self.trajectory.position(now)
        target = origin + self.target if self.relative else self.zero + self.target
        self.state, self._stalls = "T", fails == "stall"
        self._drive(now, (origin + target) / 2 if fails == "stall" else target, self.parameters["PVEL"])
        if fails == "stuck":
            seconds = self.trajectory.end - now
            self.trajectory = Trajectory(now, (Segment(seconds, origin, 0.0, 0.0),), origin)

    def stop(self, now: float) -> None:
        """Brake; a reference motion that is stopped gives no reference."""
        self._legs.clear()
        self._stalls = False
        if self.moving:
            deceleration = self.scale.counts_s2(self.parameters["ACC"])
            moving = self.trajectory
            self.trajectory = braking(now, moving.position(now), moving.velocity(now), deceleration).within(
                *self.travel
            )
            self.trajectory = replace(self.trajectory, start=now)
            self.state = "T"

    def free(self, now: float) -> None:
        """Leave a limit switch, in the direction that leads away from it."""
        end = self.limit(now)
        if not end:
            self.state = "R"
            return
        away = self.trajectory.position(now) - end * SWITCH_INSET_MM / 2 * self.scale.counts_per_mm
        self.state = "F"
        self._drive(now, away, self.parameters["FVEL"])

    def reference(self, now: float, mode: int) -> None:
        """Start a reference motion, mode 1, 2, 4, 5, 6 or 7."""
        inset = SWITCH_INSET_MM * self.scale.counts_per_mm
        low, high = self.travel[0] + inset, self.travel[1] - inset
        chosen = high if "1" in self.masks["RMK"][:2] else low
        self._legs = {6: [high, low], 7: [low, high]}.get(mode, [chosen])
        self._zero_at_end = mode >= 4
        self.referenced = False
        self.state = "P"
        self._drive(now, self._legs.pop(0), self.parameters["RVELF"])

    def _drive(self, now: float, target: float, velocity: int) -> None:
        speed = self.scale.counts_s(velocity)
        acceleration = self.scale.counts_s2(self.parameters["ACC"])
        path = trapezoid(now, self.trajectory.position(now), target, speed, acceleration)
        self.trajectory = replace(path, start=now).within(*self.travel)
