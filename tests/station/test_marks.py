"""What must not be repeated is on the disk before it begins, and nothing else counts as begun after a crash."""

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky import Msg

from motet.api.marks import StoreMarks
from motet.contracts.declarations import NoOptions
from motet.devices import Context, Device, Limits, verb
from motet.errors import Aborted, EmergencyStop, Interrupted, StoreError
from motet.model.experiment import Experiment, Suggestion
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.model.values import PluginRef
from motet.station import LocalStation
from motet.station.fast import FastEngine
from motet.store import CampaignRecord, Stamp, Store

EXPERIMENT = Experiment("test-1", 1, Suggestion({"x": 4.0}, "asked by the test"))


class Pump(Device):
    """Dispenses."""

    def __init__(self, context: Context) -> None:
        self.done: list[str] = []
        super().__init__(context)

    @verb(repeatable=False)
    async def dispense(self) -> None:
        """Dispense."""
        self.done.append("dispense")

    @verb(repeatable=False)
    async def aspirate(self) -> None:
        """Aspirate."""
        self.done.append("aspirate")

    @verb()
    async def rinse(self) -> None:
        """Rinse."""
        self.done.append("rinse")

    async def stop(self, success: bool = True) -> None:
        """Nothing goes on."""

    async def safe(self) -> None:
        """It is."""


class Notebook:
    """Marks that the test writes down, when it may."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self.asked, self.may = asyncio.Event(), asyncio.Event()
        self.fails: Exception | None = None
        self.may.set()

    async def begins(self, job: Job, step: str) -> None:
        self.asked.set()
        await self.may.wait()
        if self.fails is not None:
            raise self.fails
        self.noted.append(f"{job.id} {step}")

    async def begun(self, job: Job) -> Sequence[str]:
        return [note.partition(" ")[2] for note in self.noted if note.startswith(job.id)]


def plan(devices: Mapping[str, Device], parameters: Mapping[str, Any]) -> Generator[Msg, Any, None]:
    """A plugin's."""
    yield from bpp.run_wrapper(bps.abs_set(devices["pump"].verbs["dispense"], {}, wait=True))


PLUGIN = Job(EXPERIMENT, PluginRef(name="dispenses"))


def steps(*labels: str) -> Job:
    return Job(EXPERIMENT, Procedure.model_validate({"steps": list(labels)}))


async def _station(bench: Any, full: bool = False) -> tuple[LocalStation, Pump, Notebook]:
    pump = Pump(Context("cell-pump", NoOptions(), Limits("cell-pump", {})))
    engine = await bench.lab_loop.engine() if full else FastEngine()
    station = LocalStation("cell", {"pump": pump}, engine, plans=lambda ref: plan)
    station.marks = notebook = Notebook()
    await station.connect()
    return station, pump, notebook


@pytest.mark.parametrize("full", [True, False], ids=["RunEngine", "fast"])
@pytest.mark.parametrize("job", [steps("pump.rinse", "pump.dispense"), PLUGIN], ids=["steps", "plugin"])
def test_a_step_that_must_not_be_repeated_begins_when_it_is_noted(bench: Any, full: bool, job: Job) -> None:
    async def scenario() -> None:
        station, pump, notebook = await _station(bench, full)
        notebook.may.clear()
        running = asyncio.create_task(station.run(job))
        await notebook.asked.wait()
        assert "dispense" not in pump.done
        notebook.may.set()
        record = await running
        assert (record.error, record.unrepeatable) == (None, ("pump.dispense",))
        assert (pump.done[-1], notebook.noted) == ("dispense", ["test-1/1/1 pump.dispense"])
        await station.close()

    bench.run(scenario())


async def _fail(station: LocalStation, notebook: Notebook) -> None:
    notebook.fails = StoreError("disk gone")
    notebook.may.set()


async def _abort(station: LocalStation, notebook: Notebook) -> None:
    await station.abort("enough")


async def _estop(station: LocalStation, notebook: Notebook) -> None:
    await station.estop("smoke")


@pytest.mark.parametrize(
    ("end", "error"),
    [(_fail, StoreError), (_abort, Aborted), (_estop, EmergencyStop)],
    ids=["store fails", "aborted", "e-stopped"],
)
def test_what_ends_before_it_is_noted_is_not_begun(
    bench: Any, end: Callable[[LocalStation, Notebook], Any], error: type[Exception]
) -> None:
    async def scenario() -> None:
        station, pump, notebook = await _station(bench)
        notebook.may.clear()
        running = asyncio.create_task(station.run(steps("pump.dispense")))
        await notebook.asked.wait()
        await end(station, notebook)
        record = await running
        assert isinstance(record.error, error)
        assert (record.unrepeatable, pump.done) == ((), [])
        await station.close()

    bench.run(scenario())


def test_after_a_crash_only_what_was_noted_had_begun(bench: Any, tmp_path: Path) -> None:
    job = steps("pump.dispense", "pump.aspirate")

    async def scenario() -> None:
        station, _, _ = await _station(bench)
        store = await Store.open(tmp_path / "motet.db")
        await store.new_campaign(CampaignRecord("test", "soft", {}, {}, 1, ("cell",), {}, {}, Stamp(0.0, 0.0)))
        station.marks = marks = StoreMarks(store, tmp_path / "motet.db", lambda campaign: Stamp(1.0, 1.0))
        nothing = await station.recall(job)
        await marks.begins(job, "pump.dispense")
        dispensed = await station.recall(job)
        station.marks = None
        unknown = await station.recall(job)
        assert nothing is not None
        assert dispensed is not None
        assert unknown is not None
        assert isinstance(dispensed.error, Interrupted)
        assert nothing.unrepeatable == ()
        assert str(nothing.error).endswith("ended in the middle of it")
        assert dispensed.unrepeatable == ("pump.dispense",)
        assert str(dispensed.error).endswith("in the middle of it, after it had begun pump.dispense")
        assert unknown.unrepeatable == ("pump.dispense", "pump.aspirate")
        assert str(unknown.error).endswith("in the middle of it; it may have begun pump.dispense, pump.aspirate")
        await station.close()
        await store.close()

    bench.run(scenario())
