"""A station that is closed while somebody clears its emergency stop: it ends at once, and leaves nothing open."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from motet.contracts.declarations import NoOptions
from motet.devices import Context, Device, Limits, Output
from motet.model.lab import Interlock
from motet.station import LocalStation
from motet.station.fast import FastEngine


class Slow(Device):
    """Is opened anew only when the test lets it; knows whether it is open."""

    signals: ClassVar[Mapping[str, Output]] = {"heat": Output()}

    def __init__(self, context: Context) -> None:
        self.opening, self.may_open, self.opened = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.may_open.set()
        self.is_open = False
        super().__init__(context)

    async def get_heat(self) -> float:
        return 0.0

    async def open(self) -> None:
        self.opening.set()
        await self.may_open.wait()
        self.is_open = True
        self.opened.set()

    async def close(self) -> None:
        self.is_open = False


async def _clearing(station: LocalStation, device: Slow) -> "asyncio.Task[None]":
    """Somebody clears it; it is being opened anew."""
    await station.estop("smoke")
    device.opening.clear()
    device.may_open.clear()
    device.opened.clear()
    clearing = asyncio.create_task(station.clear())
    await device.opening.wait()
    return clearing


async def _at_once(device: Slow) -> None:
    """Close in the middle of it."""


async def _when_opened(device: Slow) -> None:
    """Close when it is open again, and nobody has heard of that yet."""
    device.may_open.set()
    await device.opened.wait()


@pytest.mark.parametrize("moment", [_at_once, _when_opened])
def test_it_ends_at_once_and_nothing_stays_open_or_at_work(bench: Any, moment: Callable[[Slow], Any]) -> None:
    async def scenario() -> None:
        device = Slow(Context("cell-slow", NoOptions(), Limits("cell-slow", {})))
        hot = Interlock.model_validate({"pause while": "slow.heat > 1"})
        station = LocalStation("cell", {"slow": device}, FastEngine(), interlocks={"hot": hot})
        await station.connect()
        clearing = await _clearing(station, device)
        await moment(device)
        async with asyncio.timeout(5):
            await station.close()
            await clearing
        device.may_open.set()
        await asyncio.sleep(0)
        assert not device.is_open
        assert station.state == "offline"
        assert asyncio.all_tasks() == {asyncio.current_task()}

    bench.run(scenario())


def test_a_press_in_the_middle_of_a_clearing_stays_and_the_next_clearing_is_heard(bench: Any) -> None:
    async def scenario() -> None:
        device = Slow(Context("cell-slow", NoOptions(), Limits("cell-slow", {})))
        station = LocalStation("cell", {"slow": device}, FastEngine())
        await station.connect()
        clearing = await _clearing(station, device)
        pressing = asyncio.create_task(station.estop("fire"))
        again = asyncio.create_task(station.clear())
        await asyncio.sleep(0)
        device.may_open.set()
        async with asyncio.timeout(5):
            await asyncio.gather(clearing, pressing, again)
            await station.clear()
        assert (station.state, station.unavailable) == ("idle", "")
        await station.close()

    bench.run(scenario())
