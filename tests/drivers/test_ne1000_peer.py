"""The published driver nesp-lib against the simulated NE-1000, over a pseudo-terminal."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from motet.simulation import LoopClock, PtyServer
from motet_simulators.ne1000 import Ne1000, Options

nesp_lib: Any = pytest.importorskip("nesp_lib", reason="nesp-lib not installed: pip install nesp-lib")
SCALE = 30.0


def use(path: str, safe_timeout: int) -> list[Any]:
    """What nesp-lib gets out of a pump: settings, a delivery, a delivery that is stopped."""
    with nesp_lib.Port(path, 19200) as port:
        pump = nesp_lib.Pump(port, address=5, model_number=1000, safe_mode_timeout_s=safe_timeout)
        pump.syringe_diameter_mm = 14.43
        pump.pumping_volume_ml = 0.5
        pump.pumping_rate_ml_per_min = 6.0
        pump.pumping_direction = nesp_lib.PumpingDirection.INFUSE
        pump.volume_infused_clear()
        told: list[Any] = [
            pump.firmware_version,
            pump.safe_mode_timeout_s,
            pump.syringe_diameter_mm,
            pump.pumping_volume_ml,
            pump.pumping_rate_ml_per_min,
        ]
        pump.run()
        told.append(pump.volume_infused_ml)
        pump.pumping_direction = nesp_lib.PumpingDirection.WITHDRAW
        pump.run(False)
        told.append(pump.status)
        pump.stop()
        pump.stop()
        told.append(pump.status)
        with pytest.raises(nesp_lib.StateException):
            pump.stop()
        pump.safe_mode_timeout_s = 0
        return told


@pytest.mark.parametrize("safe_timeout", [0, 255])
async def test_nesp_lib_drives_the_simulated_pump(tmp_path: Path, safe_timeout: int) -> None:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    pump = Ne1000(Options(address=5, capacity=10.0, contents=5.0), None, clock, seed=1)
    async with PtyServer(pump, link=tmp_path / "pump") as server, asyncio.timeout(20):
        told = await asyncio.to_thread(use, server.path, safe_timeout)
    status = nesp_lib.Status
    assert told == [(3, 923), safe_timeout, 14.43, 0.5, 6.0, 0.5, status.WITHDRAWING, status.STOPPED]
    assert 4.5 < pump.plunger.contents < 5.0
