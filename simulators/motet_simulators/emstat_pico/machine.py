"""The potentiostat inside a simulated EmStat: what scripts set, and what they measure."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from motet_simulators.emstat_pico.electrochemical_cell import Cell
from motet_simulators.emstat_pico.models import OVERLOAD, Model, Range, encoded, range_for

INVALID_POTENTIAL, UNKNOWN_MODE, WRONG_MODE = 0x000F, 0x0021, 0x0023
CELL_IS_ON, CELL_IS_OFF = 0x0014, 0x4027
_RESOLUTION = 6e-5
"""Of a current, as a part of its range (EmStat Pico data sheet: 0.006 %)."""
_CLIPPED = 1.05
_STAYS_IN = 0.9
"""Autoranging leaves a range at this part of it, before the current is too large."""


class Refused(Exception):
    """A command cannot be carried out: the instrument's error code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{code:04X}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Value:
    """A variable's content: the number, its type, and for what was measured status and range."""

    number: float = 0.0
    type: str = "aa"
    integer: bool = False
    status: int = 0
    range: int | None = None

    def __str__(self) -> str:
        """As in a package, with the noise class that newer firmware adds."""
        text = self.type + encoded(self.number, integer=self.integer)
        return text if self.range is None else f"{text},1{self.status:X},2{self.range:02X},40"


class Potentiostat:
    """Channel 0 of an instrument, connected to a cell. Currents A, potentials V, times s."""

    def __init__(self, model: Model, cell: Cell, noise: float, seed: int, drift: Callable[[], float]) -> None:
        self.model = model
        self.cell_on = False
        self.potential = 0.0
        self._cell = cell
        self._noise = noise
        self._random = random.Random(seed)  # noqa: S311 - noise, no secret
        self._drift = drift
        self._channel = 0
        self._modes: dict[int, int] = {}
        self._range = self._lowest = self._highest = 1.0

    @property
    def mode(self) -> int:
        """The PGStat mode of the measuring channel; 0: off."""
        return self._modes.get(0, 0)

    def set_channel(self, channel: float) -> None:
        """Choose what `set_mode` sets."""
        self._channel = int(channel)

    def set_mode(self, number: float) -> None:
        """Set the PGStat mode. Raises Refused for one that the model does not have."""
        mode = int(number)
        if mode not in (0, 2, 3, 4, 5) or (self._channel == 0 and mode == 5):
            raise Refused(UNKNOWN_MODE)
        self._modes[self._channel] = mode

    def set_range(self, current: float) -> None:
        """A fixed range that holds this current."""
        self._range = self._lowest = self._highest = abs(current)

    def set_autoranging(self, lowest: float, highest: float) -> None:
        """Let the range follow the current between two."""
        self._lowest, self._highest = sorted((abs(lowest), abs(highest)))

    def check_potentials(self, *potentials: float) -> None:
        """Raises Refused for one beyond the mode's range."""
        if not self.mode:
            raise Refused(WRONG_MODE)
        low, high = self.model.potentials[self.mode]
        if not all(low - 1e-9 <= potential <= high + 1e-9 for potential in potentials):
            raise Refused(INVALID_POTENTIAL)

    def set_potential(self, potential: float) -> None:
        """What the cell is held at once it is on, and from now on when it is."""
        if self.mode:
            self.check_potentials(potential)
        self.potential = potential

    def switch_on(self) -> None:
        """Connect the cell. Raises Refused when the potentiostat is off."""
        self.check_potentials(self.potential)
        if not self.cell_on:
            self.cell_on = True
            self._cell.begin(self.potential + self._drift())

    def switch_off(self) -> None:
        """Disconnect the cell."""
        if self.cell_on:
            self.cell_on = False
            self._cell.rest()

    def pass_time(self, seconds: float) -> None:
        """Nothing is measured for so long."""
        if self.cell_on and seconds > 0:
            self._flow(self.potential, seconds)

    def current(self, potential: float, seconds: float, *, begin: float | None = None) -> Value:
        """The current after the potential ran from `begin` to `potential` (or stayed there) for so long."""
        return self.reading(self._flow(potential, seconds, begin))

    def reading(self, current: float) -> Value:
        """A current as the converter gives it: in one of the ranges, with noise, clipped where it is too large."""
        chosen = self._chosen(current)
        current += self._random.gauss(0.0, self._noise * chosen.largest)
        status = chosen.status(current)
        if status & OVERLOAD:
            current = math.copysign(min(abs(current), _CLIPPED * chosen.largest), current)
        step = _RESOLUTION * chosen.largest
        return Value(round(current / step) * step, "ba", status=status, range=chosen.index)

    def open_circuit(self) -> Value:
        """The potential without current. Raises Refused when the cell is on."""
        if self.cell_on:
            raise Refused(CELL_IS_ON)
        return self._measured_potential(self._cell.open_circuit() - self._drift())

    def measured_potential(self) -> Value:
        """What is between working and reference electrode."""
        return self._measured_potential(self.potential) if self.cell_on else self.open_circuit()

    def impedance(self, potential: float, frequency: float, amplitude: float) -> tuple[Value, Value]:
        """Real and imaginary part, ohm; the status is that of the current range."""
        impedance = self._cell.impedance(potential + self._drift(), frequency)
        peak = math.sqrt(2) * amplitude / abs(impedance)
        chosen = self._chosen(peak)
        noise = self._noise * chosen.largest / max(peak, 1e-15)
        parts = [part + abs(impedance) * self._random.gauss(0.0, noise) for part in (impedance.real, impedance.imag)]
        real = Value(parts[0], "cc", status=chosen.status(peak), range=chosen.index)
        return real, Value(parts[1], "cd")

    def _flow(self, potential: float, seconds: float, begin: float | None = None) -> float:
        if not self.cell_on:
            raise Refused(CELL_IS_OFF)
        drift = self._drift()
        start = potential if begin is None else begin
        self.potential = potential
        return self._cell.ramp(start + drift, potential + drift, seconds)

    def _measured_potential(self, potential: float) -> Value:
        return Value(potential + self._random.gauss(0.0, self._noise), "ab")

    def _chosen(self, current: float) -> Range:
        ranges = self.model.ranges[self.mode or 2]
        lowest, highest = range_for(ranges, self._lowest), range_for(ranges, self._highest)
        wanted = range_for(ranges, abs(current) / _STAYS_IN)
        return min(max(lowest, wanted, key=_largest), highest, key=_largest)


def _largest(one: Range) -> float:
    return one.largest
