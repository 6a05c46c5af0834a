"""The measurement loops of a simulated EmStat: at which times they measure what.

Arguments and outputs: MethodSCRIPT manual v1.8, ch. 14.11; technique numbers: table 5. Between two points the
potential runs linearly, as if the steps of the staircase were infinitely fine: the peaks are those of a linear sweep.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from motet_simulators.emstat_pico.machine import CELL_IS_OFF, CELL_IS_ON, WRONG_MODE, Potentiostat, Refused, Value
from motet_simulators.emstat_pico.models import HIGH_SPEED

NUMBERS = {
    "meas_loop_lsv": 0x0, "meas_loop_dpv": 0x1, "meas_loop_swv": 0x2, "meas_loop_npv": 0x3, "meas_loop_cv": 0x5,
    "meas_loop_ca": 0x7, "meas_loop_ocp": 0xB, "meas_loop_eis": 0xD,
}  # fmt: skip
"""Those that are simulated; the others answer that the instrument has no licence for them."""
NO_LICENCE, INVALID_FREQUENCY, INVALID_AMPLITUDE = 0x001F, 0x0011, 0x0012
NOT_POSITIVE, OUT_OF_BOUNDS, NO_STEP = 0x4204, 0x4205, 0x4029
_SETTLING_S, _PERIODS = 0.1, 3.0
"""How long an impedance at one frequency takes: this, and so many periods."""
_MOST_POINTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Point:
    """One iteration: how long it takes, then what it gives, in the order of the loop's variables."""

    seconds: float
    values: Callable[[], Sequence[Value]]
    scan: int | None = None


def points(name: str, values: Sequence[float], scans: int, device: Potentiostat) -> Iterator[Point]:
    """The iterations of a measurement loop with these values of its arguments.

    Raises Refused, before the first of them, with the code of the error that the instrument reports.
    """
    match name:
        case "meas_loop_ocp":
            return _open_circuit(device, *values)
        case "meas_loop_ca":
            return _held(device, *values)
        case "meas_loop_lsv":
            begin, end, step, rate = values
            return _swept(device, [(None, _stairs((begin, end), step))], step, rate)
        case "meas_loop_cv":
            begin, first, second, step, rate = values
            stairs = _stairs((begin, first, second, begin), step)
            if scans == 1:
                return _swept(device, [(None, stairs)], step, rate)
            legs = [(scan, stairs if scan == 0 else stairs[1:]) for scan in range(scans)]
            return _swept(device, legs, step, rate)
        case "meas_loop_dpv":
            return _pulsed(device, *values)
        case "meas_loop_npv":
            return _normal_pulses(device, *values)
        case "meas_loop_swv":
            return _square(device, *values)
        case "meas_loop_eis":
            return _impedances(device, *values)
        case _:
            raise Refused(NO_LICENCE)


def _open_circuit(device: Potentiostat, interval: float, run: float) -> Iterator[Point]:
    if device.cell_on:
        raise Refused(CELL_IS_ON)
    count = _count(run, interval)
    return (Point(interval, lambda: (device.open_circuit(),)) for _ in range(count))


def _held(device: Potentiostat, potential: float, interval: float, run: float) -> Iterator[Point]:
    _ready(device, potential)
    count = _count(run, interval)

    def measure() -> Sequence[Value]:
        return Value(potential, "da"), device.current(potential, interval)

    return (Point(interval, measure) for _ in range(count))


def _swept(
    device: Potentiostat, legs: Sequence[tuple[int | None, Sequence[float]]], step: float, rate: float
) -> Iterator[Point]:
    _positive(step, rate)
    _ready(device, *(potential for _, leg in legs[:1] for potential in (min(leg), max(leg))))
    seconds = step / rate

    def all_points() -> Iterator[Point]:
        before = legs[0][1][0]
        for scan, leg in legs:
            for potential in leg:
                yield Point(seconds, _ramp(device, before, potential, seconds), scan)
                before = potential

    return all_points()


def _ramp(device: Potentiostat, begin: float, end: float, seconds: float) -> Callable[[], Sequence[Value]]:
    return lambda: (Value(end, "da"), device.current(end, seconds, begin=begin))


def _pulsed(
    device: Potentiostat, begin: float, end: float, step: float, pulse: float, pulse_time: float, rate: float
) -> Iterator[Point]:
    _positive(step, rate, pulse_time)
    seconds = step / rate
    if pulse_time * 2 > seconds:
        raise Refused(OUT_OF_BOUNDS)
    stairs = _stairs((begin, end), step)
    pulse = math.copysign(pulse, end - begin)
    _ready(device, begin, end, begin + pulse, end + pulse)

    def measure(potential: float) -> Sequence[Value]:
        base = device.current(potential, seconds - pulse_time)
        top = device.current(potential + pulse, pulse_time)
        return Value(potential, "da"), _difference(top, base)

    return (Point(seconds, lambda potential=potential: measure(potential)) for potential in stairs)


def _normal_pulses(
    device: Potentiostat, begin: float, end: float, step: float, pulse_time: float, rate: float
) -> Iterator[Point]:
    """Each potential for the time of a pulse only, and in between the first one."""
    _positive(step, rate, pulse_time)
    seconds = step / rate
    if pulse_time * 2 > seconds:
        raise Refused(OUT_OF_BOUNDS)
    stairs = _stairs((begin, end), step)
    _ready(device, begin, end)

    def measure(potential: float) -> Sequence[Value]:
        device.current(begin, seconds - pulse_time)
        return Value(potential, "da"), device.current(potential, pulse_time)

    return (Point(seconds, lambda potential=potential: measure(potential)) for potential in stairs)


def _square(
    device: Potentiostat, begin: float, end: float, step: float, amplitude: float, frequency: float
) -> Iterator[Point]:
    _positive(step, amplitude, frequency)
    stairs = _stairs((begin, end), step)
    forward = math.copysign(amplitude, end - begin)
    _ready(device, begin - forward, end + forward)
    half = 0.5 / frequency

    def measure(potential: float) -> Sequence[Value]:
        there = device.current(potential + forward, half)
        back = device.current(potential - forward, half)
        return Value(potential, "da"), _difference(there, back), there, back

    return (Point(2 * half, lambda potential=potential: measure(potential)) for potential in stairs)


def _impedances(
    device: Potentiostat, amplitude: float, first: float, last: float, count: float, potential: float
) -> Iterator[Point]:
    if device.model.pico and device.mode != HIGH_SPEED:
        raise Refused(WRONG_MODE)
    _ready(device, potential)
    if not 0 < amplitude <= device.model.widest:
        raise Refused(INVALID_AMPLITUDE)
    if not (min(first, last) > 0 and max(first, last) <= device.model.fastest):
        raise Refused(INVALID_FREQUENCY)
    number = round(count)
    if not 1 <= number <= _MOST_POINTS:
        raise Refused(NOT_POSITIVE)

    def measure(frequency: float, seconds: float) -> Sequence[Value]:
        device.current(potential, seconds)
        return Value(frequency, "dc"), *device.impedance(potential, frequency, amplitude)

    def all_points() -> Iterator[Point]:
        for n in range(number):
            frequency = first * (last / first) ** (n / (number - 1)) if number > 1 else first
            seconds = _SETTLING_S + _PERIODS / frequency
            yield Point(seconds, lambda frequency=frequency, seconds=seconds: measure(frequency, seconds))

    return all_points()


def _ready(device: Potentiostat, *potentials: float) -> None:
    device.check_potentials(*potentials)
    if not device.cell_on:
        raise Refused(CELL_IS_OFF)


def _count(run: float, interval: float) -> int:
    _positive(run, interval)
    return min(_MOST_POINTS, max(1, math.floor(run / interval + 1e-6)))


def _positive(*values: float) -> None:
    if not all(value > 0 for value in values):
        raise Refused(NOT_POSITIVE)


def _stairs(corners: Sequence[float], step: float) -> list[float]:
    """The potentials from corner to corner, the corners included, `step` apart."""
    _positive(step)
    stairs = [corners[0]]
    for begin, end in itertools.pairwise(corners):
        count = round(abs(end - begin) / step)
        if len(stairs) + count > _MOST_POINTS:
            raise Refused(OUT_OF_BOUNDS)
        stairs += [round(begin + (end - begin) * n / count, 9) for n in range(1, count + 1)]
    if len(stairs) < 2:
        raise Refused(NO_STEP)
    return stairs


def _difference(one: Value, other: Value) -> Value:
    return Value(one.number - other.number, "ba", status=one.status | other.status, range=one.range)
