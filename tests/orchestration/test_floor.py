"""Stations that several campaigns share: who still has an experiment there comes first."""

import asyncio
from typing import Any, cast

import pytest

from motet.orchestration.floor import Shared
from motet.station import Station
from motet.station.leases import Leases


class Told:
    """A station that remembers what it was told."""

    name = "s1"

    def __init__(self) -> None:
        self.calls: list[str] = []

    def resume(self) -> None:
        self.calls.append("resume")

    async def abort(self, reason: str) -> None:
        self.calls.append("abort")

    async def safe(self) -> None:
        self.calls.append("safe")


@pytest.mark.parametrize("takes", [True, False])
async def test_who_claims_a_station_gets_it_first_and_gives_it_back_also_without_having_taken_it(takes: bool) -> None:
    leases, told = Leases(), Told()
    station = cast("Station", cast("Any", told))
    using = {"s1": {"first", "second"}}
    first, second = Shared(leases, using, "first"), Shared(leases, using, "second", priority=9)
    first.claim(["s1"])
    waiting = asyncio.create_task(second.acquire(station))
    async with asyncio.timeout(5):
        if takes:
            turn = await first.acquire(station)
            assert first.has(station)
            assert not waiting.done()
            turn.release()
            assert told.calls == ["resume"], "a pause of one campaign does not outlast its turn"
        await first.leave(station)
        await first.leave(station)
        (await waiting).release()
        assert "safe" not in told.calls
        await second.leave(station)
    assert told.calls[-2:] == ["abort", "safe"]
    assert leases.holder("s1") is None
