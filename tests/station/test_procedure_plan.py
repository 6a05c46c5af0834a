"""A procedure runs as Bluesky plans do: documents out, limits kept, cleanup always."""

import asyncio
from collections.abc import Callable
from typing import Any

from motet.errors import Aborted, InstrumentError, LimitError, ProcedureError
from motet.model.events import Event, StationChanged, StationState, StepStarted
from motet.model.experiment import Experiment, RunRecord, Suggestion
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.station import LocalStation

MakeProcedure = Callable[..., Procedure]


def _job(procedure: Procedure, x: float = 1.0) -> Job:
    experiment = Experiment("test-1", 1, Suggestion({"x": x}, "asked by the test"))
    return Job(experiment, procedure, units={"x": "mm"})


async def _station(bench: Any, emit: Callable[[Event], object] = lambda event: None) -> LocalStation:
    station = LocalStation("cell", {"gauge": bench.gauge}, await bench.lab_loop.engine(), emit=emit)
    await station.connect()
    return station


async def _run(
    bench: Any, procedure: Procedure, x: float = 3.0, emit: Callable[[Event], object] = lambda event: None
) -> RunRecord:
    station = await _station(bench, emit)
    try:
        return await station.run(_job(procedure, x))
    finally:
        await station.close()


def test_a_run_gives_documents_with_units_and_the_experiments_id(bench: Any, procedure: MakeProcedure) -> None:
    steps = procedure({"gauge.move": {"x": "$x"}}, {"gauge.measure": {}, "as": "m"}, {"gauge.read": {}, "as": "at"})
    record = bench.run(_run(bench, steps))
    assert record.error is None
    kinds = [kind for kind, _ in record.documents]
    assert kinds[0] == "start"
    assert kinds[-1] == "stop"
    start = record.documents[0][1]
    assert (start["experiment"], start["station"], start["parameters"]) == ("test-1/1", "cell", {"x": 3.0})
    assert record.output("m", "value") == [3.0]
    assert record.output("m", "trace") == [[3.0, 3.0, 3.0]]
    assert record.output("at", "place") == [3.0]
    (measured,) = [d for kind, d in record.documents if kind == "descriptor" and d["name"] == "m"]
    assert measured["data_keys"]["cell-gauge-value"]["units"] == "mA"
    assert measured["data_keys"]["cell-gauge-trace"]["shape"] == [3]
    assert record.documents[-1][1]["exit_status"] == "success"


def test_references_are_converted_to_the_unit_of_the_argument(bench: Any, procedure: MakeProcedure) -> None:
    steps = procedure({"gauge.shift": {"x": "$x"}}, {"gauge.shift": {"x": "0.5 mm"}})
    bench.run(_run(bench, steps, x=0.25))
    assert bench.gauge.calls == ["shift 250", "shift 500"]


def test_an_output_of_a_step_is_an_argument_of_a_later_one(bench: Any, procedure: MakeProcedure) -> None:
    steps = procedure(
        {"gauge.move": {"x": 4}},
        {"gauge.read": {}, "as": "first"},
        {"gauge.move": {"x": 1}},
        {"gauge.move": {"x": "$first.place"}},
    )
    bench.run(_run(bench, steps))
    assert bench.gauge.calls == ["move 4", "move 1", "move 4"]


def test_repeat_ends_when_its_condition_holds_and_fails_when_it_never_does(
    bench: Any, procedure: MakeProcedure
) -> None:
    def lowering(times: int) -> dict[str, Any]:
        steps: list[Any] = [{"gauge.shift": {"x": 1000}}, {"gauge.measure": {}, "as": "m"}]
        return {"repeat": {"times": times, "until": "$m.value > 2.5", "steps": steps}}

    record = bench.run(_run(bench, procedure(lowering(10))))
    assert record.error is None
    assert record.output("m", "value") == [1.0, 2.0, 3.0]
    bench.gauge.place_mm = 0.0
    record = bench.run(_run(bench, procedure(lowering(2))))
    assert isinstance(record.error, ProcedureError)
    assert "$m.value > 2.5" in str(record.error)
    assert "2.0" in str(record.error)


def test_if_takes_the_branch_of_its_condition(bench: Any, procedure: MakeProcedure) -> None:
    steps = procedure({"if": "$x > 2", "then": [{"gauge.move": {"x": 5}}], "else": [{"gauge.move": {"x": 6}}]})
    bench.run(_run(bench, steps, x=3))
    bench.run(_run(bench, steps, x=1))
    assert bench.gauge.calls == ["move 5", "move 6"]


def test_the_whole_plan_is_checked_before_the_first_move(bench: Any, procedure: MakeProcedure) -> None:
    steps = procedure({"gauge.move": {"x": 5}}, {"if": "$x > 100", "then": [{"gauge.move": {"x": "$x"}}]})
    record = bench.run(_run(bench, steps, x=50.5))
    assert isinstance(record.error, LimitError)
    for part in ("cell-gauge", "50.5 mm", "[0, 50] mm"):
        assert part in str(record.error)
    assert bench.gauge.calls == []


def test_a_limit_holds_for_values_known_only_during_the_run(bench: Any, procedure: MakeProcedure) -> None:
    steps = procedure({"gauge.read": {}, "as": "at"}, {"gauge.measure": {}}, {"gauge.move": {"x": "$at.place"}})
    bench.gauge.place_mm = 99.0
    record = bench.run(_run(bench, steps))
    assert isinstance(record.error, LimitError)
    assert bench.gauge.calls == ["measure"]
    assert record.documents[-1][1]["exit_status"] == "fail"


def test_cleanup_runs_after_a_failure_and_the_first_error_is_kept(bench: Any, procedure: MakeProcedure) -> None:
    errors = iter([InstrumentError("E07 overload"), InstrumentError("E09 stuck")])
    bench.gauge.fails = lambda: next(errors, None)
    record = bench.run(_run(bench, procedure({"gauge.measure": {}}, cleanup=[{"gauge.move": {"x": 0}}])))
    assert bench.gauge.calls == ["measure", "move 0", "safe"]
    assert str(record.error) == "E07 overload"


def test_steps_are_announced_in_their_order(bench: Any, procedure: MakeProcedure) -> None:
    events: list[Event] = []
    bench.run(_run(bench, procedure({"gauge.move": {"x": 1}}, {"wait": "1 ms"}, "gauge.measure"), emit=events.append))
    assert [e.step for e in events if isinstance(e, StepStarted)] == [
        "gauge.move",
        "wait 1 ms",
        "gauge.measure",
    ]
    states = [e.state for e in events if isinstance(e, StationChanged)]
    assert states == [
        StationState.CONNECTING,
        StationState.IDLE,
        StationState.RUNNING,
        StationState.IDLE,
        StationState.OFFLINE,
    ]


def test_abort_stops_in_mid_move_runs_cleanup_and_says_why(bench: Any, procedure: MakeProcedure) -> None:
    async def scenario() -> RunRecord:
        bench.gauge.blocked = asyncio.Event()
        steps = procedure({"gauge.move": {"x": 9}}, {"gauge.measure": {}}, cleanup=["gauge.measure"])
        station = await _station(bench)
        running = asyncio.create_task(station.run(_job(steps)))
        await bench.gauge.moving.wait()
        bench.gauge.blocked.set()
        bench.gauge.blocked = asyncio.Event()
        bench.gauge.moving.clear()
        await bench.gauge.moving.wait()
        await station.abort("the test says so")
        bench.gauge.blocked.set()
        record = await running
        await station.close()
        return record

    record = bench.run(scenario())
    assert isinstance(record.error, Aborted)
    assert str(record.error) == "the test says so"
    assert bench.gauge.calls == ["move 9", "measure", "stop", "measure"]
    assert bench.gauge.stopped_while_moving
    assert record.documents[-1][1]["exit_status"] == "abort"


def test_pause_holds_before_the_next_step_and_resume_goes_on(bench: Any, procedure: MakeProcedure) -> None:
    async def scenario() -> RunRecord:
        bench.gauge.blocked = asyncio.Event()
        station = await _station(bench)
        running = asyncio.create_task(station.run(_job(procedure({"gauge.move": {"x": 9}}, {"gauge.measure": {}}))))
        await bench.gauge.moving.wait()
        station.pause()
        bench.gauge.blocked.set()
        done, _ = await asyncio.wait([running], timeout=0.2)
        assert not done
        assert bench.gauge.calls == ["move 9"]
        station.resume()
        record = await running
        await station.close()
        return record

    assert bench.run(scenario()).error is None
    assert bench.gauge.calls == ["move 9", "measure"]


def test_abort_ends_a_paused_experiment(bench: Any, procedure: MakeProcedure) -> None:
    async def scenario() -> RunRecord:
        station = await _station(bench)
        station.pause()
        running = asyncio.create_task(station.run(_job(procedure({"gauge.move": {"x": 9}}))))
        done, _ = await asyncio.wait([running], timeout=0.2)
        assert not done
        await station.abort("enough")
        record = await running
        await station.close()
        return record

    assert isinstance(bench.run(scenario()).error, Aborted)
    assert bench.gauge.calls == []


def test_abort_cuts_a_wait_short(bench: Any, procedure: MakeProcedure) -> None:
    async def scenario() -> RunRecord:
        waiting = asyncio.Event()

        def see(event: Event) -> None:
            if isinstance(event, StepStarted):
                waiting.set()

        station = await _station(bench, see)
        running = asyncio.create_task(station.run(_job(procedure({"wait": "1 h"}, {"gauge.measure": {}}))))
        await waiting.wait()
        await station.abort("enough")
        record = await running
        await station.close()
        return record

    assert isinstance(bench.run(scenario()).error, Aborted)
    assert bench.gauge.calls == []


def test_abort_without_an_experiment_does_nothing_and_the_next_one_runs(bench: Any, procedure: MakeProcedure) -> None:
    async def scenario() -> RunRecord:
        station = await _station(bench)
        await station.abort("nothing runs")
        record = await station.run(_job(procedure({"gauge.move": {"x": 9}})))
        await station.close()
        return record

    assert bench.run(scenario()).error is None


def test_a_defect_in_a_driver_is_handed_over_as_it_is(bench: Any, procedure: MakeProcedure) -> None:
    bench.gauge.fails = lambda: ZeroDivisionError("in the driver")
    record = bench.run(_run(bench, procedure({"gauge.measure": {}})))
    assert isinstance(record.error, ZeroDivisionError)


def test_safe_reaches_every_device(bench: Any, procedure: MakeProcedure) -> None:
    async def scenario() -> None:
        station = await _station(bench)
        await station.safe()
        await station.close()

    bench.run(scenario())
    assert bench.gauge.calls == ["safe"]


def test_a_cleanup_that_fails_leaves_the_devices_safe(bench: Any, procedure: MakeProcedure) -> None:
    errors = iter([None, InstrumentError("E09 stuck")])
    bench.gauge.fails = lambda: next(errors, None)
    steps = procedure({"gauge.measure": {}}, cleanup=[{"gauge.move": {"x": 0}}, {"gauge.measure": {}}])
    record = bench.run(_run(bench, steps))
    assert str(record.error) == "E09 stuck"
    assert bench.gauge.calls == ["measure", "move 0", "safe"]
