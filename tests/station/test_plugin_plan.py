"""A procedure written as a Bluesky plan runs like one in YAML."""

import asyncio
from collections.abc import Generator, Mapping
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky import Msg

from motet.contracts.declarations import NoOptions
from motet.devices import Context, Limits
from motet.errors import Aborted, NoReply
from motet.model.experiment import Experiment, RunRecord, Suggestion
from motet.model.job import Job
from motet.model.values import PluginRef
from motet.station import LocalStation

JOB = Job(Experiment("test-1", 1, Suggestion({"x": 4.0}, "asked by the test")), PluginRef(name="plan"))


def measure(devices: Mapping[str, Any], parameters: Mapping[str, Any]) -> Generator[Msg, Any, None]:
    """Move to x, measure, and go home whatever happens."""
    verbs = devices["gauge"].verbs

    def steps() -> Generator[Msg, Any, None]:
        yield from bps.checkpoint()
        yield from bps.abs_set(verbs["move"], {"x": parameters["x"]}, wait=True)
        yield from bps.checkpoint()
        yield from bps.abs_set(verbs["measure"], {}, wait=True)
        yield from bps.create("m")
        yield from bps.read(verbs["measure"])
        yield from bps.save()

    def home() -> Generator[Msg, Any, None]:
        yield from bps.abs_set(verbs["move"], {"x": 0.0}, wait=True)

    yield from bpp.run_wrapper(bpp.finalize_wrapper(steps(), home))


async def _station(bench: Any) -> LocalStation:
    station = LocalStation("cell", {"gauge": bench.gauge}, await bench.lab_loop.engine(), plans=lambda ref: measure)
    await station.connect()
    return station


def test_its_runs_carry_the_experiments_id_and_its_outputs_are_found(bench: Any) -> None:
    async def scenario() -> RunRecord:
        station = await _station(bench)
        record = await station.run(JOB)
        await station.close()
        return record

    record = bench.run(scenario())
    assert record.error is None
    assert record.documents[0][1]["experiment"] == "test-1/1"
    assert record.output("m", "value") == [4.0]
    assert bench.gauge.calls == ["move 4", "measure", "move 0"]


def test_abort_stops_what_moves_and_runs_its_finalizer(bench: Any) -> None:
    async def scenario() -> RunRecord:
        station = await _station(bench)
        bench.gauge.blocked = asyncio.Event()
        running = asyncio.create_task(station.run(JOB))
        await bench.gauge.moving.wait()
        await station.abort("enough")
        bench.gauge.blocked.set()
        record = await running
        await station.close()
        return record

    record = bench.run(scenario())
    assert isinstance(record.error, Aborted)
    assert bench.gauge.calls == ["move 4", "stop", "move 0"]
    assert bench.gauge.stopped_while_moving


def test_pause_takes_effect_at_a_checkpoint(bench: Any) -> None:
    async def scenario() -> RunRecord:
        station = await _station(bench)
        station.pause()
        running = asyncio.create_task(station.run(JOB))
        done, _ = await asyncio.wait([running], timeout=0.2)
        assert not done
        assert bench.gauge.calls == []
        station.resume()
        record = await running
        await station.close()
        return record

    assert bench.run(scenario()).error is None


def test_a_device_that_cannot_be_stopped_does_not_keep_the_others_moving(bench: Any) -> None:
    def both(devices: Mapping[str, Any], parameters: Mapping[str, Any]) -> Generator[Msg, Any, None]:
        for device in devices.values():
            yield from bps.abs_set(device.verbs["move"], {"x": parameters["x"]}, group="both")
        yield from bps.wait("both")

    async def scenario() -> None:
        async def stop(self: Any, success: bool = True) -> None:
            raise NoReply("the device is dead")

        kind: Any = bench.gauge.__class__
        dead: Any = type("Dead", (kind,), {"stop": stop})(Context("cell-dead", NoOptions(), Limits("cell-dead", {})))
        bench.gauge.blocked = dead.blocked = asyncio.Event()
        devices = {"dead": dead, "gauge": bench.gauge}
        station = LocalStation("cell", devices, await bench.lab_loop.engine(), plans=lambda ref: both)
        await station.connect()
        running = asyncio.create_task(station.run(JOB))
        await dead.moving.wait()
        await bench.gauge.moving.wait()
        with pytest.raises(NoReply):
            await station.abort("enough")
        assert bench.gauge.stopped_while_moving
        await running
        await station.close()

    bench.run(scenario())
