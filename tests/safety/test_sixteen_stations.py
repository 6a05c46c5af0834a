"""The emergency stop reaches sixteen stations in the middle of what they do, by a real broker and by the file alone."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from motet.api import estop as api
from motet.bus import Bus
from motet.errors import EmergencyStop
from motet.files.lab import load_lab
from motet.model.experiment import Experiment, Suggestion
from motet.model.job import Job
from motet.model.lab import Lab
from motet.model.procedure import Procedure
from motet.plugins import installed
from motet.station.build import Builder
from motet.station.engine import LabLoop
from motet.station.latch import Latch
from motet_testing.mosquitto import StartMosquitto

pytestmark = pytest.mark.slow

STATIONS = 16
BAR_S = 0.1
"""From the command to the last simulator at rest."""
SLACK_S = 1.0
"""The machines that run these tests have other things to do; `make torture` measures against the bar."""


def lab_file(folder: Path, broker: str) -> Path:
    lines = ["lab: bench", "hardware: simulated", f"broker: {broker}", "stations:"]
    for number in range(STATIONS):
        lines += [
            f"  s{number}:",
            "    devices:",
            f"      pump: {{driver: ne1000, line: /dev/ttyUSB{number}, "
            "options: {diameter: 26.59, capacity: 60}, simulator: {contents: 50}}",
        ]
    path = folder / "lab.yaml"
    path.write_text("\n".join(lines))
    return path


def job(number: int) -> Job:
    steps = [{"pump.dispense": {"volume": 20, "rate": 20}}]
    procedure = Procedure.model_validate({"steps": steps, "cleanup": [{"pump.dispense": {"volume": 1, "rate": 20}}]})
    return Job(Experiment("test-1", number, Suggestion({}, "asked by the test")), procedure)


async def stopped(
    lab: Lab, data: Path, url: str | None, make_engine: Callable[[], Any], command: Callable[[], float]
) -> float:
    """Seconds from the command, given by another thread, to the last pump that has stopped."""
    async with AsyncExitStack() as stack:
        bus = None if url is None else await stack.enter_async_context(Bus(url, client_id="stations"))
        latch = await stack.enter_async_context(Latch("bench", data, bus))
        builder = Builder(lab, installed(), make_engine, stack, bus, trip=latch.trip_soon)
        stations = [await builder.station(name) for name in lab.stations]
        for station in stations:
            stack.push_async_callback(station.close)
        latch.guard(*stations)
        await asyncio.gather(*(station.connect() for station in stations))
        runs = [asyncio.create_task(station.run(job(number))) for number, station in enumerate(stations)]
        simulators: list[Any] = list(builder._simulators.values())  # pyright: ignore[reportPrivateUsage]
        while not all(simulator.program.running for simulator in simulators):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        began = asyncio.get_running_loop().run_in_executor(None, command)
        while any(simulator.program.running for simulator in simulators):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)
        ended = time.perf_counter()
        records = await asyncio.gather(*runs)
        assert all(isinstance(record.error, EmergencyStop) for record in records)
        assert all(record.unrepeatable == ("pump.dispense",) for record in records)
        volumes = [simulator.delivered for simulator in simulators]
        again = await asyncio.gather(*(station.run(job(99)) for station in stations))
        assert all(isinstance(record.error, EmergencyStop) for record in again)
        assert [simulator.delivered for simulator in simulators] == volumes, "nothing moves any more"
        return ended - await began


@pytest.mark.parametrize("way", ["broker", "file"])
def test_every_pump_stops_at_once_and_none_moves_after(
    way: str, tmp_path: Path, start_mosquitto: StartMosquitto, record_property: Callable[[str, object], None]
) -> None:
    url = start_mosquitto().url if way == "broker" else None
    path = lab_file(tmp_path, url or "none")
    lab = load_lab(path, installed()).lab
    here, there = tmp_path / "stations", tmp_path / ("person" if url else "stations")

    def command() -> float:
        began = time.perf_counter()
        told = asyncio.run(api.estop(path, there, "smoke"))
        assert not told.missed
        return began

    lab_loop = LabLoop()
    try:
        seconds = lab_loop.submit(stopped(lab, here, url, lab_loop.engine, command)).result(30)
    finally:
        lab_loop.close()
    record_property("seconds", seconds)
    print(f"{way}: {1e3 * seconds:.1f} ms to stop {STATIONS} stations; the bar is {1e3 * BAR_S:g} ms")
    assert seconds < SLACK_S
