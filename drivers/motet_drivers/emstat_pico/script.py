"""Builds MethodSCRIPT measurements, with how long they take and what comes back.

MethodSCRIPT manual v1.8, ch. 3 and 4 (lines, literals) and 14 (commands). Every script switches the cell off after
`on_finished:`, which the instrument runs after an abort too. Potentials V, times s, frequencies Hz, currents A.
"""

import math
from dataclasses import dataclass

from motet_drivers.emstat_pico.packages import EXPONENTS, scaled

_LARGEST = 2**31
_EXACT = 1e-9
_WRITTEN = tuple((prefix.strip(), EXPONENTS[prefix]) for prefix in ("G", "M", "k", " ", "m", "u", "n", "p", "f", "a"))
_SETTLING_S, _PERIODS = 5.0, 20.0
"""An impedance at one frequency takes at most so long and so many periods."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script to be executed.

    `columns` are the types of the variables in each package; `seconds` is how long it takes at most, `gap` the longest
    time between two of its lines, both lab time; `interval` is that between two packages where it is always the same.
    At least `points` packages come.
    """

    lines: tuple[str, ...]
    columns: tuple[str, ...]
    seconds: float
    gap: float
    interval: float | None = None
    points: int = 0

    @property
    def data(self) -> bytes:
        """What is sent: command, lines, and the empty line that ends a script."""
        return "".join(f"{line}\n" for line in ("e", *self.lines, "")).encode("ascii")


@dataclass(frozen=True, slots=True)
class SetUp:
    """How the potentiostat is set: mode, bandwidth in Hz, current ranges in A, and s at the first potential before."""

    mode: int
    bandwidth: float
    lowest_range: float
    highest_range: float
    equilibration: float = 0.0


CELL_OFF = Script(("cell_off",), (), 0.1, 0.1)


def number(value: float) -> str:
    """A literal: an integer with an SI prefix, the coarsest that is exact. Raises ValueError for no finite number."""
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be written in a script")
    if value == 0:
        return "0"
    for prefix, exponent in _WRITTEN:
        digits = round(scaled(1, -exponent) * value)
        if abs(digits) < _LARGEST and abs(value - scaled(digits, exponent)) <= _EXACT * abs(value):
            return f"{digits}{prefix}"
    return f"{round(value / 1e-12)}p" if abs(value) < _LARGEST * 1e-12 else f"{round(value / 1e-9)}n"


def cyclic_voltammetry(
    set_up: SetUp, begin: float, first: float, second: float, step: float, rate: float, cycles: int
) -> Script:
    """From `begin` to the first vertex, to the second, and back to `begin`; `rate` in V/s."""
    arguments = " ".join(map(number, (begin, first, second, step, rate)))
    scans = f" nscans({cycles})" if cycles > 1 else ""
    legs = abs(first - begin), abs(second - first), abs(begin - second)
    way = sum(legs)
    return _held_script(
        set_up,
        (begin, first, second),
        f"meas_loop_cv p c {arguments}{scans}",
        seconds=cycles * (way + 2 * step) / rate,
        interval=step / rate,
        points=cycles * sum(math.floor(leg / step + 1e-6) for leg in legs),
    )


def chronoamperometry(set_up: SetUp, potential: float, duration: float, interval: float) -> Script:
    """The current at a potential, each `interval` s for `duration` s."""
    loop = f"meas_loop_ca p c {number(potential)} {number(interval)} {number(duration)}"
    points = math.floor(duration / interval + 1e-6)
    return _held_script(set_up, (potential,), loop, seconds=duration + interval, interval=interval, points=points)


def open_circuit(mode: int, duration: float, interval: float) -> Script:
    """The potential without current, each `interval` s for `duration` s."""
    lines = (
        "var t", "var p", "set_pgstat_chan 0", f"set_pgstat_mode {mode}", "cell_off", "timer_start",
        f"meas_loop_ocp p {number(interval)} {number(duration)}", "timer_get t", *_package("t", "p"), "endloop",
        "on_finished:", "cell_off",
    )  # fmt: skip
    points = math.floor(duration / interval + 1e-6)
    return Script(lines, ("eb", "ab"), duration + interval, 2 * interval, interval, points)


def impedance(set_up: SetUp, potential: float, amplitude: float, lowest: float, highest: float, points: int) -> Script:
    """The impedance at so many frequencies, evenly spaced on a logarithmic scale, the highest first."""
    arguments = " ".join((number(amplitude), number(highest), number(lowest), str(points), number(potential)))
    lines = (
        "var f", "var r", "var j", *_settings(set_up, potential, potential), f"set_e {number(potential)}", "cell_on",
        *_wait(set_up), f"meas_loop_eis f r j {arguments}", *_package("f", "r", "j"), "endloop", "on_finished:",
        "cell_off",
    )  # fmt: skip
    ratio = (lowest / highest) ** (1 / (points - 1)) if points > 1 else 1.0
    periods = sum(1 / (highest * ratio**n) for n in range(points))
    seconds = set_up.equilibration + points * _SETTLING_S + _PERIODS * periods
    gap = max(set_up.equilibration, 0.0) + _SETTLING_S + _PERIODS / lowest
    return Script(lines, ("dc", "cc", "cd"), seconds, gap, points=points)


def _held_script(
    set_up: SetUp, potentials: tuple[float, ...], loop: str, *, seconds: float, interval: float, points: int
) -> Script:
    lines = (
        "var t", "var p", "var c", *_settings(set_up, min(potentials), max(potentials)),
        f"set_e {number(potentials[0])}", "cell_on", *_wait(set_up), "timer_start", loop, "timer_get t",
        *_package("t", "p", "c"), "endloop", "on_finished:", "cell_off",
    )  # fmt: skip
    seconds += set_up.equilibration
    return Script(lines, ("eb", "da", "ba"), seconds, set_up.equilibration + 2 * interval, interval, points)


def _settings(set_up: SetUp, low: float, high: float) -> tuple[str, ...]:
    smallest, largest = number(set_up.lowest_range), number(set_up.highest_range)
    return (
        "set_pgstat_chan 0",
        f"set_pgstat_mode {set_up.mode}",
        f"set_max_bandwidth {number(set_up.bandwidth)}",
        f"set_range_minmax da {number(low)} {number(high)}",
        f"set_range ba {largest}",
        f"set_autoranging ba {smallest} {largest}",
    )


def _wait(set_up: SetUp) -> tuple[str, ...]:
    return (f"wait {number(set_up.equilibration)}",) if set_up.equilibration > 0 else ()


def _package(*variables: str) -> tuple[str, ...]:
    return ("pck_start", *(f"pck_add {variable}" for variable in variables), "pck_end")
