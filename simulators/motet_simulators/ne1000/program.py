"""What a simulated New Era syringe pump does: its Pumping Program of phases, and its plunger.

A program has 41 phases, each with a function; `RAT`, `INC`, `DEC` and `FIL` pump, the others steer (New Era NE-1000
user manual, publication 1200-01, sections 7 and 10.4; the list of functions also in that of the NE-500, publication
1200-02). Volumes are in mL, rates in mL/min, times in s of the lab's clock, directions +1 to infuse and -1 to withdraw.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

PHASES = 41
RATE_UNITS = {"UM": 1e-3, "MM": 1.0, "UH": 1e-3 / 60, "MH": 1 / 60}
VOLUME_UNITS = {"UL": 1e-3, "ML": 1.0}
PUMPING = ("RAT", "INC", "DEC", "FIL")
OPERANDS = {"JMP": PHASES, "LOP": 99, "PAS": 99, "IF": PHASES, "EVN": PHASES, "OUT": 1, "TRG": 99}
"""The functions with a number, and its greatest value."""
PLAIN = ("LPS", "STP", "CLD", "BEP")
_MOST_AT_ONCE = 1000
"""So many phases without any duration one after the other are a program error."""
_EPSILON = 1e-12


@dataclass
class Phase:
    """One phase; `volume` is a number of the units that the pump is set to."""

    function: str = "STP"
    operand: int = 0
    rate: float = 1.0
    units: str = "MH"
    volume: float = 0.0
    direction: str = "INF"


def _factory() -> list[Phase]:
    """A program of one phase that pumps."""
    return [Phase("RAT"), *(Phase() for _ in range(PHASES - 1))]


class Plunger:
    """The plunger of the syringe that is mounted: it stops at both ends."""

    def __init__(self, contents: float, capacity: float, deliver: Callable[[float], None]) -> None:
        self.contents = contents
        self.capacity = capacity
        self.geometry = 1.0
        """What the syringe displaces for each mL that the pump believes, by its diameter."""
        self.accuracy = 1.0
        """What comes out for each mL displaced."""
        self._deliver = deliver

    def room(self, direction: int) -> float:
        """How much the pump believes that it can move until the plunger is at its end, mL."""
        return (self.contents if direction > 0 else self.capacity - self.contents) / self.geometry

    def move(self, volume: float) -> None:
        """The pump moves it; positive infuses."""
        self.contents = min(self.capacity, max(0.0, self.contents - volume * self.geometry))
        self._deliver(volume * self.geometry * self.accuracy)


@dataclass
class Motion:
    """What goes on now. `left` is infinite without a volume target, `stalls` where it will not."""

    direction: int
    rate: float
    left: float
    stalls: float = math.inf


class Program:
    """The Pumping Program on its way: `state` is the prompt of the RS-232 protocol."""

    def __init__(self, plunger: Plunger, begins: Callable[[float], float], alarmed: Callable[[str], None]) -> None:
        self.phases = _factory()
        self.selected = 1
        self.units = "UL"
        self.state = "S"
        self.dispensed = {+1: 0.0, -1: 0.0}
        """What was infused and withdrawn, as the pump counts it."""
        self.motion: Motion | None = None
        self.out = 0
        self._plunger = plunger
        self._begins = begins
        self._alarmed = alarmed
        self._at = 1
        self._direction = +1
        self._rate = 0.0
        self._loops: list[list[int]] = []
        self._until = 0.0
        self._now = 0.0

    @property
    def running(self) -> bool:
        """Whether it is under way: pumping, purging or in a timed pause."""
        return self.state in "IWXT"

    @property
    def running_phase(self) -> Phase:
        """The phase that runs, or that is selected when none does."""
        return self.phases[(self._at if self.running else self.selected) - 1]

    def start(self, now: float, phase: int | None) -> None:
        """Begin at a phase; or, paused and without one, go on."""
        self._now = now
        if self.state == "P" and phase is None:
            if self.motion is None:
                self.state = "T"
                self._until += now
            else:
                self._pump(self.motion)
            return
        self._loops.clear()
        self._enter(phase or 1)

    def purge(self, now: float, rate: float) -> None:
        """Pump as fast as it can in the direction of the selected phase, until stopped."""
        self._now = now
        direction = self._sign(self.phases[self.selected - 1])
        self._pump(Motion(direction, rate, math.inf, self._begins(math.inf)))
        self.state = "X"

    def stop(self, now: float) -> None:
        """Pause what runs, stop what is paused."""
        self.advance(now)
        if self.state in "IWT":
            if self.state == "T":
                self._until -= now
            self.state = "P"
        else:
            self.halt()

    def halt(self) -> None:
        """Stop for good: the next start is from the beginning."""
        self.state, self.motion = "S", None

    def clear(self) -> None:
        """Forget the program."""
        self.halt()
        self.phases = _factory()
        self.selected = 1

    def change(self, *, rate: float | None = None, direction: int | None = None) -> None:
        """Change the motion under way."""
        if self.motion is not None:
            self.motion.rate = self.motion.rate if rate is None else rate
            self.motion.direction = self.motion.direction if direction is None else direction
            self._rate = self.motion.rate
            self._show()

    def next_event(self) -> float:
        """How long until something other than steady pumping happens, s; infinite for never."""
        if self.state == "T":
            return max(0.0, self._until - self._now)
        if self.motion is None or not self.running or self.motion.rate <= 0:
            return math.inf
        return max(0.0, self._reach(self.motion)) / self.motion.rate * 60

    def advance(self, now: float) -> None:
        """Let time pass, with all that happens meanwhile."""
        while self.running and now > self._now:
            seconds = min(self.next_event(), now - self._now)
            ends = self.next_event() <= now - self._now
            self._now += seconds
            if self.state == "T":
                if ends:
                    self._enter(self._at + 1)
            elif self.motion is not None:
                self._move(self.motion, self._reach(self.motion) if ends else self.motion.rate * seconds / 60)
                if ends:
                    self._ended(self.motion)
        self._now = now

    def _reach(self, motion: Motion) -> float:
        return min(motion.left, motion.stalls, self._plunger.room(motion.direction))

    def _move(self, motion: Motion, volume: float) -> None:
        self._plunger.move(motion.direction * volume)
        self.dispensed[motion.direction] += volume
        motion.left -= volume
        motion.stalls -= volume

    def _ended(self, motion: Motion) -> None:
        if motion.left <= _EPSILON:
            self._enter(self._at + 1)
        else:
            self.halt()
            self._alarmed("S")

    def _pump(self, motion: Motion) -> None:
        self.motion = motion
        self._show()

    def _show(self) -> None:
        assert self.motion is not None
        self.state = "I" if self.motion.direction > 0 else "W"

    def _enter(self, number: int) -> None:
        """Go to a phase, through those that take no time."""
        self.motion = None
        for _ in range(_MOST_AT_ONCE):
            if not 1 <= number <= PHASES:
                self.halt()
                if number != PHASES + 1:
                    self._alarmed("O")
                return
            self._at = number
            phase = self.phases[number - 1]
            if phase.function in PUMPING:
                self._begin(phase)
                return
            if phase.function == "PAS" and phase.operand:
                self.state, self._until = "T", self._now + phase.operand
                return
            if phase.function in ("PAS", "STP"):
                self.halt()
                return
            number = self._steer(phase, number)
        self.halt()
        self._alarmed("E")

    def _steer(self, phase: Phase, number: int) -> int:
        """The phase after one that only steers. Inputs are high: `IF` and `EVN` never jump."""
        match phase.function:
            case "JMP":
                return phase.operand
            case "LPS":
                self._loops.append([number, 0])
            case "LOP":
                return self._loop(phase.operand, number)
            case "CLD":
                self.dispensed = {+1: 0.0, -1: 0.0}
            case "OUT":
                self.out = phase.operand
            case _:
                pass
        return number + 1

    def _loop(self, times: int, number: int) -> int:
        if not self._loops:
            self._loops.append([0, 0])
        loop = self._loops[-1]
        loop[1] += 1
        if loop[1] < times:
            return loop[0] + 1
        self._loops.pop()
        return number + 1

    def _begin(self, phase: Phase) -> None:
        factor = RATE_UNITS[phase.units]
        given = phase.rate * factor
        self._rate = {"INC": self._rate + given, "DEC": max(0.0, self._rate - given)}.get(phase.function, given)
        direction = self._sign(phase)
        volume = phase.volume * VOLUME_UNITS[self.units]
        if phase.function == "FIL":
            direction, volume = -1, max(0.0, self.dispensed[+1] - self.dispensed[-1])
        self._direction = direction
        target = volume or math.inf
        self._pump(Motion(direction, self._rate, target, self._begins(target)))

    def _sign(self, phase: Phase) -> int:
        return {"INF": +1, "WDR": -1}.get(phase.direction, self._direction)
