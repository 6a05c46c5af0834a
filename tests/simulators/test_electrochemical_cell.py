"""The simulated cell against the laws of electrochemistry."""

import cmath
import itertools
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet_simulators.emstat_pico.electrochemical_cell import FARADAY, GAS, CellOptions, ReversibleCell

KELVIN = 298.15


def voltammogram(
    cell: ReversibleCell, rate: float, step: float = 0.001, begin: float = -0.2, vertex: float = 0.6
) -> tuple[list[float], list[float]]:
    """Potentials and currents of one cycle, after the first potential was held for a while."""
    count = round((vertex - begin) / step)
    up = [begin + step * n for n in range(count + 1)]
    path = [*up, *reversed(up[:-1])]
    cell.begin(begin)
    cell.ramp(begin, begin, 1.0)
    return path[1:], [cell.ramp(one, other, step / rate) for one, other in itertools.pairwise(path)]


def randles_sevcik(options: CellOptions, rate: float, kelvin: float = KELVIN) -> float:
    """Peak current, A."""
    n, per_cm3 = options.electrons, options.concentration * 1e-6
    root = math.sqrt(n * FARADAY * rate * options.diffusion / (GAS * kelvin))
    return 0.4463 * n * FARADAY * options.area * per_cm3 * root


@pytest.mark.parametrize("rate", [0.01, 0.03, 0.1, 0.3, 1.0])
def test_the_peak_obeys_randles_and_sevcik_and_the_peaks_are_57_to_60_mv_apart(rate: float) -> None:
    options = CellOptions()
    potentials, currents = voltammogram(ReversibleCell(options), rate)
    assert max(currents) == pytest.approx(randles_sevcik(options, rate), rel=0.01)
    half = len(currents) // 2
    anodic = potentials[currents.index(max(currents))]
    cathodic = potentials[half + currents[half:].index(min(currents[half:]))]
    assert 0.057 <= anodic - cathodic <= 0.060
    assert (anodic + cathodic) / 2 == pytest.approx(options.formal_potential, abs=0.001)


@pytest.mark.parametrize(
    "changed",
    [
        {"concentration": 5.0, "resistance": 0.0},
        {"electrons": 2, "concentration": 0.5},
        {"area": 0.0314, "diffusion": 1e-5},
        {"temperature": 60.0},
    ],
)
def test_the_peak_follows_what_the_cell_is(changed: dict[str, float]) -> None:
    options = CellOptions.model_validate(changed)
    _, currents = voltammogram(ReversibleCell(options), 0.1, 0.002)
    expected = randles_sevcik(options, 0.1, options.temperature + 273.15)
    assert max(currents) == pytest.approx(expected, rel=0.015)


@pytest.mark.parametrize("interval", [0.001, 0.1, 2.0])
def test_after_a_step_of_potential_the_current_obeys_cottrell(interval: float) -> None:
    options = CellOptions()
    cell = ReversibleCell(options)
    cell.begin(0.7)
    for n in range(1, 201):
        current = cell.ramp(0.7, 0.7, interval)
        expected = FARADAY * options.area * 1e-6 * math.sqrt(options.diffusion / (math.pi * interval * n))
        assert current == pytest.approx(expected, rel=0.005), n


def test_slow_kinetics_push_the_peaks_apart() -> None:
    _, quick = voltammogram(ReversibleCell(CellOptions()), 1.0)
    potentials, slow = voltammogram(ReversibleCell(CellOptions(rate_constant=1e-3)), 1.0)
    half = len(slow) // 2
    apart = potentials[slow.index(max(slow))] - potentials[half + slow[half:].index(min(slow[half:]))]
    assert apart > 0.15
    assert max(slow) < max(quick)


def test_resistance_and_double_layer_are_felt() -> None:
    ideal = CellOptions(resistance=0, double_layer=0)
    _, without = voltammogram(ReversibleCell(ideal), 1.0)
    _, resisted = voltammogram(ReversibleCell(ideal.model_copy(update={"resistance": 2000.0})), 1.0)
    _, charged = voltammogram(ReversibleCell(ideal.model_copy(update={"double_layer": 50.0})), 1.0)
    assert max(resisted) < 0.95 * max(without)
    assert charged[100] - without[100] == pytest.approx(50e-6 * ideal.area * 1.0, rel=0.01)


def test_the_open_circuit_is_where_nernst_has_it() -> None:
    assert ReversibleCell(CellOptions(oxidized=0.5)).open_circuit() == pytest.approx(0.2)
    tenfold = ReversibleCell(CellOptions(oxidized=10 / 11)).open_circuit() - 0.2
    assert tenfold == pytest.approx(0.05916, abs=1e-4)


def test_the_impedance_is_that_of_the_same_couple() -> None:
    options = CellOptions(rate_constant=0.01)
    cell = ReversibleCell(options)
    thermal = GAS * KELVIN / FARADAY
    exchange = FARADAY * options.area * options.rate_constant * 0.5e-6
    at_top = cell.impedance(0.2, 2e5)
    assert at_top.real == pytest.approx(options.resistance, abs=1.0)
    sigma = thermal / (FARADAY * options.area * math.sqrt(2 * options.diffusion)) * 2 / 0.5e-6
    slow = cell.impedance(0.2, 0.01)
    assert -slow.imag == pytest.approx(sigma / math.sqrt(2 * math.pi * 0.01), rel=0.01)
    in_series = options.resistance + thermal / exchange
    assert slow.real + slow.imag == pytest.approx(in_series, rel=0.05)
    assert math.degrees(-cmath.phase(slow - in_series)) == pytest.approx(45, abs=0.5)


def test_a_small_ripple_on_the_potential_sees_the_same_impedance() -> None:
    options = CellOptions(oxidized=0.5)
    cell = ReversibleCell(options)
    cell.begin(0.2)
    amplitude, frequency, steps = 1e-3, 1.0, 400
    sums, before = 0j, 0.2
    for n in range(6 * steps):
        turn = 2 * math.pi * (n + 1) / steps
        potential = 0.2 + amplitude * math.sin(turn)
        current = cell.ramp(before, potential, 1 / (frequency * steps))
        before = potential
        if n >= 4 * steps:
            sums += current * cmath.exp(-1j * turn)
    impedance = amplitude / (sums / steps * 1j)
    expected = cell.impedance(0.2, frequency)
    assert abs(impedance - expected) < 0.03 * abs(expected)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(-6, 6), st.floats(-6, 6), st.floats(1e-4, 1e3)), max_size=8), st.floats(0, 1e4))
def test_any_course_of_the_potential_gives_a_finite_current(
    course: list[tuple[float, float, float]], resistance: float
) -> None:
    cell = ReversibleCell(CellOptions(resistance=resistance))
    cell.begin(0.0)
    for start, end, seconds in course:
        assert math.isfinite(cell.ramp(start, end, seconds))


def test_a_voltammogram_of_a_thousand_points_takes_less_than_50_ms() -> None:
    taken: list[float] = []
    for _ in range(10):
        cell = ReversibleCell(CellOptions())
        began = time.thread_time()
        voltammogram(cell, 0.1, step=0.0016)
        taken.append(time.thread_time() - began)
    assert min(taken) < 0.05
