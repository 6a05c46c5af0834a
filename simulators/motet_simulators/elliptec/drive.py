"""What moves in a simulated Elliptec module, as a function of the clock; in counts. And how its commands are cut."""

import re
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from motet.simulation import Fault
from motet_simulators.elliptec.models import Model
from motet_simulators.motion import Trajectory, braking, rest, trapezoid

OK, MECHANICAL_TIMEOUT, UNKNOWN, BAD_VALUE, BUSY, MOTOR, OUT_OF_RANGE = 0, 2, 3, 4, 9, 11, 12
DATA = {
    "ca": 1, "ga": 1, "is": 2, "ho": 1, "ah": 1, "ma": 8, "mr": 8, "so": 8, "sj": 8, "sv": 2,
    "f1": 4, "b1": 4, "f2": 4, "b2": 4, "f3": 4, "b3": 4,
}  # fmt: skip
"""How many digits follow a command, where any do."""
STUCK_S = 2.0
"""After so long a module gives up an axis that does not arrive."""
_BEGIN = re.compile(r"[0-9A-Fa-f](?:[a-z](?:[a-z0-9]|\Z)|\Z)")


class Command(NamedTuple):
    """One command of the host."""

    address: str
    name: str
    data: str

    @property
    def raw(self) -> bytes:
        """As it was sent, nearly."""
        return f"{self.address}{self.name}{self.data}".encode("ascii", "replace")


def take(buffer: str) -> tuple[Command | None, str]:
    """The first whole command and what is left; None while there is none. What cannot begin a command is dropped.

    CR or LF may end a command before it has all its digits, and are not needed.
    """
    begin = _BEGIN.search(buffer)
    if begin is None:
        return None, ""
    buffer = buffer[begin.start() :]
    wanted = DATA.get(buffer[1:3], 0)
    data = buffer[3 : 3 + wanted]
    ended = re.search(r"[\r\n]", data)
    if len(buffer) < 3 or (len(data) < wanted and ended is None):
        return None, buffer
    data = data[: ended.start()] if ended else data
    return Command(buffer[0].upper(), buffer[1:3], data.upper()), buffer[3 + len(data) :]


@dataclass
class Drive:
    """The carriage or rotor and its motors. `acceleration` in counts/s2."""

    model: Model
    acceleration: float
    trajectory: Trajectory
    doing: Literal["", "move", "jog", "work"] = ""
    end: float = 0.0
    outcome: int = OK
    """What the module will say when it has ended."""

    def counts(self, now: float) -> float:
        """Where it is."""
        return self.trajectory.position(min(now, self.end) if self.doing else now)

    def reaches(self, target: int) -> bool:
        """Whether its travel goes so far; a rotor has no end."""
        return self.model.kind == "rotary" or 0 <= target <= self.model.travel * self.model.pulses

    def go(self, now: float, target: int, speed: float, fault: Fault | None, *, jog: bool = False) -> None:
        """Begin to move, at counts/s, and go wrong as told."""
        origin = round(self.counts(now))
        self.trajectory = replace(trapezoid(now, origin, target, speed, self.acceleration), start=now)
        self.doing, self.outcome, self.end = "jog" if jog else "move", OK, self.trajectory.end
        if fault is None:
            return
        if fault.kind == "stuck":
            self.trajectory, self.end, self.outcome = rest(origin), now + STUCK_S, MECHANICAL_TIMEOUT
        else:
            self.end, self.outcome = (now + self.end) / 2, MOTOR

    def work(self, now: float, seconds: float) -> None:
        """Be busy without going anywhere."""
        self.doing, self.outcome, self.end = "work", OK, now + seconds

    def stop(self, now: float) -> bool:
        """Brake, or end the work; whether it has to come to rest first."""
        if self.doing in ("move", "jog"):
            path = braking(now, self.counts(now), self.trajectory.velocity(now), self.acceleration)
            self.trajectory = replace(path, start=now)
            self.doing, self.outcome, self.end = "move", OK, self.trajectory.end
            return True
        self.doing = ""
        return False

    def ended(self, now: float) -> bool:
        """Whether what it was doing has just come to its end; it is idle then."""
        if not self.doing or now < self.end:
            return False
        self.trajectory = rest(self.trajectory.position(self.end))
        self.doing = ""
        return True
