"""Every test of the bus that uses `broker` runs on the embedded broker, on mosquitto, and on a bus in memory."""

from collections.abc import AsyncGenerator

import pytest

from motet.bus import Bus, EmbeddedBroker, MemoryBus


@pytest.fixture
async def embedded() -> AsyncGenerator[str]:
    """The URL of an embedded broker."""
    async with EmbeddedBroker() as broker:
        yield broker.url


@pytest.fixture
async def memory() -> AsyncGenerator[Bus]:
    """A bus in memory, which is broker and clients in one."""
    async with MemoryBus() as bus:
        yield bus


@pytest.fixture(params=["embedded", "mosquitto", "memory"])
def broker(request: pytest.FixtureRequest) -> str | MemoryBus:
    """The URL of a broker, or a bus that needs none."""
    return request.getfixturevalue(request.param)


@pytest.fixture
async def bus(broker: str | MemoryBus) -> AsyncGenerator[Bus]:
    """A connected bus."""
    if isinstance(broker, MemoryBus):
        yield broker
        return
    async with Bus(broker, client_id="one") as bus:
        yield bus


@pytest.fixture
async def other(broker: str | MemoryBus) -> AsyncGenerator[Bus]:
    """A second client of the same broker."""
    if isinstance(broker, MemoryBus):
        yield broker
        return
    async with Bus(broker, client_id="two") as bus:
        yield bus
