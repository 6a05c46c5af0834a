"""The fast engine does what the RunEngine does: the same steps, outputs and errors, at the same times."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky import Msg

from motet.devices import Device
from motet.errors import Aborted, InstrumentError, LimitError, ProcedureError, StoreError
from motet.model.events import Event, StepStarted
from motet.model.experiment import Experiment, RunRecord, Suggestion
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.model.values import PluginRef
from motet.simulation.virtual import VirtualLoop
from motet.station import LocalStation
from motet.station.engine import LabLoop
from motet.station.fast import FastEngine
from motet.station.station import Engine

MakeProcedure = Callable[..., Procedure]
Script = Callable[[LocalStation, Job], Awaitable[RunRecord]]
EXPERIMENT = Experiment("test-1", 1, Suggestion({"x": 4.0}, "asked by the test"))
HOUR_S = 3600.0


@dataclass(frozen=True)
class Course:
    """What happened, as far as both engines must agree."""

    error: str
    outputs: Sequence[tuple[str, Mapping[str, Any]]]
    calls: Sequence[str]
    steps: Sequence[tuple[str, float]]
    ended: float


@pytest.fixture(name="bench")
def _bench(bench: Any) -> Any:
    """The bench of these tests, in virtual time: what takes an hour takes nothing."""
    bench.lab_loop.close()
    loop = VirtualLoop()
    bench.lab_loop = LabLoop(loop)
    yield bench
    bench.lab_loop.close()


Play = Callable[..., Course]


@pytest.fixture
def play(bench: Any) -> Play:
    """Runs a procedure or plan on either engine, from the same state, and tells what happened."""

    def course(work: Any, fast: bool, script: Script | None, fails: Callable[[], Exception | None]) -> Course:
        gauge = bench.gauge
        gauge.calls.clear()
        gauge.place_mm, gauge.blocked, gauge.fails = 0.0, None, fails
        gauge.moving = asyncio.Event()
        steps: list[tuple[str, float]] = []

        async def main() -> Course:
            loop = asyncio.get_running_loop()
            began = loop.time()

            def see(event: Event) -> None:
                if isinstance(event, StepStarted):
                    steps.append((event.step, round(loop.time() - began, 6)))

            engine: Engine = FastEngine() if fast else await bench.lab_loop.engine()
            station = LocalStation("cell", {"gauge": gauge}, engine, plans=lambda ref: work, emit=see)
            await station.connect()
            job = Job(EXPERIMENT, work if isinstance(work, Procedure) else PluginRef(name="plan"), units={"x": "mm"})
            record = await (station.run(job) if script is None else script(station, job))
            assert engine.state == "idle"
            await station.close()
            return Course(
                f"{type(record.error).__name__}: {record.error}",
                _outputs(record),
                tuple(gauge.calls),
                tuple(steps),
                round(loop.time() - began, 6),
            )

        return bench.run(main())

    def both(work: Any, script: Script | None = None, fails: Sequence[Exception | None] = ()) -> Course:
        courses: list[Course] = []
        for fast in (False, True):
            errors = iter(fails)
            courses.append(course(work, fast, script, lambda errors=errors: next(errors, None)))
        full, fast_course = courses
        assert fast_course == full
        return full

    return both


def _outputs(record: RunRecord) -> list[tuple[str, Mapping[str, Any]]]:
    streams = {document["uid"]: document["name"] for kind, document in record.documents if kind == "descriptor"}
    return [(streams[d["descriptor"]], dict(d["data"])) for kind, d in record.documents if kind == "event"]


def test_a_procedure_gives_the_same_outputs_at_the_same_times(play: Play, procedure: MakeProcedure) -> None:
    found = play(
        procedure(
            {"gauge.move": {"x": "$x"}},
            {"wait": "1 h"},
            {"gauge.measure": {"points": 2}, "as": "m"},
            {"gauge.read": {}, "as": "at"},
            {
                "repeat": {
                    "times": 3,
                    "until": "$n.value > 5.5",
                    "steps": [{"gauge.shift": {"x": 1000}}, {"gauge.measure": {}, "as": "n"}],
                }
            },
            {"if": "$x > 2", "then": [{"gauge.move": {"x": "$at.place"}}]},
            cleanup=[{"wait": "10 s"}, {"gauge.move": {"x": 0}}],
        )
    )
    assert found.error == "NoneType: None"
    assert found.outputs[0] == ("m", {"cell-gauge-value": 4.0, "cell-gauge-trace": [4.0, 4.0]})
    assert [stream for stream, _ in found.outputs] == ["m", "at", "n", "n"]
    assert found.calls[-2:] == ("move 4", "move 0")
    assert found.ended == HOUR_S + 10


def test_a_failure_is_followed_by_cleanup_and_handed_over_as_it_is(play: Play, procedure: MakeProcedure) -> None:
    work = procedure({"gauge.move": {"x": 1}}, {"gauge.measure": {}, "as": "m"}, cleanup=[{"gauge.move": {"x": 0}}])
    found = play(work, fails=[None, InstrumentError("E07 overload")])
    assert found.error == "InstrumentError: E07 overload"
    assert found.calls == ("move 1", "measure", "move 0")
    assert found.outputs == []


def test_a_cleanup_that_fails_leaves_the_devices_safe(play: Play, procedure: MakeProcedure) -> None:
    work = procedure({"gauge.move": {"x": 1}}, cleanup=[{"gauge.measure": {}}])
    found = play(work, fails=[InstrumentError("E07 overload"), InstrumentError("E09 stuck")])
    assert found.error == "InstrumentError: E07 overload"
    assert found.calls == ("move 1", "measure", "safe")


def test_a_defect_in_a_driver_is_handed_over_as_it_is(play: Play, procedure: MakeProcedure) -> None:
    assert play(procedure({"gauge.measure": {}}), fails=[ZeroDivisionError("oops")]).error == "ZeroDivisionError: oops"


def test_limits_hold_before_and_during_the_run(play: Play, procedure: MakeProcedure) -> None:
    found = play(procedure({"gauge.measure": {}}, {"gauge.move": {"x": 50.5}}))
    assert found.error.startswith(f"{LimitError.__name__}: ")
    assert found.calls == ()
    shifted: list[Any] = [
        {"gauge.shift": {"x": 60_000}},
        {"gauge.read": {}, "as": "at"},
        {"gauge.move": {"x": "$at.place"}},
    ]
    found = play(procedure(*shifted))
    assert found.error.startswith(f"{LimitError.__name__}: ")
    assert found.calls == ("shift 60000",)


def test_a_repetition_that_does_not_come_true_fails(play: Play, procedure: MakeProcedure) -> None:
    steps: list[Any] = [{"gauge.measure": {}, "as": "m"}]
    found = play(procedure({"repeat": {"times": 2, "until": "$m.value > 5", "steps": steps}}))
    assert found.error.startswith(f"{ProcedureError.__name__}: `$m.value > 5` did not come true in 2 repetitions")


def test_abort_stops_in_mid_move_and_runs_cleanup(bench: Any, play: Play, procedure: MakeProcedure) -> None:
    async def script(station: LocalStation, job: Job) -> RunRecord:
        bench.gauge.blocked = asyncio.Event()
        running = asyncio.create_task(station.run(job))
        await bench.gauge.moving.wait()
        await asyncio.sleep(5.0)
        await station.abort("the test says so")
        bench.gauge.blocked.set()
        return await running

    found = play(procedure({"gauge.move": {"x": 9}}, {"gauge.measure": {}}, cleanup=["gauge.measure"]), script)
    assert found.error == f"{Aborted.__name__}: the test says so"
    assert found.calls == ("move 9", "stop", "measure")
    assert found.ended == 5.0


def test_abort_cuts_a_wait_short(play: Play, procedure: MakeProcedure) -> None:
    async def script(station: LocalStation, job: Job) -> RunRecord:
        running = asyncio.create_task(station.run(job))
        await asyncio.sleep(60.0)
        await station.abort("enough")
        return await running

    work = procedure({"wait": "1 h"}, {"gauge.measure": {}}, cleanup=[{"wait": "10 s"}, {"gauge.move": {"x": 0}}])
    found = play(work, script)
    assert found.error == "Aborted: enough"
    assert found.calls == ("move 0",)
    assert found.ended == 70.0


def test_a_pause_holds_before_the_next_step(bench: Any, play: Play, procedure: MakeProcedure) -> None:
    async def script(station: LocalStation, job: Job) -> RunRecord:
        bench.gauge.blocked = asyncio.Event()
        running = asyncio.create_task(station.run(job))
        await bench.gauge.moving.wait()
        station.pause()
        bench.gauge.blocked.set()
        await asyncio.sleep(HOUR_S)
        assert bench.gauge.calls == ["move 9"]
        station.resume()
        return await running

    found = play(procedure({"gauge.move": {"x": 9}}, {"gauge.measure": {}}), script)
    assert found.calls == ("move 9", "measure")
    assert found.steps == (("gauge.move", 0.0), ("gauge.measure", HOUR_S))


def test_abort_ends_a_paused_experiment(play: Play, procedure: MakeProcedure) -> None:
    async def script(station: LocalStation, job: Job) -> RunRecord:
        station.pause()
        running = asyncio.create_task(station.run(job))
        await asyncio.sleep(HOUR_S)
        await station.abort("enough")
        return await running

    found = play(procedure({"gauge.move": {"x": 9}}), script)
    assert (found.error, found.calls) == ("Aborted: enough", ())


def test_nothing_moves_before_it_is_cleared(bench: Any, play: Play, procedure: MakeProcedure) -> None:
    async def script(station: LocalStation, job: Job) -> RunRecord:
        cleared: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(3.0, cleared.set_exception, StoreError("disk full"))
        return await station.run(job, cleared)

    found = play(procedure({"gauge.move": {"x": 9}}), script)
    assert found.error == f"{StoreError.__name__}: disk full"
    assert (found.calls, found.ended) == ((), 3.0)


def test_the_next_experiment_runs_after_one_that_was_aborted(play: Play, procedure: MakeProcedure) -> None:
    async def script(station: LocalStation, job: Job) -> RunRecord:
        running = asyncio.create_task(station.run(job))
        await asyncio.sleep(1.0)
        await station.abort("enough")
        assert isinstance((await running).error, Aborted)
        return await station.run(job)

    found = play(procedure({"wait": "10 s"}, {"gauge.measure": {}, "as": "m"}), script)
    assert (found.error, found.ended) == ("NoneType: None", 11.0)
    assert [stream for stream, _ in found.outputs] == ["m"]


def scan(devices: Mapping[str, Device], parameters: Mapping[str, Any]) -> Generator[Msg, Any, None]:
    """Move to x, wait, measure twice, and go home whatever happens."""
    verbs = devices["gauge"].verbs

    def steps() -> Generator[Msg, Any, None]:
        for _ in range(2):
            yield from bps.checkpoint()
            yield from bps.abs_set(verbs["move"], {"x": parameters["x"]}, wait=True)
            yield from bps.sleep(30.0)
            yield from bps.abs_set(verbs["measure"], {}, group="measure")
            yield from bps.wait(group="measure")
            yield from bps.create("m")
            yield from bps.read(verbs["measure"])
            yield from bps.save()

    def home() -> Generator[Msg, Any, None]:
        yield from bps.abs_set(verbs["move"], {"x": 0.0}, wait=True)

    yield from bpp.run_wrapper(bpp.finalize_wrapper(steps(), home))


def test_a_plugins_plan_gives_the_same_outputs_at_the_same_times(play: Play) -> None:
    found = play(scan)
    assert [data["cell-gauge-value"] for _, data in found.outputs] == [4.0, 4.0]
    assert (found.calls[-1], found.ended) == ("move 0", 60.0)


def test_abort_of_a_plugins_plan_runs_its_finalizer_wherever_it_waits(play: Play) -> None:
    async def script(station: LocalStation, job: Job) -> RunRecord:
        running = asyncio.create_task(station.run(job))
        await asyncio.sleep(10.0)
        await station.abort("enough")
        return await running

    found = play(scan, script)
    assert (found.error, found.calls, found.ended) == ("Aborted: enough", ("move 4", "move 0"), 10.0)


def test_a_plan_may_handle_a_failure_itself(play: Play) -> None:
    def again(devices: Mapping[str, Device], parameters: Mapping[str, Any]) -> Generator[Msg, Any, None]:
        def once() -> Generator[Msg, Any, None]:
            yield from bps.abs_set(devices["gauge"].verbs["measure"], {}, wait=True)

        def once_more(error: Exception) -> Generator[Msg, Any, None]:
            yield from once()

        yield from bpp.run_wrapper(bpp.contingency_wrapper(once(), except_plan=once_more, auto_raise=False))

    found = play(again, fails=[InstrumentError("E07 overload")])
    assert found.error == "NoneType: None"
    assert found.calls == ("measure", "measure")


@pytest.mark.parametrize(
    ("message", "name"),
    [(Msg("trigger", None), "trigger"), (Msg("stage", None), "stage"), (Msg("monitor", None), "monitor")],
)
def test_a_message_that_it_does_not_know_is_refused_by_its_name(bench: Any, message: Msg, name: str) -> None:
    def plan(devices: Mapping[str, Device], parameters: Mapping[str, Any]) -> Generator[Msg, Any, None]:
        def home() -> Generator[Msg, Any, None]:
            yield from bps.abs_set(devices["gauge"].verbs["move"], {"x": 0.0}, wait=True)

        def steps() -> Generator[Msg, Any, None]:
            yield message

        yield from bpp.run_wrapper(bpp.finalize_wrapper(steps(), home))

    async def scenario() -> RunRecord:
        station = LocalStation("cell", {"gauge": bench.gauge}, FastEngine(), plans=lambda ref: plan)
        await station.connect()
        return await station.run(Job(EXPERIMENT, PluginRef(name="plan")))

    record = bench.run(scenario())
    assert isinstance(record.error, ProcedureError)
    assert f"the fast run cannot do the plan's message {name!r}; it knows: checkpoint, " in str(record.error)
    assert bench.gauge.calls == ["move 0"], "its finalizer runs"


def _together(devices: Mapping[str, Device]) -> Generator[Msg, Any, None]:
    """The gauge's move, which takes an hour, and a measurement that fails at once."""
    verbs = devices["gauge"].verbs
    yield from bps.abs_set(verbs["move"], {"x": 1.0}, group="both")
    yield from bps.abs_set(verbs["measure"], {}, group="both")
    yield from bps.wait("both")


def _impatient(devices: Mapping[str, Device]) -> Generator[Msg, Any, None]:
    """Waits for the gauge's move, which takes an hour, for five seconds."""
    yield from bps.abs_set(devices["gauge"].verbs["move"], {"x": 1.0}, group="move")
    yield from bps.wait("move", timeout=5.0)


def _waits(devices: Mapping[str, Device]) -> Generator[Msg, Any, None]:
    """Waits for what takes an hour, for five seconds."""
    yield Msg("wait_for", None, [lambda: asyncio.sleep(HOUR_S)], timeout=5.0)


@pytest.mark.parametrize("steps", [_together, _impatient, _waits])
def test_a_wait_ends_with_its_first_failure_and_at_its_timeout(
    bench: Any, play: Play, steps: Callable[[Mapping[str, Device]], Generator[Msg, Any, None]]
) -> None:
    def plan(devices: Mapping[str, Device], parameters: Mapping[str, Any]) -> Generator[Msg, Any, None]:
        yield from bpp.run_wrapper(steps(devices))

    async def script(station: LocalStation, job: Job) -> RunRecord:
        bench.gauge.blocked = asyncio.Event()
        asyncio.get_running_loop().call_later(HOUR_S, bench.gauge.blocked.set)
        return await station.run(job)

    found = play(plan, script, fails=[None, InstrumentError("E07 overload")])
    assert found.ended <= 5.0
    assert not found.error.startswith("NoneType")
