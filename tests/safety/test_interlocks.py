"""Interlocks hold a station at its gate, on the clock of the lab."""

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from motet.contracts.declarations import NoOptions
from motet.devices import Context, Device, Limits, Output, verb
from motet.errors import Aborted, EmergencyStop, LineLost, NoReply, ProcedureError
from motet.files.signal_conditions import parse_condition
from motet.model.events import Event, InterlockCleared, InterlockTripped, StationChanged, StationState
from motet.model.experiment import Experiment, RunRecord, Suggestion
from motet.model.job import Job
from motet.model.lab import Interlock
from motet.model.procedure import Procedure
from motet.simulation.thread import LoopThread
from motet.simulation.virtual import VirtualLoop
from motet.station import LocalStation
from motet.station.fast import FastEngine
from motet.station.heartbeat import Heartbeat
from motet.station.reading import Signals

JOB = Job(
    Experiment("test-1", 1, Suggestion({}, "asked by the test")),
    Procedure.model_validate({"steps": [{"wait": "60 s"}, "heater.note", "heater.note"], "cleanup": ["heater.note"]}),
)


class Heater(Device):
    """Its temperature follows a course in time."""

    signals: ClassVar[Mapping[str, Output]] = {
        "temperature": Output("degC"),
        "lid": Output(dtype="boolean"),
        "mode": Output(dtype="string"),
    }

    def __init__(self, context: Context) -> None:
        self.course: Callable[[float], float | Exception] = lambda now: 20.0
        self.noted: list[float] = []
        super().__init__(context)

    async def get_temperature(self) -> float:
        found = self.course(asyncio.get_running_loop().time())
        if isinstance(found, Exception):
            raise found
        return found

    async def get_lid(self) -> bool:
        return False

    async def get_mode(self) -> str:
        return "auto"

    @verb()
    async def note(self) -> None:
        """Keep the time."""
        self.noted.append(asyncio.get_running_loop().time())


def played(
    course: Callable[[float], float | Exception],
    script: Callable[[LocalStation], Any],
    tripped: Callable[[str], object] = lambda reason: None,
    emit: Callable[[Event], object] = lambda event: None,
    **interlock: Any,
) -> tuple[Any, Heater, list[Event]]:
    """What became of a script with a station whose heater has an interlock, in virtual time."""
    seen: list[Event] = []

    def see(event: Event) -> None:
        seen.append(event)
        emit(event)

    async def main() -> tuple[Any, Heater, list[Event]]:
        heater = Heater(Context("cell-heater", NoOptions(), Limits("cell-heater", {})))
        heater.course = course
        one = Interlock.model_validate({"pause while": "heater.temperature > 353.15 K", **interlock})
        station = LocalStation(
            "cell", {"heater": heater}, FastEngine(), emit=see, interlocks={"hot": one}, trip=tripped
        )
        await station.connect()
        found = await script(station)
        await station.close()
        return found, heater, seen

    loop = LoopThread(VirtualLoop())
    try:
        return loop.submit(main()).result(10)
    finally:
        loop.close()


async def run(station: LocalStation) -> RunRecord:
    return await station.run(JOB)


def told(seen: list[Event]) -> list[object]:
    """Trips and clearings."""
    return [
        type(event) if isinstance(event, InterlockCleared) else event.why
        for event in seen
        if isinstance(event, InterlockTripped | InterlockCleared)
    ]


def test_it_holds_while_its_condition_does_and_repeats_nothing() -> None:
    record, heater, seen = played(lambda now: 85.0 if 30 < now < 100 else 20.0, run)
    assert record.error is None
    assert heater.noted == [100.0, 100.0, 100.0]
    assert told(seen) == ["heater.temperature = 85 degC (`heater.temperature > 353.15 K`)", InterlockCleared]
    states = [event.state for event in seen if isinstance(event, StationChanged)]
    assert states[2:6] == [StationState.RUNNING, StationState.PAUSING, StationState.PAUSED, StationState.RUNNING]
    causes = [event.cause for event in seen if isinstance(event, StationChanged)]
    assert causes[3].startswith("interlock cell.hot: heater.temperature = 85 degC")


def test_until_is_what_clears_it() -> None:
    def course(now: float) -> float:
        return 85.0 if now < 10 else 75.0 if now < 200 else 60.0

    _, heater, _ = played(course, run, until="heater.temperature < 70 degC and not heater.lid", every="5 s")
    assert heater.noted[0] == 260.0, "the wait before it began when the gate was open"


def test_it_does_not_let_go_what_a_person_has_paused() -> None:
    async def script(station: LocalStation) -> RunRecord:
        running = asyncio.create_task(station.run(JOB))
        await asyncio.sleep(50)
        station.pause()
        await asyncio.sleep(450)
        assert station.state is StationState.PAUSED
        station.resume()
        return await running

    _, heater, _ = played(lambda now: 85.0 if 30 < now < 100 else 20.0, script)
    assert heater.noted == [500.0, 500.0, 500.0]


def test_a_signal_that_cannot_be_read_counts_as_tripped() -> None:
    record, heater, seen = played(lambda now: NoReply("silence") if 30 < now < 100 else 20.0, run)
    assert (record.error, heater.noted[0]) == (None, 100.0)
    assert told(seen)[0] == "it cannot be told: silence"


def test_a_reading_that_is_no_number_counts_as_tripped() -> None:
    record, heater, seen = played(lambda now: math.nan if 30 < now < 100 else 20.0, run)
    assert (record.error, heater.noted[0]) == (None, 100.0)
    assert "cannot be told from heater.temperature = nan" in str(told(seen)[0])


def test_a_silent_device_keeps_nobody_from_reading_the_others() -> None:
    async def main() -> float:
        one, two = (Heater(Context(f"cell-{key}", NoOptions(), Limits(key, {}))) for key in ("one", "two"))
        one.get_temperature = asyncio.Event().wait  # for ever
        signals = Signals({"one": one, "two": two})
        silent = asyncio.create_task(signals.read("one.temperature"))
        await asyncio.sleep(1.0)
        await signals.read("two.temperature")
        took = asyncio.get_running_loop().time()
        with pytest.raises(NoReply, match=r"cell-one: temperature did not come within 5 s"):
            await silent
        return took

    loop = LoopThread(VirtualLoop())
    try:
        assert loop.submit(main()).result(10) == 1.0
    finally:
        loop.close()


def test_a_device_that_waits_to_be_opened_anew_cannot_be_read_after_a_minute() -> None:
    async def main() -> float:
        signals = Signals({"one": Heater(Context("cell-one", NoOptions(), Limits("cell-one", {})))})
        async with signals.undisturbed(["one"]):
            with pytest.raises(NoReply, match=r"cell-one: temperature cannot be read: .* opened anew for 60 s"):
                await signals.read("one.temperature")
        assert await signals.read("one.temperature") == 20.0
        return asyncio.get_running_loop().time()

    loop = LoopThread(VirtualLoop())
    try:
        assert loop.submit(main()).result(10) == 60.0
    finally:
        loop.close()


def test_it_watches_on_when_whoever_is_told_of_it_fails() -> None:
    async def script(station: LocalStation) -> StationState:
        await asyncio.sleep(50)
        assert station.state is StationState.PAUSED
        await asyncio.sleep(100)
        return station.state

    def tell(event: Event) -> None:
        if isinstance(event, InterlockTripped | InterlockCleared):
            raise RuntimeError("nobody listens")

    state, _, _ = played(lambda now: 85.0 if 30 < now < 100 else 20.0, script, emit=tell)
    assert state is StationState.IDLE


def test_an_experiment_that_waits_for_a_device_whose_line_is_lost_fails_and_the_next_one_opens_it_anew() -> None:
    lost = LineLost("cell-heater: the cable is out")

    async def script(station: LocalStation) -> tuple[RunRecord, RunRecord]:
        first = await station.run(JOB)
        await asyncio.sleep(60.0)
        return first, await station.run(JOB)

    (first, second), heater, _ = played(lambda now: lost if 30 < now < 100 else 20.0, script)
    assert first.error is lost
    assert second.error is None
    assert len(heater.noted) == 3


def test_then_abort_ends_the_experiment_and_lets_its_cleanup_through() -> None:
    record, heater, _ = played(lambda now: 85.0 if now > 30 else 20.0, run, then="abort")
    assert isinstance(record.error, Aborted)
    assert heater.noted == [31.0]


def test_then_estop_stops_the_station_and_tells_the_lab_and_does_so_again_while_the_condition_holds() -> None:
    reasons: list[str] = []

    async def script(station: LocalStation) -> RunRecord:
        record = await station.run(JOB)
        await station.clear()
        assert station.state is StationState.ESTOPPED, "it is as hot as before"
        await asyncio.sleep(100)
        await station.clear()
        assert station.state is StationState.IDLE
        return record

    record, heater, _ = played(lambda now: 85.0 if 30 < now < 100 else 20.0, script, reasons.append, then="estop")
    assert isinstance(record.error, EmergencyStop)
    assert heater.noted == []
    assert len(reasons) == 2
    assert reasons[0].startswith("interlock cell.hot: heater.temperature = 85 degC")


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("a.x > 80 degC", {"a.x": 81.0}, True),
        ("a.x > 80 degC", {"a.x": 80.0}, False),
        ("0 < a.x <= 353.15 K and not b.on", {"a.x": 80.0, "b.on": False}, True),
        ("a.x == -5e0 degC or a.mode == 'not 5 degC'", {"a.x": 1.0, "a.mode": "not 5 degC"}, True),
        ("lab.a.x > a.y", {"lab.a.x": 2.0, "a.y": 1.0}, True),
        ("b.on == 1", {"b.on": True}, True),
    ],
)
def test_conditions_on_signals(text: str, values: Mapping[str, Any], holds: bool) -> None:
    condition = parse_condition(text).in_units(lambda name: "degC" if name == "a.x" else "")
    assert condition.signals == tuple(values)
    assert condition.holds(values) is holds


@pytest.mark.parametrize(
    "text", ["", "a.x", "5 > 3", "x > 5", "$a.x > 5", "a.x > 5 >", "__import__('os')", "a.x.y.z > 1", "5 mm > 3 mm"]
)
def test_what_is_no_condition_on_signals_is_refused(text: str) -> None:
    if text == "a.x":
        assert parse_condition(text).holds({"a.x": True})
        return
    with pytest.raises(ProcedureError, match="`"):
        parse_condition(text).in_units(lambda name: "mm")


def test_a_heartbeat_that_is_missed_presses_once_and_again_after_the_next() -> None:
    pressed: list[str] = []

    async def main() -> None:
        async with Heartbeat(5.0, pressed.append, own=False) as heartbeat:
            for _ in range(10):
                await asyncio.sleep(4.0)
                heartbeat.beat()
            assert pressed == []
            await asyncio.sleep(30.0)
            assert len(pressed) == 1
            heartbeat.beat()
            await asyncio.sleep(30.0)

    loop = LoopThread(VirtualLoop())
    try:
        loop.submit(main()).result(10)
    finally:
        loop.close()
    assert len(pressed) == 2
    assert pressed[0].startswith("heartbeat: nothing was heard of the lab for ")
