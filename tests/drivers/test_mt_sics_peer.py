"""PyLabRobot's driver for Mettler-Toledo balances weighs on our simulated one, over a pseudo-terminal."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from motet.simulation import LoopClock, PtyServer
from motet_simulators.mt_sics import MtSics, Options


async def session(driver: Any) -> dict[str, Any]:
    """What the driver finds out, from connecting to disconnecting."""
    found: dict[str, Any] = {}
    await driver.setup()
    try:
        found["serial"] = driver.serial_number
        found["stable"] = await driver.read_stable_weight()
        found["tare"] = await driver.tare_stable()
        found["net"] = await driver.read_weight_value_immediately()
        found["tare weight"] = await driver.request_tare_weight()
        found["cleared"] = await driver.clear_tare()
        found["zeroed"] = await driver.zero_stable()
        found["zeroed at once"] = await driver.zero_immediately()
        found["tared at once"] = await driver.tare_immediately()
        found["text"] = await driver.set_display_text("hello")
        found["display"] = await driver.set_weight_display()
    finally:
        await driver.stop()
    return found


async def test_pylabrobot_weighs_on_the_simulated_balance(tmp_path: Path) -> None:
    module = pytest.importorskip(
        "pylabrobot.scales.mettler_toledo_backend", reason="pylabrobot not installed: pip install pylabrobot"
    )
    balance = MtSics(Options(load=3.4567, repeatability=0.0), None, LoopClock(asyncio.get_running_loop()), seed=1)
    async with PtyServer(balance, link=tmp_path / "balance") as server, asyncio.timeout(20):
        driver = module.MettlerToledoWXS205SDUBackend(port=server.path)
        found = await asyncio.to_thread(lambda: asyncio.run(session(driver)))
    assert found == {
        "serial": "1126493049",
        "stable": 3.4567,
        "tare": ["T", "S", "3.4567", "g"],
        "net": 0.0,
        "tare weight": 3.4567,
        "cleared": ["TAC", "A"],
        "zeroed": ["Z", "A"],
        "zeroed at once": ["ZI", "S"],
        "tared at once": ["TI", "S", "0.0000", "g"],
        "text": ["D", "A"],
        "display": ["DW", "A"],
    }
