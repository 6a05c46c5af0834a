"""The Matter Lab's driver for IKA hot plates heats and stirs on our simulated one, over a pseudo-terminal."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from motet.simulation import LoopClock, PtyServer
from motet_simulators.ika_rct import IkaRct, Options


def session(module: Any, port: str) -> dict[str, Any]:
    """What the driver finds out; it waits a second after each command. 8N1, as glibc refuses 7E1 on a pty."""
    driver = module.IKAHotplate(com_port=port, bytesize=8, parity="none")
    found: dict[str, Any] = {"cold": driver.temp, "still": driver.rpm}
    driver.rpm = 400
    driver.temp = 80.0
    found["stirred"] = driver.rpm
    found["warmer"] = driver.temp
    driver.stand_by()
    return found


@pytest.mark.slow
@pytest.mark.long
async def test_the_matter_labs_driver_heats_and_stirs_on_the_simulated_plate(tmp_path: Path) -> None:
    module = pytest.importorskip(
        "matterlab_hotplates.ika_hotplate", reason="matterlab_hotplates not installed: pip install matterlab_hotplates"
    )
    plate = IkaRct(Options(temperature_noise=0.0), None, LoopClock(asyncio.get_running_loop(), 60.0), seed=1)
    async with PtyServer(plate, link=tmp_path / "plate") as server, asyncio.timeout(40):
        found = await asyncio.to_thread(session, module, server.path)
    assert (found["cold"], found["still"], found["stirred"]) == (22.0, 0, 400)
    assert 30.0 < found["warmer"] < 85.0
    assert not plate.plate.heating
    assert not plate.plate.stirrer.running
