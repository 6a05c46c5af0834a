"""An instrument that does not exist: it takes its time, and what it measures is a known function of its coordinates.

For comparing learners offline on something whose best value is known. The protocol is Motet's own: a command and its
answer are a line of ASCII each, ended by a line feed; seconds and values are decimal numbers.

    ID                 ID FUNCTION                  who is there, and which function it measures
    PREPARE            BUSY SECONDS                 it has begun, and will be done in so many seconds
    MEASURE X1 X2 ...  BUSY SECONDS                 the same; one number for each coordinate
    CLEAN              BUSY SECONDS                 the same
    RESULT             BUSY SECONDS | DONE [VALUE]  how it went: still so many seconds, or done; the value of a MEASURE
    STOP               DONE                         nothing goes on any more
    whatever cannot be  ERROR CODE WORDS

Codes: 1 no such command, 2 coordinates that the function does not take, 3 busy, 4 nothing to tell of, 5 out of order.

How long each of the three takes is drawn anew every time from a log-normal distribution. The functions are to be
minimized:

- branin (Branin, IBM J. Res. Dev. 16, 504 (1972)): x1 in [-5, 10], x2 in [0, 15]; 0.397887 at three points.
- hartmann3, hartmann6 (Hartman, Naval Res. Logist. Q. 20, 569 (1973)), in the unit cube of 3 and 6 dimensions;
  -3.86278 and -3.32237, each at one point.
- schwefel (Schwefel, Numerical Optimization of Computer Models, Wiley 1981), 1 to 6 coordinates in [-500, 500]; 0 where
  all are 420.9687.

The constants of the first three are those of Dixon and Szego, Towards Global Optimisation 2, North-Holland 1978.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from motet.contracts.simulation import Clock
from motet.simulation import Faults, SimulatedInstrument

Name = Literal["branin", "hartmann3", "hartmann6", "schwefel"]
MOST = 6
"""A function has at most so many coordinates."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of `fewest` to `len(ranges)` coordinates, each in its closed range."""

    of: Callable[[Sequence[float]], float]
    ranges: tuple[tuple[float, float], ...]
    fewest: int


def branin(x: Sequence[float]) -> float:
    """Branin's function of two coordinates."""
    x1, x2 = x
    valley = x2 - 5.1 / (4 * math.pi**2) * x1**2 + 5 / math.pi * x1 - 6
    return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x1) + 10


def schwefel(x: Sequence[float]) -> float:
    """Schwefel's function of any number of coordinates."""
    return 418.9828872724338 * len(x) - sum(v * math.sin(math.sqrt(abs(v))) for v in x)


@dataclass(frozen=True, slots=True)
class Hartmann:
    """Four wells of Gaussian shape: minus the sum of height * exp(-sum of width * (x - place)^2)."""

    widths: tuple[tuple[float, ...], ...]
    places: tuple[tuple[float, ...], ...]
    heights: tuple[float, ...] = (1.0, 1.2, 3.0, 3.2)

    def __call__(self, x: Sequence[float]) -> float:
        wells = zip(self.heights, self.widths, self.places, strict=True)
        return -sum(
            height * math.exp(-sum(w * (v - p) ** 2 for v, w, p in zip(x, width, place, strict=True)))
            for height, width, place in wells
        )


_HARTMANN3 = Hartmann(
    ((3, 10, 30), (0.1, 10, 35), (3, 10, 30), (0.1, 10, 35)),
    (
        (0.3689, 0.1170, 0.2673),
        (0.4699, 0.4387, 0.7470),
        (0.1091, 0.8732, 0.5547),
        (0.03815, 0.5743, 0.8828),
    ),
)
_HARTMANN6 = Hartmann(
    (
        (10, 3, 17, 3.5, 1.7, 8),
        (0.05, 10, 17, 0.1, 8, 14),
        (3, 3.5, 1.7, 10, 17, 8),
        (17, 8, 0.05, 10, 0.1, 14),
    ),
    (
        (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
        (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
        (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
        (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
    ),
)
FUNCTIONS: Mapping[Name, Function] = {
    "branin": Function(branin, ((-5.0, 10.0), (0.0, 15.0)), 2),
    "hartmann3": Function(_HARTMANN3, ((0.0, 1.0),) * 3, 3),
    "hartmann6": Function(_HARTMANN6, ((0.0, 1.0),) * 6, 6),
    "schwefel": Function(schwefel, ((-500.0, 500.0),) * MOST, 1),
}


class Options(Faults):
    """What is measured, and how long everything takes."""

    function: Name = "branin"
    """What is measured."""
    noise: float = Field(default=0.0, ge=0)
    """Standard deviation of a value."""
    prepare: float = Field(default=10.0, ge=0)
    """Median of the time that PREPARE takes, s."""
    duration: float = Field(default=60.0, ge=0)
    """Median of the time that MEASURE takes, s."""
    clean: float = Field(default=20.0, ge=0)
    """Median of the time that CLEAN takes, s."""
    spread: float = Field(default=0.1, ge=0, le=3)
    """Standard deviation of the times' natural logarithm: 0.1 for times that differ by about a tenth."""


class Refused(Exception):
    """A command that cannot be carried out: code and words."""


class BenchmarkFunction(SimulatedInstrument):
    """An instrument that prepares, measures a known function, and cleans, each for a time that is drawn."""

    terminator = b"\n"

    def __init__(self, options: Options, world: object, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._function = FUNCTIONS[options.function]
        self._times = random.Random(f"times {seed}")  # noqa: S311 - noise of a simulator, no secret
        self._noise = random.Random(f"noise {seed}")  # noqa: S311 - the same
        self._received = bytearray()
        self._until = 0.0
        self._result: str | None = None

    def detach(self) -> None:
        """The line is closed; what goes on goes on."""
        super().detach()
        self._received.clear()

    def receive(self, data: bytes) -> None:
        """Bytes from the host: every whole line is a command."""
        self._received += data
        *lines, rest = self._received.split(b"\n")
        self._received[:] = rest
        for line in lines:
            try:
                answer = self._reply(line.decode("ascii", "replace").split())
            except Refused as refused:
                answer = f"ERROR {refused}"
            self.answer(answer.encode("ascii") + b"\n", bytes(line) + b"\n")

    def _reply(self, words: list[str]) -> str:
        match words:
            case ["ID"]:
                return f"ID {self._options.function}"
            case ["PREPARE"]:
                return self._begin(self._options.prepare, "DONE")
            case ["CLEAN"]:
                return self._begin(self._options.clean, "DONE")
            case ["MEASURE", *coordinates]:
                return self._begin(self._options.duration, f"DONE {self._value(coordinates)!r}")
            case ["RESULT"]:
                return self._told()
            case ["STOP"]:
                self._until, self._result = 0.0, None
                return "DONE"
            case _:
                raise Refused(f"1 {' '.join(words)[:40]!a} is no command")

    def _begin(self, median: float, result: str) -> str:
        if self._left() > 0:
            raise Refused("3 busy")
        if self.fault("error"):
            raise Refused("5 out of order")
        seconds = median * math.exp(self._times.gauss(0.0, self._options.spread))
        self._until, self._result = self.clock.now() + seconds, result
        return _busy(seconds)

    def _value(self, coordinates: list[str]) -> float:
        fewest, ranges = self._function.fewest, self._function.ranges
        if not fewest <= len(coordinates) <= len(ranges):
            takes = f"{fewest}" if fewest == len(ranges) else f"{fewest} to {len(ranges)}"
            raise Refused(f"2 {self._options.function} takes {takes} coordinates, not {len(coordinates)}")
        try:
            x = [float(text) for text in coordinates]
        except ValueError:
            raise Refused("2 coordinates are decimal numbers") from None
        for number, (value, (low, high)) in enumerate(zip(x, ranges, strict=False), 1):
            if not low <= value <= high:
                raise Refused(f"2 x{number} = {value:g} is not in [{low:g}, {high:g}]")
        return self._function.of(x) + self._noise.gauss(0.0, self._options.noise)

    def _told(self) -> str:
        if self._left() > 0:
            return _busy(self._left())
        if self._result is None:
            raise Refused("4 nothing was done")
        return self._result

    def _left(self) -> float:
        return self._until - self.clock.now()


def _busy(seconds: float) -> str:
    """Seconds are rounded up: a host that waits for as long comes in time."""
    return f"BUSY {math.ceil(seconds * 1e6) / 1e6:.6f}"
