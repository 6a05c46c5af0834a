"""Other people's Grbl senders on the simulated gantry, over a pseudo-terminal."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motet.simulation import LoopClock, PtyServer
from motet_simulators.grbl import Grbl, Options

pytestmark = pytest.mark.slow
SCALE = 20.0


async def served(tmp_path: Path, talk: Callable[[str, Grbl], Any], options: Options) -> Any:
    """What a sender that blocks finds."""
    gantry = Grbl(options, None, LoopClock(asyncio.get_running_loop(), SCALE), seed=1)
    async with PtyServer(gantry, link=tmp_path / "grbl") as server, asyncio.timeout(60):
        return await asyncio.to_thread(talk, server.path, gantry)


async def test_pygrbl_streamer_counts_characters_pauses_and_stops(tmp_path: Path) -> None:
    package: Any = pytest.importorskip(
        "pygrbl_streamer", reason="pygrbl-streamer not installed: pip install pygrbl-streamer"
    )
    job = ["G21", "G53 G0 X-100 Y-100", "G91"]
    job += [f"G1 X{1 if n % 2 else -1}.5 Y{0.5 if n % 3 else -1:g} F2500" for n in range(120)]

    def talk(port: str, gantry: Grbl) -> dict[str, Any]:
        sender = package.GrblStreamer(port)
        heard: list[str] = []
        sender.error_callback = heard.append
        sender.alarm_callback = heard.append
        sender.connect()
        try:
            homed = sender.command("$H", timeout=30)
            streamed = sender.stream(job)
            at = gantry.position()
            refused = sender.command("G99", timeout=5)
            return {"homed": homed, "streamed": streamed, "at": at, "refused": refused, "reset": sender.reset()}
        finally:
            sender.disconnect()

    found = await served(tmp_path, talk, Options())
    assert (found["homed"], found["streamed"], found["refused"], found["reset"]) == (True, True, False, True)
    assert found["at"] == pytest.approx((-100.0, -100.0, -1.0), abs=0.01)


async def test_grbl_streamer_follows_a_job(tmp_path: Path) -> None:
    package: Any = pytest.importorskip("grbl_streamer", reason="grbl-streamer not installed: pip install grbl-streamer")
    import threading

    booted, idle, done = threading.Event(), threading.Event(), threading.Event()
    settled = threading.Event()
    heard: list[str] = []

    def hear(event: str, *data: Any) -> None:
        if event == "on_boot":
            booted.set()
        elif event == "on_read" and data[0].startswith("[GC:") and "Idle" in heard:
            heard.append("[GC:")
        elif event == "on_rx_buffer_percent" and "[GC:" in heard:
            settled.set()
        elif event == "on_stateupdate" and data[0] == "Idle" and not settled.is_set():
            heard.append("Idle")
        elif event == "on_job_completed":
            done.set()
        elif event == "on_stateupdate" and data[0] == "Idle" and data[1] == (-10.0, -30.0, -1.0):
            idle.set()

    def talk(port: str, gantry: Grbl) -> tuple[Any, ...]:
        sender = package.GrblStreamer(hear)
        sender.cnect(port, 115200)
        try:
            sender.softreset()
            assert booted.wait(5)
            sender.poll_start()
            # it asks `$#` and `$G` once it has booted and once it has seen Idle; in the middle of a job they are errors
            assert settled.wait(10)
            done.clear()
            sender.write("G90\nG53 G1 X-50 F3000\nG53 G1 X-10 F3000\nG53 G1 Y-30 F3000\nG4 P0\n")
            sender.job_run()
            assert done.wait(10)
            assert idle.wait(10)
            return gantry.position()
        finally:
            sender.poll_stop()
            sender.disconnect()

    at = await served(tmp_path, talk, Options(homed=True, start=(-1.0, -1.0, -1.0)))
    assert at == pytest.approx((-10.0, -30.0, -1.0))


async def test_gantrix_switches_its_tool_off_moves_and_hears_errors(tmp_path: Path) -> None:
    transport: Any = pytest.importorskip("gantrix.transport", reason="gantrix not installed: pip install gantrix")

    def talk(port: str, gantry: Grbl) -> tuple[Any, ...]:
        with transport.GrblTransport(port, boot_delay=0.05) as sender:
            sender.home()
            sender.send("G21 G90")
            sender.send("G53 G0 X-20 Y-20")
            sender.send("G4 P0.1")
            with pytest.raises(transport.GrblError, match="error:20"):
                sender.send("G99")
            return gantry.position()

    at = await served(tmp_path, talk, Options(homed=True, start=(-1.0, -1.0, -1.0)))
    assert at == pytest.approx((-20.0, -20.0, -1.0))
