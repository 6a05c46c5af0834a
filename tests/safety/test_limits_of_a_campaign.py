"""Limits of instrument, lab and campaign: the tightest holds, and the message says whose it is."""

from collections.abc import Generator, Mapping
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky import Msg

from motet.contracts.declarations import NoOptions
from motet.devices import Context, Device, Limit, Limits, verb
from motet.errors import LimitError, ProcedureError
from motet.model.experiment import Experiment, RunRecord, Suggestion
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.model.values import PluginRef
from motet.simulation.thread import LoopThread
from motet.simulation.virtual import VirtualLoop
from motet.station import LocalStation
from motet.station.fast import FastEngine


class Stage(Device):
    """Goes where it is told to, absolutely and by steps."""

    def __init__(self, context: Context) -> None:
        self.at = 0.0
        super().__init__(context)

    @verb(units={"x": "mm"}, limits={"x": (-100.0, 100.0)})
    async def move(self, x: float) -> None:
        """Go there."""
        self.at = x

    @verb(units={"x": "mm"}, relative=("x",))
    async def move_by(self, x: float) -> None:
        """Go further."""
        self.at = self.limits.check("x", self.at + x)

    @verb(units={"x": "um"}, relative=("x",))
    async def nudge(self, x: float) -> None:
        """Go a little further."""
        self.at = self.limits.check("x", self.at + x / 1000)


class OddStage(Stage):
    """Takes one quantity in two units."""

    @verb(units={"x": "um"})
    async def creep(self, x: float) -> None:
        """Go there slowly."""
        self.at = x / 1000


def plan(devices: Mapping[str, Device], parameters: Mapping[str, Any]) -> Generator[Msg, Any, None]:
    """Goes to x."""
    yield from bpp.run_wrapper(bps.abs_set(devices["stage"].verbs["move"], {"x": parameters["x"]}, wait=True))


def steps(*steps: Any) -> Procedure:
    return Procedure.model_validate({"parameters": {"x": "mm"}, "steps": list(steps)})


def ran(*jobs: Job, kind: type[Stage] = Stage) -> list[RunRecord]:
    """What became of jobs at a station whose lab allows x in [-50, 50] mm."""

    async def main() -> list[RunRecord]:
        limits = Limits("cell-stage", {"x": Limit(-50.0, 50.0, "mm")})
        stage = kind(Context("cell-stage", NoOptions(), limits))
        station = LocalStation("cell", {"stage": stage}, FastEngine(), plans=lambda ref: plan)
        await station.connect()
        records = [await station.run(job) for job in jobs]
        await station.close()
        return records

    loop = LoopThread(VirtualLoop())
    try:
        return loop.submit(main()).result(10)
    finally:
        loop.close()


def job(x: float, work: Any, **limits: Any) -> Job:
    experiment = Experiment("test-1", 1, Suggestion({"x": x}, "asked by the test"))
    named = {f"{key.replace('_', '.')}": bounds for key, bounds in limits.items()}
    return Job(experiment, work, units={"x": "mm"}, limits=named)


MOVE = steps({"stage.move": {"x": "$x"}})
BY = steps({"stage.move_by": {"x": "$x"}})
PLUGIN = PluginRef(name="plan")


@pytest.mark.parametrize(
    ("x", "work", "limit", "whose"),
    [
        (101.0, MOVE, "[-100, 100] mm", "the instrument"),
        (51.0, MOVE, "[-50, 50] mm", "the lab file"),
        (21.0, MOVE, "[0, 20] mm", "the campaign file"),
        (21.0, PLUGIN, "[0, 20] mm", "the campaign file"),
        (21.0, BY, "[0, 20] mm", "the campaign file"),
    ],
)
def test_the_tightest_holds_whatever_is_asked_and_the_message_says_whose_it_is(
    x: float, work: Any, limit: str, whose: str
) -> None:
    (record,) = ran(job(x, work, stage_x=("0 cm", "2 cm")))
    assert isinstance(record.error, LimitError)
    assert str(record.error).endswith(f"x = {x:g} mm is beyond its limit {limit}, set by {whose}")


def test_they_hold_for_the_time_of_the_job_only() -> None:
    tight, free = job(21.0, MOVE, stage_x=(0, 20)), job(21.0, MOVE)
    assert [type(record.error) for record in ran(tight, free, tight)] == [LimitError, type(None), LimitError]


def test_those_of_devices_at_other_stations_are_none_of_this_one() -> None:
    assert ran(job(21.0, MOVE, oven_temperature=(0, 20)))[0].error is None


def test_a_limit_of_what_the_device_does_not_have_is_refused() -> None:
    (record,) = ran(job(1.0, MOVE, stage_y=(0, 20)))
    assert isinstance(record.error, ProcedureError)
    assert "limit of stage.y: cell-stage has no such quantity; it has: x" in str(record.error)


def test_a_quantity_in_two_units_is_refused_where_its_limit_cannot_be_told() -> None:
    work = steps({"stage.creep": {"x": "$x"}}), steps({"stage.move": {"x": "$x"}})
    records = ran(*(job(21.0, one, stage_x=("0 cm", "2 cm")) for one in work), kind=OddStage)
    assert all(isinstance(record.error, LimitError) for record in records)
    assert "its verbs take it in different units" in str(records[0].error)
