"""A campaign that others may command over a broker."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from motet.api.commands import Commands, commanded
from motet.bus import Address, Bus
from motet.model.lab import Lab
from motet_testing.mosquitto import StartMosquitto


class Serves:
    """Answers whatever is asked."""

    async def carry_out(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return {}


async def test_a_broker_that_hangs_at_the_end_does_not_take_what_the_campaign_came_to(
    start_mosquitto: StartMosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = start_mosquitto()
    lab = Lab.model_validate(
        {"lab": "lab", "broker": broker.url, "stations": {"s1": {"devices": {"f": {"driver": "none"}}}}}
    )
    control = tmp_path / "test-1" / "control.json"
    with caplog.at_level(logging.WARNING):
        async with asyncio.timeout(20), Bus(Address.parse(broker.url, keepalive=1), client_id="one") as bus:
            async with commanded(bus, cast("Commands", Serves()), tmp_path, lab, "test-1"):
                assert control.exists()
                broker.freeze()
            assert not control.exists()
            broker.thaw()
    assert "cannot unsubscribe from motet/lab/test-1/control" in caplog.text
