"""A remote station does as a local one: once, however its messages travel, and whoever ends in the middle."""

import asyncio
from typing import Any

from motet.errors import Interrupted


def test_smoke(virtual: Any) -> None:
    async def test(rig: Any) -> None:
        await rig.process()
        station, _ = await rig.orchestrator()
        record = await station.run(rig.job())
        assert record.error is None
        assert record.output("m", "y") == [6.0]
        assert rig.calls == ["measure 3", "dispense"]

    virtual(test)
