"""The described driver against other people's simulator, and somebody else's VISA against the described simulator."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from motet.devices import Context, Limits
from motet.errors import InstrumentError
from motet.lines import Line, SerialOpener
from motet.model.lab import SerialLine
from motet.simulation import LoopClock, PtyServer
from motet_drivers import ascii as driver
from motet_simulators import ascii as simulator

pyvisa: Any = pytest.importorskip("pyvisa", reason="pyvisa not installed: pip install pyvisa pyvisa-py pyvisa-sim")
METER = Path(__file__).parents[2] / "examples" / "instruments" / "conductivity_meter.yaml"
GENERATOR: dict[str, Any] = {
    "model": "LSG",
    "manual": "default.yaml of pyvisa-sim",
    "terminators": {"send": "\n", "receive": "\n"},
    "identity": {"query": "?IDN", "reply": "{model} Serial #{serial_number}"},
    "acknowledge": "OK",
    "errors": {"reply": "{code}", "codes": {"ERROR": "Refused", "FREQ_ERROR": "FrequencyOutOfRange"}},
    "signals": {
        "frequency": {"query": "?FREQ", "reply": "{frequency:.2f}", "unit": "Hz"},
        "amplitude": {"query": "?AMP", "reply": "{amplitude:.2f}", "unit": "V"},
        "output_on": {"query": "?OUT", "reply": "{output_on}", "dtype": "boolean"},
    },
    "verbs": {
        "generate": {
            "arguments": {
                "frequency": {"unit": "Hz"},
                "amplitude": {"unit": "V", "default": 1.0, "low": 0, "high": 10},
            },
            "send": ["!FREQ {frequency:.2f}", "!AMP {amplitude:.2f}", "!OUT 1"],
            "outputs": {"frequency": "frequency", "output_on": "output_on"},
        }
    },
    "stop": ["!OUT 0"],
}


@asynccontextmanager
async def visa_on_tcp(resource: Any) -> AsyncGenerator[str]:
    """A VISA resource behind a TCP port: a line goes in, its answer comes out. Gives the URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await asyncio.to_thread(resource.query, line.decode().strip())
                writer.write(f"{answer}\n".encode())
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _with_generator(use: Callable[[driver.Ascii], Awaitable[None]]) -> None:
    pytest.importorskip("pyvisa_sim", reason="pyvisa-sim not installed: pip install pyvisa-sim")
    manager = pyvisa.ResourceManager("@sim")
    address = "TCPIP::localhost::10001::SOCKET"
    resource = manager.open_resource(address, read_termination="\n", write_termination="\n", timeout=500)
    try:
        async with asyncio.timeout(20), visa_on_tcp(resource) as url:
            options = driver.Options.model_validate({"description": GENERATOR, "serial_number": "1234"})
            line = Line("generator", SerialOpener(SerialLine(url=url)), driver.Ascii.framing_for(options), timeout=1.0)
            device = driver.Ascii(Context("generator", options, Limits("generator", {}), line))
            await device.connect()
            try:
                await use(device)
            finally:
                await device.close()
    finally:
        resource.close()
        manager.close()


async def test_a_described_generator_is_driven_in_pyvisa_sim() -> None:
    async def use(device: driver.Ascii) -> None:
        assert await device.identity() == "LSG, serial number 1234"
        await device.verbs["generate"].set({"frequency": 250.5, "amplitude": 2.0})
        assert device.verbs["generate"].outputs == {"frequency": 250.5, "output_on": True}
        reading = cast("dict[str, Any]", await device.read())
        assert reading["generator-amplitude"]["value"] == 2.0
        await device.stop()
        reading = cast("dict[str, Any]", await device.read())
        assert reading["generator-output_on"]["value"] is False

    await _with_generator(use)


async def test_what_pyvisa_sim_refuses_comes_by_name() -> None:
    async def use(device: driver.Ascii) -> None:
        with pytest.raises(InstrumentError, match=r"!FREQ 0.00 was refused: error FREQ_ERROR \(FrequencyOutOfRange\)"):
            await device.verbs["generate"].set({"frequency": 0.0})

    await _with_generator(use)


async def test_somebody_elses_visa_speaks_to_the_described_meter(tmp_path: Path) -> None:
    pytest.importorskip("pyvisa_py", reason="pyvisa-py not installed: pip install pyvisa-py")
    unit = simulator.Ascii(simulator.Options(file=METER), None, LoopClock(asyncio.get_running_loop()), seed=1)

    def talk(address: str) -> list[str]:
        manager = pyvisa.ResourceManager("@py")
        meter = manager.open_resource(address, read_termination="\r\n", write_termination="\r", timeout=2000)
        try:
            return [meter.query(text) for text in ("*I", "CC 0.5", "CC?", "CC 99", "NONSENSE", "MT")]
        finally:
            meter.close()
            manager.close()

    async with asyncio.timeout(20), PtyServer(unit, link=tmp_path / "meter") as server:
        *found, temperature = await asyncio.to_thread(talk, f"ASRL{server.path}::INSTR")
    assert found == ["Labcond LC-70 SN 70123 V2.1", "OK", "CC 0.5000", "ERR 02", "ERR 01"]
    assert temperature.endswith(" C")
