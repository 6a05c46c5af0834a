"""Every test of the bus that uses `broker` runs on the embedded broker and on mosquitto."""

from collections.abc import AsyncGenerator

import pytest

from motet.bus import Bus, EmbeddedBroker


@pytest.fixture
async def embedded() -> AsyncGenerator[str]:
    """The URL of an embedded broker."""
    async with EmbeddedBroker() as broker:
        yield broker.url


@pytest.fixture(params=["embedded", "mosquitto"])
def broker(request: pytest.FixtureRequest) -> str:
    """The URL of a broker."""
    return request.getfixturevalue(request.param)


@pytest.fixture
async def bus(broker: str) -> AsyncGenerator[Bus]:
    """A connected bus."""
    async with Bus(broker, client_id="one") as bus:
        yield bus


@pytest.fixture
async def other(broker: str) -> AsyncGenerator[Bus]:
    """A second client of the same broker."""
    async with Bus(broker, client_id="two") as bus:
        yield bus
