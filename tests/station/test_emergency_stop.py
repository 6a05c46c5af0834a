"""An emergency stop: everything stops at once, nothing moves until it is cleared, whatever plan there is."""

import asyncio
from collections.abc import Callable, Generator, Mapping
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky import Msg

from motet.devices import Device
from motet.errors import EmergencyStop, NoReply
from motet.model.events import Event, InterlockTripped, StationChanged, StationState
from motet.model.experiment import Experiment, RunRecord, Suggestion
from motet.model.job import Job
from motet.model.lab import Interlock
from motet.model.procedure import Procedure
from motet.model.values import PluginRef
from motet.station import LocalStation
from motet.station.fast import FastEngine

MakeProcedure = Callable[..., Procedure]
EXPERIMENT = Experiment("test-1", 1, Suggestion({"x": 4.0}, "asked by the test"))
PLUGIN = Job(EXPERIMENT, PluginRef(name="stubborn"))


def stubborn(devices: Mapping[str, Device], parameters: Mapping[str, Any]) -> Generator[Msg, Any, None]:
    """Goes on whatever goes wrong, and moves again at its end."""
    verbs = devices["gauge"].verbs

    def steps() -> Generator[Msg, Any, None]:
        while True:
            try:
                yield from bps.abs_set(verbs["move"], {"x": parameters["x"]}, wait=True)
            except Exception:  # noqa: BLE001, S112 - that is what is wrong with it
                continue

    def home() -> Generator[Msg, Any, None]:
        yield from bps.abs_set(verbs["move"], {"x": 0.0}, wait=True)

    yield from bpp.run_wrapper(bpp.finalize_wrapper(steps(), home))


async def _station(bench: Any, full: bool, emit: Callable[[Event], object] = lambda event: None) -> LocalStation:
    engine = await bench.lab_loop.engine() if full else FastEngine()
    station = LocalStation("cell", {"gauge": bench.gauge}, engine, plans=lambda ref: stubborn, emit=emit)
    await station.connect()
    return station


@pytest.mark.parametrize("full", [True, False], ids=["RunEngine", "fast"])
@pytest.mark.parametrize("plugin", [True, False], ids=["plugin", "steps"])
def test_everything_stops_in_the_middle_of_a_verb_and_nothing_moves_until_it_is_cleared(
    bench: Any, procedure: MakeProcedure, full: bool, plugin: bool
) -> None:
    steps = Job(EXPERIMENT, procedure({"gauge.move": {"x": 4}}, "gauge.measure", cleanup=[{"gauge.move": {"x": 0}}]))
    job = PLUGIN if plugin else steps
    news: list[tuple[StationState, str]] = []

    def see(event: Event) -> None:
        if isinstance(event, StationChanged):
            news.append((event.state, event.cause))

    async def scenario() -> tuple[RunRecord, RunRecord, RunRecord]:
        station = await _station(bench, full, see)
        bench.gauge.blocked = asyncio.Event()
        running = asyncio.create_task(station.run(job))
        await bench.gauge.moving.wait()
        await station.estop("smoke")
        record = await running
        bench.gauge.blocked.set()
        refused = await station.run(steps)
        with pytest.raises(EmergencyStop):
            await station.connect()
        with pytest.raises(EmergencyStop):
            bench.gauge.verbs["move"].set({"x": 1.0})
        await station.abort("nobody listens now")
        station.pause()
        station.resume()
        assert station.state is StationState.ESTOPPED
        assert bench.gauge.calls == ["move 4", "stop", "safe"]
        assert bench.gauge.stopped_while_moving
        await station.clear()
        assert station.state is StationState.IDLE
        again = await station.run(steps)
        await station.close()
        return record, refused, again

    record, refused, again = bench.run(scenario())
    assert (type(record.error), str(record.error)) == (EmergencyStop, "smoke")
    assert record.documents[-1][0] == "stop", "its run is closed"
    assert (type(refused.error), refused.documents) == (EmergencyStop, ())
    assert again.error is None
    assert bench.gauge.place_mm == 0.0, "the stopped move did not go on, and cleanup ran at last"
    states = [state for state, _ in news]
    assert states[-6:] == ["e-stopped", "clearing", "idle", "running", "idle", "offline"]


@pytest.mark.parametrize("full", [True, False], ids=["RunEngine", "fast"])
@pytest.mark.parametrize("paused", [True, False])
def test_an_experiment_that_waits_ends_at_once(bench: Any, procedure: MakeProcedure, full: bool, paused: bool) -> None:
    async def scenario() -> RunRecord:
        station = await _station(bench, full)
        if paused:
            station.pause()
        running = asyncio.create_task(station.run(Job(EXPERIMENT, procedure({"wait": "1 h"}, "gauge.measure"))))
        done, _ = await asyncio.wait([running], timeout=0.1)
        assert not done
        await station.estop("smoke")
        record = await running
        await station.close()
        return record

    assert isinstance(bench.run(scenario()).error, EmergencyStop)
    assert bench.gauge.calls == ["stop", "safe"]


def test_a_device_that_cannot_be_stopped_is_named_and_is_a_fault_when_it_does_not_answer_either(bench: Any) -> None:
    news: list[str] = []

    async def scenario() -> None:
        station = await _station(bench, False, lambda event: news.append(getattr(event, "cause", "")))
        bench.gauge.silent = NoReply("silence")
        await station.estop("smoke")
        assert "cell-gauge could not be stopped: silence" in news
        assert station.state is StationState.ESTOPPED
        await station.clear()
        assert (station.state, news[-1]) == (StationState.FAULT, "cell-gauge does not answer: silence")
        await station.close()

    bench.run(scenario())


def test_a_station_that_starts_stopped_connects_its_devices_to_stop_them(bench: Any) -> None:
    async def scenario() -> None:
        station = LocalStation("cell", {"gauge": bench.gauge}, FastEngine())
        await station.estop("pressed before it started")
        assert bench.gauge.calls == ["stop", "safe"]
        await station.clear()
        assert station.state is StationState.IDLE
        await station.close()

    bench.run(scenario())


def test_a_station_that_starts_stopped_watches_its_interlocks_also_when_a_device_does_not_answer(bench: Any) -> None:
    async def scenario() -> None:
        tripped = asyncio.Event()
        far = Interlock.model_validate({"pause while": "gauge.place > 5 mm", "every": 0.01})
        station = LocalStation(
            "cell",
            {"gauge": bench.gauge},
            FastEngine(),
            interlocks={"far": far},
            emit=lambda event: tripped.set() if isinstance(event, InterlockTripped) else None,
        )
        bench.gauge.silent = NoReply("silence")
        await station.estop("pressed before it started")
        await station.clear()
        assert station.state is StationState.FAULT
        bench.gauge.place_mm = 9.0
        async with asyncio.timeout(5):
            await tripped.wait()
        await station.close()

    bench.run(scenario())


class Clearing(asyncio.Event):
    """Set when the station is being cleared."""

    def see(self, event: Event) -> None:
        if isinstance(event, StationChanged) and event.state is StationState.CLEARING:
            self.set()


def test_a_station_is_not_available_until_it_is_cleared(bench: Any) -> None:
    async def scenario() -> None:
        begun = Clearing()
        station = await _station(bench, False, begun.see)
        await station.available()
        assert station.unavailable == ""
        stopping = asyncio.create_task(station.estop("smoke"))
        await asyncio.sleep(0)
        assert station.unavailable == "station cell is e-stopped: smoke"
        await stopping
        waiting = asyncio.create_task(station.available())
        await asyncio.sleep(0)
        clearing = asyncio.create_task(station.clear())
        await begun.wait()
        assert (station.unavailable, waiting.done()) == ("station cell is being cleared: smoke", False)
        await asyncio.gather(clearing, waiting)
        assert station.unavailable == ""
        await station.close()

    bench.run(scenario())


def test_what_is_connecting_while_it_is_pressed_is_stopped_when_it_is_there(bench: Any) -> None:
    """A device whose line is not open yet cannot be stopped, and may be moving."""

    class Opening:
        begun = asyncio.Event()
        may_end = asyncio.Event()

        async def __call__(self) -> None:
            self.begun.set()
            await self.may_end.wait()

    async def scenario() -> None:
        opening = bench.gauge.open = Opening()
        bench.gauge.silent = NoReply("not open")
        station = LocalStation("cell", {"gauge": bench.gauge}, FastEngine())
        connecting = asyncio.create_task(station.connect())
        await opening.begun.wait()
        await station.estop("smoke")
        clearing = asyncio.create_task(station.clear())
        await asyncio.sleep(0)
        bench.gauge.silent = None
        opening.may_end.set()
        with pytest.raises(EmergencyStop):
            await connecting
        assert bench.gauge.calls == ["stop", "safe"]
        await clearing
        assert station.state is StationState.IDLE
        await station.close()

    bench.run(scenario())


def test_a_press_while_it_is_cleared_stays(bench: Any) -> None:
    async def scenario() -> None:
        begun = Clearing()
        station = await _station(bench, False, begun.see)
        await station.estop("smoke")
        blocked = asyncio.Event()
        opened = bench.gauge.open

        async def slow() -> None:
            await blocked.wait()
            await opened()

        bench.gauge.open = slow
        first = asyncio.create_task(station.clear())
        await begun.wait()
        begun.clear()
        await station.estop("fire")
        second = asyncio.create_task(station.clear())
        await begun.wait()
        bench.gauge.open = opened
        blocked.set()
        await first
        assert station.unavailable == "station cell is being cleared: fire", "it is the second one's to clear"
        await second
        assert station.state is StationState.IDLE
        await station.close()

    bench.run(scenario())


def test_one_station_cannot_be_cleared_while_the_lab_is_pressed(bench: Any) -> None:
    async def scenario() -> None:
        pressed = True
        station = LocalStation("cell", {"gauge": bench.gauge}, FastEngine(), latched=lambda: pressed)
        await station.estop("smoke")
        await station.clear()
        assert station.state is StationState.ESTOPPED
        pressed = False
        await station.clear()
        assert station.state is StationState.IDLE
        await station.close()

    bench.run(scenario())


def test_a_clearing_that_was_cut_short_can_be_done_again(bench: Any) -> None:
    async def scenario() -> None:
        begun = Clearing()
        station = await _station(bench, False, begun.see)
        await station.estop("smoke")
        opened, bench.gauge.open = bench.gauge.open, asyncio.Event().wait
        clearing = asyncio.create_task(station.clear())
        await begun.wait()
        clearing.cancel()
        await asyncio.wait([clearing])
        assert station.state is StationState.ESTOPPED
        bench.gauge.open = opened
        await station.clear()
        assert station.state is StationState.IDLE
        await station.close()

    bench.run(scenario())
