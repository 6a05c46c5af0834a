"""Other people's Elliptec drivers on simulated modules, over a pseudo-terminal."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motet.simulation import LoopClock, Multidrop, PtyServer
from motet_simulators.elliptec import Elliptec, Options

pytestmark = pytest.mark.slow
SCALE = 5.0


async def served(tmp_path: Path, talk: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """What a driver that blocks finds on a bus with an ELL20 at 0, an ELL14 at 1 and an ELL9 at 2."""
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    modules = [
        Elliptec(Options(model="ELL20", address="0", serial_number="11400000"), None, clock, seed=1),
        Elliptec(Options(model="ELL14", address="1", serial_number="11400001"), None, clock, seed=2),
        Elliptec(Options(model="ELL9", address="2", serial_number="11400002"), None, clock, seed=3),
    ]
    async with PtyServer(Multidrop(modules, clock), link=tmp_path / "elliptec") as server, asyncio.timeout(30):
        return await asyncio.to_thread(talk, server.path)


async def test_elliptec_drives_linear_rotary_and_slider(tmp_path: Path) -> None:
    elliptec: Any = pytest.importorskip("elliptec", reason="elliptec not installed: pip install elliptec")

    def talk(port: str) -> dict[str, Any]:
        with elliptec.Controller(port, debug=False) as controller:
            linear = elliptec.Linear(controller, address="0", debug=False)
            rotator = elliptec.Rotator(controller, address="1", debug=False)
            slider = elliptec.Slider(controller, address="2", debug=False)
            return {
                "serial": linear.serial_no,
                "type": rotator.motor_type,
                "home": linear.home(),
                "distance": linear.set_distance(30.0),
                "shifted": linear.shift_distance(-5.0),
                "angle": rotator.set_angle(90.0),
                "turned": rotator.shift_angle(-100.0),
                "slots": [slider.set_slot(3), slider.get_slot(), slider.jog("backward")],
                "beyond": linear.set_distance(99.0),
                "status": [linear.get("status"), linear.get("status")],
            }

    found = await served(tmp_path, talk)
    assert (found["serial"], found["type"], found["home"]) == ("11400000", 14, ("0", "PO", 0))
    assert (found["distance"], found["shifted"]) == (30.0, 25.0)
    assert (found["angle"], found["turned"]) == (pytest.approx(90, abs=0.01), pytest.approx(-10, abs=0.01))
    assert found["slots"] == [3, 3, 2]
    assert (found["beyond"], found["status"]) == (None, [("0", "GS", "12"), ("0", "GS", "0")])


async def test_thorlabs_elliptec_shares_one_port_for_two_modules(tmp_path: Path) -> None:
    package: Any = pytest.importorskip(
        "thorlabs_elliptec", reason="thorlabs_elliptec not installed: pip install thorlabs_elliptec"
    )

    def talk(port: str) -> dict[str, Any]:
        linear = package.ELLx(port, device_id=0, x=20)
        rotary = package.ELLx(linear, device_id=1, device_serial="11400001")
        try:
            linear.move_absolute(20.0, blocking=True)
            rotary.move_absolute(45.0, blocking=True)
            linear.home(blocking=True)
            linear.move_relative(3.0, blocking=True)
            found = {"at": linear.get_position(), "angle": rotary.get_position(), "model": rotary.model_number}
            with pytest.raises(package.ELLError, match="out of range"):
                linear.move_absolute(500.0, blocking=True)
            return found
        finally:
            for device in (rotary, linear):
                device.close()
                device._eventloop.call_soon_threadsafe(device._eventloop.stop)
                device._thread.join(5)

    found = await served(tmp_path, talk)
    assert found == {"at": pytest.approx(3.0, abs=0.001), "angle": pytest.approx(45.0, abs=0.01), "model": "ELL14/M"}


async def test_tl_elliptec_finds_tunes_and_stops_modules(tmp_path: Path) -> None:
    package: Any = pytest.importorskip("tl_elliptec", reason="tl_elliptec not installed: pip install tl_elliptec")
    factory: Any = pytest.importorskip("tl_elliptec.factory")

    def talk(port: str) -> dict[str, Any]:
        with package.ElliptecBus(port) as bus:
            found = factory.discover_devices(bus, addresses="0123", timeout=0.2)
            linear, rotary = found["0"], found["1"]
            linear.set_velocity(50)
            linear.set_forward_period(1, 140)
            linear.save_user_data()
            rotary.set_jog_step_size_pulses(0)
            bus.send("1", "fw")
            rotary.stop()
            return {
                "types": [type(device).__name__ for device in found.values()],
                "moves": [linear.home(), linear.move_absolute(12.5), linear.move_relative(-2.0), linear.get_velocity()],
                "curve": len(linear.scan_current_curve(1)),
                "status": int(linear.search_frequency(1)),
                "stopped": rotary.get_status() in (0, 9),
            }

    found = await served(tmp_path, talk)
    assert found["types"] == ["ELL20", "ELL14", "ELL9"]
    assert found["moves"] == [0.0, 12.5, 10.5, 50]
    assert (found["curve"], found["status"], found["stopped"]) == (87, 0, True)
