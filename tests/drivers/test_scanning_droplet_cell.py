"""The three instruments of a scanning droplet cell together: what one did changes what another reads."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

import pytest

from motet.bus import Bus, EmbeddedBroker
from motet.contracts.declarations import Driver, Kind, Simulator
from motet.devices import Context, Device, Limits
from motet.errors import InstrumentError
from motet.lines import Line, SerialOpener
from motet.model.lab import SerialLine
from motet.plugins import installed
from motet.simulation import LoopClock, MqttHost, PtyServer
from motet_drivers.gsv3 import Gsv3
from motet_drivers.owis_ps90 import OwisPs90
from motet_drivers.potentiostat_node import PotentiostatNode
from motet_simulators.schwefel_plate import SchwefelPlate, schwefel

SCALE = 80.0


@dataclass
class Cell:
    """A scanning droplet cell on pseudo-terminals and a broker."""

    stage: OwisPs90
    force: Gsv3
    potentiostat: PotentiostatNode
    plate: SchwefelPlate
    clock: LoopClock

    async def clean(self) -> None:
        """Leave the droplet in the waste basin."""
        await self.stage.move(z=5)
        await self.stage.move(x=57.5, y=25)
        await self.stage.move(z=0)
        await asyncio.sleep(5 / SCALE)
        await self.stage.move(z=5)

    async def measure(self, x: float, y: float) -> float:
        """Lower the head at a place until it touches; the steady current, mA."""
        await self.stage.move(x=x, y=y)
        await self.stage.move(z=0.3)
        for _ in range(60):
            await self.stage.move_by(z=-0.02)
            if (await self.force.measure())["force"] > 50:
                break
        trace = await self.potentiostat.measure(potential=0.5, duration=10)
        await self.stage.move(z=5)
        return trace["current"][-1]


@pytest.fixture
async def cell() -> AsyncGenerator[Cell]:
    registry = installed()
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    plate = registry.make(Kind.WORLD, "schwefel_plate", {}, clock, 1)
    devices: dict[str, Device] = {}
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(EmbeddedBroker())
        bus = await stack.enter_async_context(Bus(broker.url, client_id="lab"))
        for name in ("owis_ps90", "gsv3", "potentiostat_node"):
            driver, declared = registry.get(Kind.DRIVER, name), registry.get(Kind.SIMULATOR, name)
            assert isinstance(driver, Driver)
            assert isinstance(declared, Simulator)
            simulator = registry.make(Kind.SIMULATOR, name, {}, plate, clock, 1)
            line = None
            if driver.transport == "serial":
                server = await stack.enter_async_context(PtyServer(simulator))
                settings = SerialLine(url=server.path, **driver.line)
                line = Line(name, SerialOpener(settings), cast("Any", driver.make).framing)
            else:
                await stack.enter_async_context(MqttHost(simulator, bus, "cell/potentiostat"))
            context = Context(name, driver.options(), Limits(name, {}), line, bus, "cell/potentiostat", SCALE)
            devices[name] = driver.make(context)
            stack.push_async_callback(devices[name].close)
            await devices[name].connect()
        stage, force, potentiostat = devices.values()
        assert isinstance(stage, OwisPs90)
        assert isinstance(force, Gsv3)
        assert isinstance(potentiostat, PotentiostatNode)
        yield Cell(stage, force, potentiostat, plate, clock)


async def test_what_is_measured_is_the_value_of_the_place(cell: Cell) -> None:
    for x, y in ((45.0, 45.0), (10.0, 12.5)):
        await cell.clean()
        assert await cell.measure(x, y) == pytest.approx(schwefel(x, y), abs=1e-3)


async def test_a_droplet_left_on_the_head_spoils_the_next_place(cell: Cell) -> None:
    await cell.clean()
    first = await cell.measure(45, 45)
    assert await cell.measure(10, 12.5) == pytest.approx(0.8 * schwefel(10, 12.5) + 0.2 * first, abs=1e-3)


async def test_without_contact_the_measurement_is_refused(cell: Cell) -> None:
    await cell.stage.move(x=20, y=20, z=5)
    with pytest.raises(InstrumentError, match="no_contact: the cell is open"):
        await cell.potentiostat.measure(potential=0.5, duration=10)


async def test_the_head_is_lowered_by_steps_until_it_presses(cell: Cell) -> None:
    await cell.stage.move(x=25, y=25, z=0.1)
    forces: list[float] = []
    while not forces or forces[-1] <= 50:
        await cell.stage.move_by(z=-0.02)
        forces.append((await cell.force.measure())["force"])
    assert forces[:4] == pytest.approx([0] * 4, abs=1.5)
    assert forces[-3:] == pytest.approx([20, 40, 60], abs=1.5)
