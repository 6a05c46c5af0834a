"""What stands in for an object of the Bluesky protocols."""

from collections.abc import Callable
from typing import Any

import pytest
from bluesky import protocols

from motet.contracts.objects import ObjectPath
from motet.simulation.manual import ManualClock
from motet_simulators.bluesky import Options, SimulatedError, SimulatedObject, problem, stand_in


class Plate:
    """A world with a position that it takes, and a height that depends on it."""

    takes = frozenset({"x"})
    reads = frozenset({"height"})

    def __init__(self) -> None:
        self.x: Callable[[], float] = lambda: 0.0
        self.changes = 0

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        self.x = value
        return self._count

    def add(self, quantity: str, amount: float) -> None:
        raise KeyError(quantity)

    def read(self, quantity: str) -> float:
        return 2 * self.x()

    def _count(self) -> None:
        self.changes += 1


def made(world: object = None, seed: int = 1, **options: Any) -> tuple[SimulatedObject, ManualClock]:
    clock = ManualClock()
    found = stand_in(Options.model_validate(options), world, clock, seed)
    assert isinstance(found, SimulatedObject)
    return found, clock


async def values(one: SimulatedObject) -> dict[str, Any]:
    return {key: reading["value"] for key, reading in (await one.read()).items()}


async def test_it_follows_the_protocols() -> None:
    one, _ = made(gives={"det": 5})
    for protocol in (protocols.Readable, protocols.Movable, protocols.Triggerable, protocols.Stoppable):
        assert isinstance(one, protocol)
    assert isinstance(one.set(1.0), protocols.Status)
    assert set(await one.describe()) == set(await one.read()) == {"position", "det"}


async def test_it_moves_at_its_speed_in_lab_time() -> None:
    one, clock = made(speed=2, start=1, position="axis")
    status = one.set(11)
    assert one.moving
    clock.advance(2)
    assert (await values(one))["axis"] == 5
    clock.advance(3)
    assert (status.done, status.success, one.where()) == (True, True, 11)
    heard: list[Any] = []
    status.add_callback(heard.append)
    assert heard == [status]


async def test_without_a_speed_it_is_there_at_once() -> None:
    one, clock = made()
    status = one.set(-3)
    clock.advance(0)
    assert (status.success, one.where()) == (True, -3)


async def test_stop_rests_where_it_is() -> None:
    one, clock = made(speed=1)
    status = one.set(10)
    clock.advance(4)
    await one.stop(success=False)
    assert (status.done, status.success) == (True, False)
    clock.advance(100)
    assert one.where() == 4
    assert clock.waiting <= 1


async def test_a_second_target_takes_over_from_where_it_is() -> None:
    one, clock = made(speed=1)
    first = one.set(10)
    clock.advance(4)
    second = one.set(2)
    assert isinstance(first.exception(), SimulatedError)
    clock.advance(2)
    assert (second.success, one.where()) == (True, 2)


async def test_it_measures_when_it_is_triggered_and_drifts() -> None:
    one, clock = made(takes=3, gives={"det": {"value": 5, "noise": 0.1}}, faults=[{"kind": "drift", "amount": 2}])
    status = one.trigger()
    clock.advance(2.9)
    assert not status.done
    clock.advance(0.1)
    first = (await values(one))["det"]
    assert first == (await values(one))["det"] == pytest.approx(5, abs=0.5)
    clock.advance(3600 - 3)
    assert (await values(one))["det"] == first
    one.trigger()
    clock.advance(3)
    assert (await values(one))["det"] == pytest.approx(7, abs=0.5)


async def test_its_position_drives_the_world_that_it_measures() -> None:
    plate = Plate()
    axis, clock = made(plate, speed=1, drives="x")
    probe, _ = made(plate, gives={"height": {"quantity": "height"}, "label": "a"})
    axis.set(5)
    clock.advance(3)
    assert await values(probe) == {"position": 0, "height": 6, "label": "a"}
    clock.advance(2)
    assert (await values(probe))["height"] == 10
    assert plate.changes == 2


@pytest.mark.parametrize(
    ("fault", "done", "error", "where"),
    [
        ({"kind": "error"}, True, "refused", 0),
        ({"kind": "stuck"}, False, None, 0),
        ({"kind": "stall"}, True, "stalled", 5),
        ({"kind": "delay", "seconds": 5}, False, None, 10),
    ],
    ids=str,
)
async def test_faults_of_a_move(fault: dict[str, Any], done: bool, error: str | None, where: float) -> None:
    one, clock = made(speed=1, faults=[fault])
    status = one.set(10)
    clock.advance(10)
    assert (status.done, one.where()) == (done, where)
    assert str(status.exception() or "None") == str(error)
    again = one.set(where + 1)
    clock.advance(1)
    assert again.success


async def test_a_measurement_can_fail() -> None:
    one, clock = made(faults=[{"kind": "error"}], gives={"det": 1})
    status = one.trigger()
    clock.advance(0)
    assert str(status.exception()) == "no measurement"


def test_its_limits_hold() -> None:
    one, _ = made(limits=(-1, 1))
    with pytest.raises(ValueError, match=r"2 is outside of \[-1\.0, 1\.0\]"):
        one.check_value(2)
    one.check_value(1)


async def test_it_takes_words_too() -> None:
    one, clock = made(position="filter")
    status = one.set("red")
    clock.advance(0)
    assert status.success
    assert await values(one) == {"filter": "red"}


class Driver:
    keys = ("position", "det")


def test_what_stands_in_must_give_what_is_read() -> None:
    reason = problem(Driver(), Options())
    assert reason is not None
    assert reason.startswith("the simulated object gives no det: state it in `gives`")
    for options in ({"gives": {"det": 1}}, {"itself": True}, {"object": "ophyd.sim:motor"}):
        assert problem(Driver(), Options.model_validate(options)) is None


def test_another_object_or_the_drivers_own_stands_in_where_the_file_says_so() -> None:
    other = stand_in(Options(object="ophyd.sim:SynAxis", kwargs={"delay": 0}), None, ManualClock(), 1)
    assert other == ObjectPath(object="ophyd.sim:SynAxis", kwargs={"delay": 0})
    assert stand_in(Options(itself=True), None, ManualClock(), 1) is None
    with pytest.raises(ValueError, match="only one of them is needed"):
        Options(itself=True, object="ophyd.sim:motor")
