"""Several stations use one device, under a lease: for a step or for a stage."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pytest
from bluesky import Msg

from motet.contracts.declarations import NoOptions
from motet.devices import Context, Device, Limits, Output, verb
from motet.errors import Aborted, EmergencyStop, ProcedureError
from motet.model.experiment import Experiment, RunRecord, Suggestion
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.model.values import PluginRef
from motet.simulation.virtual import VirtualLoop
from motet.station.engine import LabLoop
from motet.station.fast import FastEngine
from motet.station.leases import Leases
from motet.station.local import LocalStation
from motet.station.shared import Shared
from motet.station.station import Engine


class Robot(Device):
    """Takes ten seconds for everything, and knows who spoke to it when."""

    signals: ClassVar[Mapping[str, Output]] = {"place": Output("mm")}

    def __init__(self, context: Context) -> None:
        self.calls: list[tuple[float, str]] = []
        self.busy = 0
        super().__init__(context)

    def note(self, what: str) -> None:
        self.calls.append((asyncio.get_running_loop().time(), what))

    async def get_place(self) -> float:
        return 1.0

    @verb(units={"x": "mm"}, outputs={"grip": Output("N")})
    async def carry(self, x: float) -> Mapping[str, Any]:
        """Carry something."""
        self.busy += 1
        assert self.busy == 1, "two at once"
        self.note(f"carry {x:g}")
        try:
            await asyncio.sleep(10)
        finally:
            self.busy -= 1
        return {"grip": x}

    async def open(self) -> None:
        self.note("open")
        await asyncio.sleep(1)

    async def close(self) -> None:
        self.note("close")

    async def stop(self, success: bool = True) -> None:
        self.note("stop")

    async def safe(self) -> None:
        self.note("safe")
        await asyncio.sleep(1)


@dataclass
class Bench:
    """Two stations with one robot."""

    robot: Robot
    stations: dict[str, LocalStation]
    leases: Leases
    waits: list[tuple[str, str, float]] = field(default_factory=list[tuple[str, str, float]])

    async def run(self, station: str, *steps: Any, cleanup: Any = (), priority: int = 0) -> RunRecord:
        """Run these steps, or without any the plan of a plugin."""
        procedure: Any = PluginRef(name="carrying")
        if steps:
            procedure = Procedure.model_validate({"steps": list(steps), "cleanup": list(cleanup)})
        experiment = Experiment("test-1", 1, Suggestion({}, "asked by the test"))
        return await self.stations[station].run(Job(experiment, procedure, priority=priority))

    def whats(self) -> list[str]:
        """What was done with the robot."""
        return [what for _, what in self.robot.calls]


def carrying(devices: Mapping[str, Device], values: Mapping[str, Any]) -> Generator[Msg, Any, None]:
    """A plan that knows nothing of leases."""
    yield Msg("open_run")
    yield Msg("set", devices["robot"].verbs["carry"], {"x": 5}, group="carry")
    yield Msg("wait", None, group="carry")
    yield Msg("close_run")


def carried_out(
    work: Callable[[Bench], Coroutine[Any, Any, None]],
    lease: Literal["step", "stage"] = "step",
    longest: float | None = None,
    full: bool = False,
) -> Bench:
    """Do it in virtual time on connected stations, and close them; with RunEngines when `full`."""

    async def all_of_it(make_engine: Callable[[], Awaitable[Engine]]) -> Bench:
        robot = Robot(Context("shared-robot", NoOptions(), Limits("shared-robot", {})))
        waits: list[tuple[str, str, float]] = []
        leases = Leases(lambda resource, who, seconds: waits.append((resource, who, seconds)), in_turn=True)
        shared = Shared("robot", robot, leases, lease, longest)
        stations = {
            name: LocalStation(name, {"robot": shared.face(name)}, await make_engine(), plans=lambda ref: carrying)
            for name in ("one", "two")
        }
        bench = Bench(robot, stations, leases, waits)
        await asyncio.gather(*(station.connect() for station in stations.values()))
        try:
            async with asyncio.timeout(1000):
                await work(bench)
        finally:
            await asyncio.gather(*(station.close() for station in stations.values()))
        assert leases.holder("robot") is None
        return bench

    if full:
        with closing(LabLoop(VirtualLoop())) as lab_loop:
            return lab_loop.submit(all_of_it(lab_loop.engine)).result(30)
    with closing(VirtualLoop()) as loop:
        return loop.run_until_complete(all_of_it(_fast))


async def _fast() -> Engine:
    return FastEngine()


CARRY = {"robot.carry": {"x": 5}}


def test_one_waits_for_the_other_at_each_step() -> None:
    async def work(bench: Bench) -> None:
        records = await asyncio.gather(bench.run("one", CARRY, CARRY), bench.run("two", CARRY, "robot.read"))
        assert [record.error for record in records] == [None, None]
        assert records[0].output("carry", "grip") == [5.0, 5.0]
        assert records[1].output("read", "place") == [1.0]

    bench = carried_out(work)
    assert [call for call in bench.robot.calls if call[1] == "carry 5"] == [(t, "carry 5") for t in (1.0, 11.0, 21.0)]
    assert bench.waits == [("robot", who, 10.0) for who in ("two", "one", "two")]


@pytest.mark.parametrize("full", [False, True], ids=["fast", "full"])
def test_a_plugins_plan_waits_too_and_its_abort_leaves_the_device_to_the_other(full: bool) -> None:
    async def work(bench: Bench) -> None:
        first = asyncio.create_task(bench.run("one"))
        await asyncio.sleep(1)
        second = asyncio.create_task(bench.run("two"))
        await asyncio.sleep(1)
        await bench.stations["two"].abort("enough")
        assert isinstance((await second).error, Aborted)
        assert (await first).error is None
        assert (await bench.run("two")).error is None

    bench = carried_out(work, full=full)
    assert bench.whats() == ["open", "carry 5", "carry 5", "close"]
    assert bench.waits == [("robot", "two", 1.0)]


def test_the_instrument_is_opened_and_closed_once_for_all() -> None:
    async def work(bench: Bench) -> None:
        await asyncio.gather(*(station.safe() for station in bench.stations.values()))
        await bench.stations["one"].close()
        assert "close" not in bench.whats()
        assert (await bench.run("two", CARRY)).error is None

    assert carried_out(work).whats() == ["open", "safe", "carry 5", "close"]


def test_a_lease_of_a_stage_lasts_from_its_first_step_to_its_cleanup() -> None:
    async def work(bench: Bench) -> None:
        steps = [CARRY, {"wait": 100}, CARRY]
        await asyncio.gather(bench.run("one", *steps, cleanup=[CARRY]), bench.run("two", CARRY))

    bench = carried_out(work, lease="stage")
    assert bench.waits == [("robot", "two", 130.0)]
    assert [time for time, what in bench.robot.calls if what.startswith("carry")] == [1.0, 111.0, 121.0, 131.0]


@pytest.mark.parametrize("full", [False, True], ids=["fast", "full"])
@pytest.mark.parametrize("lease", ["step", "stage"])
@pytest.mark.parametrize("step", [CARRY, "robot.read"])
def test_an_abort_ends_a_wait_at_once_and_leaves_the_device_to_the_other(
    lease: Literal["step", "stage"], step: Any, full: bool
) -> None:
    async def work(bench: Bench) -> None:
        began = asyncio.get_running_loop().time()
        first = asyncio.create_task(bench.run("one", CARRY))
        await asyncio.sleep(1)
        second = asyncio.create_task(bench.run("two", step))
        await asyncio.sleep(3)
        await bench.stations["two"].abort("enough")
        record = await second
        assert (type(record.error), str(record.error)) == (Aborted, "enough")
        assert asyncio.get_running_loop().time() == began + 4
        await bench.stations["two"].safe()
        assert (await first).error is None
        assert (await bench.run("two", step)).error is None

    bench = carried_out(work, lease, full=full)
    assert {"stop", "safe"}.isdisjoint(bench.whats())


def test_a_cancelled_wait_leaves_the_device_free() -> None:
    async def work(bench: Bench) -> None:
        first = asyncio.create_task(bench.run("one", CARRY))
        second = asyncio.create_task(bench.run("two", CARRY))
        await asyncio.sleep(4)
        second.cancel()
        await asyncio.wait([first, second])
        assert second.cancelled()

    assert carried_out(work).whats().count("carry 5") == 1


def test_who_is_paused_holds_nothing_that_others_wait_for() -> None:
    async def work(bench: Bench) -> None:
        first = asyncio.create_task(bench.run("one", CARRY))
        second = asyncio.create_task(bench.run("two", {"robot.carry": {"x": 2}}))
        await asyncio.sleep(4)
        bench.stations["two"].pause()
        await first
        assert (await bench.run("one", CARRY)).error is None
        bench.stations["two"].resume()
        assert (await second).error is None

    assert [what for what in carried_out(work).whats() if "carry" in what] == ["carry 5", "carry 5", "carry 2"]


@pytest.mark.parametrize("full", [False, True], ids=["fast", "full"])
@pytest.mark.parametrize("lease", ["step", "stage"])
def test_who_has_it_for_too_long_fails_and_the_next_one_goes_on(lease: Literal["step", "stage"], full: bool) -> None:
    async def work(bench: Bench) -> None:
        began = asyncio.get_running_loop().time()
        first = asyncio.create_task(bench.run("one", CARRY))
        await asyncio.sleep(1)
        second = asyncio.create_task(bench.run("two", "robot.read"))
        record = await first
        assert (type(record.error), str(record.error)) == (
            ProcedureError,
            "one held robot for 3 s, the longest time that is allowed",
        )
        assert (await second).error is None
        assert asyncio.get_running_loop().time() < began + 7

    assert "stop" in carried_out(work, lease, longest=3.0, full=full).whats()


def test_an_emergency_stop_of_any_station_stops_it() -> None:
    async def work(bench: Bench) -> None:
        first = asyncio.create_task(bench.run("one", CARRY))
        second = asyncio.create_task(bench.run("two", CARRY))
        await asyncio.sleep(4)
        await asyncio.gather(*(station.estop("smoke") for station in bench.stations.values()))
        for record in await asyncio.gather(first, second):
            assert isinstance(record.error, EmergencyStop)
        await asyncio.gather(*(station.clear() for station in bench.stations.values()))
        assert (await bench.run("two", CARRY)).error is None

    bench = carried_out(work)
    assert bench.robot.calls[2] == (5.0, "stop")
    assert [what for what in bench.whats() if what != "stop"] == [
        *("open", "carry 5", "safe"),
        *("close", "open", "carry 5", "close"),
    ]


def test_a_step_that_waits_out_a_pause_does_not_begin_when_the_emergency_stop_opens_the_gate() -> None:
    async def work(bench: Bench) -> None:
        first = asyncio.create_task(bench.run("one", CARRY))
        second = asyncio.create_task(bench.run("two", {"robot.carry": {"x": 2}}))
        await asyncio.sleep(4)
        bench.stations["two"].pause()
        assert (await first).error is None
        await asyncio.sleep(1)
        await bench.stations["two"].estop("smoke")
        assert isinstance((await second).error, EmergencyStop)

    assert "carry 2" not in carried_out(work).whats()


def test_who_is_cleared_later_does_not_take_it_away_from_who_works_with_it_again() -> None:
    async def work(bench: Bench) -> None:
        await asyncio.gather(*(station.estop("smoke") for station in bench.stations.values()))
        await bench.stations["one"].clear()
        running = asyncio.create_task(bench.run("one", CARRY))
        await asyncio.sleep(1)
        await bench.stations["two"].clear()
        assert (await running).error is None
        assert (await bench.run("two", CARRY)).error is None

    assert carried_out(work).whats()[-5:] == ["close", "open", "carry 5", "carry 5", "close"]


@pytest.mark.parametrize("lease", ["step", "stage"])
def test_the_robot_goes_first_to_the_experiment_of_the_higher_priority(lease: Literal["step", "stage"]) -> None:
    order: list[str] = []

    async def work(bench: Bench) -> None:
        async def use(station: str, priority: int) -> None:
            await bench.run(station, CARRY, priority=priority)
            order.append(station)

        for first, second in (("two", "one"), ("one", "two")):  # also when it had the lower one before
            held = await bench.leases.acquire(("robot",), "another")
            later = asyncio.create_task(use(second, 0))
            await asyncio.sleep(1)
            sooner = asyncio.create_task(use(first, 1))
            await asyncio.sleep(1)
            assert bench.leases.waiting("robot") == (second, first)
            held.release()
            await asyncio.gather(later, sooner)

    carried_out(work, lease)
    assert order == ["two", "one", "one", "two"]
