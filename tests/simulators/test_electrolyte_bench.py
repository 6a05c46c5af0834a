"""The electrolyte bench: what pumps, heater and stirrer do to a vessel is what balance and sensor see."""

import pytest

from motet.contracts.worlds import World
from motet.simulation.manual import ManualClock
from motet_simulators import electrolyte_bench as bench


def made(**options: float) -> tuple[bench.ElectrolyteBench, ManualClock]:
    clock = ManualClock()
    return bench.ElectrolyteBench(bench.Options(**options), clock, seed=1), clock  # pyright: ignore[reportArgumentType]


def settle(clock: ManualClock) -> None:
    clock.advance(1e5)


def test_it_is_a_world() -> None:
    assert isinstance(made()[0], World)


@pytest.mark.parametrize(
    ("molality", "ratio", "expected"), [(0.2, 0.0, 1.67342538), (0.2, 1.0, 1.66716439), (3.0, 0.0, 0.550824458)]
)
def test_the_conductivity_is_the_one_that_the_authors_print(molality: float, ratio: float, expected: float) -> None:
    """At 273.15 K, from the outputs of the notebook that comes with the paper."""
    assert bench.conductivity(molality, ratio, 273.15) == pytest.approx(expected, rel=1e-7)


def test_a_stock_by_itself_has_the_conductivity_of_its_composition() -> None:
    world, clock = made()
    world.add("salt_pc", 4.0)
    settle(clock)
    assert world.read("conductivity") == pytest.approx(bench.conductivity(2.2, 1.0, 298.15))


def test_a_mixture_has_that_of_its_molality_and_ratio() -> None:
    world, clock = made()
    world.add("salt_ec", 2.0)
    world.add("pc", 2.0)
    settle(clock)
    salty, plain = 2.0 * 1.27, 2.0 * 1.07
    solvent = salty / (1 + 2.2 * bench.MOLAR_MASS / 1000)
    molality = 2.2 * solvent / (solvent + plain)
    ratio = 0.15 * plain / (0.3 * solvent + 0.15 * plain)
    assert world.read("conductivity") == pytest.approx(bench.conductivity(molality, ratio, 298.15), rel=1e-6)


def test_the_balance_sees_vessel_and_liquid() -> None:
    world, _ = made()
    assert world.read("mass") == 25.0
    world.add("ec", 10.0)
    assert world.read("mass") == pytest.approx(25.0 + 10.9)


def test_a_stirred_vessel_is_uniform_soon_and_a_still_one_late() -> None:
    readings: list[float] = []
    for speed in (400.0, 0.0):
        world, clock = made()
        world.drive("stirring", lambda speed=speed: speed)
        world.add("salt_ec", 2.0)
        settle(clock)
        world.add("ec", 2.0)
        clock.advance(30.0)
        readings.append(world.read("conductivity"))
        settle(clock)
        readings.append(world.read("conductivity"))
    stirred, uniform, still, late = readings
    assert uniform == pytest.approx(late)
    assert stirred == pytest.approx(uniform, rel=0.01)
    assert abs(still - uniform) > 10 * abs(stirred - uniform)


def test_a_warmer_vessel_conducts_better() -> None:
    world, clock = made()
    temperature = [25.0]
    world.drive("temperature", lambda: temperature[0])
    world.add("salt_ec", 2.0)
    world.add("ec", 2.0)
    settle(clock)
    cold = world.read("conductivity")
    temperature[0] = 45.0
    assert world.read("temperature") == 45.0
    assert world.read("conductivity") > cold + 1.0


def test_draining_leaves_a_residue_that_the_next_mixture_inherits() -> None:
    world, clock = made(residue=0.5)
    world.add("salt_ec", 4.0)
    world.add("drain", 100.0)
    assert world.read("volume") == pytest.approx(0.5)
    world.add("ec", 4.0)
    settle(clock)
    assert world.read("conductivity") > 0.5


def test_an_empty_vessel_conducts_nothing() -> None:
    assert made()[0].read("conductivity") == 0.0


def test_more_than_it_holds_is_spilled() -> None:
    world, _ = made(capacity=5.0)
    world.add("ec", 20.0)
    assert world.read("volume") == pytest.approx(5.0)


def test_what_is_unknown_is_named_with_what_is_allowed() -> None:
    world, _ = made()
    with pytest.raises(KeyError, match="'acid' is no stock; allowed: salt_ec, salt_pc, ec, pc, drain"):
        world.add("acid", 1.0)
    with pytest.raises(KeyError, match="'ph' cannot be read; allowed: conductivity"):
        world.read("ph")
    world.drive("stirring", lambda: 0.0)
    with pytest.raises(ValueError, match="stirring has a source already"):
        world.drive("stirring", lambda: 0.0)
