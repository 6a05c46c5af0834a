"""The published driver matterlab-pumps (TecanXCPump) against the simulated Cavro XCalibur, over a pseudo-terminal."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from motet.simulation import LoopClock, PtyServer
from motet_simulators.cavro_xcalibur import CavroXcalibur, Options

matterlab_pumps: Any = pytest.importorskip(
    "matterlab_pumps.tecan_xc_pump", reason="matterlab-pumps not installed: pip install matterlab-pumps"
)
SCALE = 60.0


def use(path: str) -> list[Any]:
    """What it gets out of a pump: initialization with settings, valve and plunger moves."""
    pump = matterlab_pumps.TecanXCPump(
        com_port=path, address="3", syringe_volume=1e-3, num_valve_port=6, init_valve=1, out_valve=6, timeout=5.0
    )
    pump.move_valve(2)
    pump.move_plunger(12000)
    told: list[Any] = [pump.port, pump.volume]
    pump.move_valve(3)
    pump.volume = 0.2
    told += [pump.port, pump.volume, pump.report_backlash_position(), pump.report_home_position()]
    with pytest.raises(AssertionError, match="out of range"):
        pump.move_plunger(24001)
    pump.device.close()
    return told


@pytest.mark.slow
async def test_matterlab_pumps_drives_the_simulated_pump(tmp_path: Path) -> None:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    options = Options(address=3, valve_ports=6, ports={"2": "water"}, vessel="3")
    pump = CavroXcalibur(options, None, clock, seed=1)
    async with PtyServer(pump, link=tmp_path / "pump") as server, asyncio.timeout(25):
        told = await asyncio.to_thread(use, server.path)
    assert told == [2, pytest.approx(0.5), 3, pytest.approx(0.2), 96, 160]
    assert pump.syringe.in_vessel["water"] == pytest.approx(0.3)
