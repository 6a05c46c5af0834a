"""Other people's programs for MethodSCRIPT instruments against our simulator and our driver.

PalmSens' grammar (pypalmsens) reads our scripts. The driver of labmcp-palmsens, and PalmSens' example modules as
hardpotato carries them, talk to our simulator over a pseudo-terminal. Our driver talks to labmcp-palmsens' simulator.
"""

import asyncio
import importlib
import importlib.util
import sys
import types
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from motet.devices import Context, Limits
from motet.errors import InstrumentError
from motet.lines import Line
from motet.simulation import LoopClock, MemoryOpener, PtyServer
from motet_drivers.emstat_pico import EmStatPico, Options
from motet_drivers.emstat_pico import script as emstat_script
from motet_drivers.emstat_pico.script import SetUp
from motet_simulators import emstat_pico as simulator

SCALE = 100.0


def without_its_init(package: str, inside: str = "") -> None:
    """Let modules of a package be imported though the package itself needs what is not there: .NET, matplotlib."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"{package} not installed: pip install --no-deps {package}")
    name = f"{package}_parts"
    if name not in sys.modules:
        module = types.ModuleType(name)
        module.__path__ = [str(Path(found.submodule_search_locations[0]) / inside)]
        sys.modules[name] = module


@pytest.fixture
def example_modules() -> Iterator[None]:
    """`hardpotato` without what its `__init__` imports."""
    found = importlib.util.find_spec("hardpotato")
    if found is None or not found.submodule_search_locations:
        pytest.skip("hardpotato not installed: pip install --no-deps hardpotato")
    module = types.ModuleType("hardpotato")
    module.__path__ = list(found.submodule_search_locations)
    sys.modules["hardpotato"] = module
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "hardpotato"]:
        del sys.modules[name]


class _Anything(Exception):
    """May be made with whatever arguments, and raised."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args)


@pytest.fixture
def labmcp_palmsens(monkeypatch: pytest.MonkeyPatch) -> None:
    """labmcp-palmsens without the server that it can put its drivers behind."""
    for package in ("labmcp", "labmcp_palmsens"):
        if importlib.util.find_spec(package) is None:
            pytest.skip("labmcp-palmsens not installed: pip install --no-deps labmcp labmcp-palmsens")
    if importlib.util.find_spec("fastmcp") is None:
        for name, used in {
            "fastmcp": ("FastMCP", "Client"),
            "fastmcp.exceptions": ("ToolError",),
            "mcp": (),
            "mcp.types": ("ToolAnnotations",),
        }.items():
            module = types.ModuleType(name)
            for each in used:
                setattr(module, each, type(each, (_Anything,), {}))
            monkeypatch.setitem(sys.modules, name, module)


@asynccontextmanager
async def served() -> AsyncGenerator[str]:
    """The port of a simulated EmStat Pico."""
    device = simulator.EmStatPico(simulator.Options(), None, LoopClock(asyncio.get_running_loop(), SCALE), seed=1)
    async with PtyServer(device) as server:
        yield server.path


def test_the_makers_grammar_accepts_our_scripts() -> None:
    pytest.importorskip("antlr4", reason="antlr4 not installed: pip install antlr4-python3-runtime")
    without_its_init("pypalmsens", "_methodscript")
    validate: Any = importlib.import_module("pypalmsens_parts.validate").validate
    set_up = SetUp(2, 60.0, 60e-9, 1e-3, 1.5)
    for script in (
        emstat_script.CELL_OFF,
        emstat_script.cyclic_voltammetry(set_up, -0.2, 0.6, -0.2, 0.005, 0.1, 3),
        emstat_script.chronoamperometry(set_up, 0.5, 10, 0.1),
        emstat_script.open_circuit(2, 10, 0.1),
        emstat_script.impedance(set_up, 0.2, 0.01, 1, 1e5, 51),
    ):
        validate("\n".join((*script.lines, "")))
    with pytest.raises(SyntaxError):
        validate("foo 1\n")


@pytest.mark.usefixtures("labmcp_palmsens")
async def test_a_published_driver_measures_on_our_simulator() -> None:
    async with served() as port:
        async with asyncio.timeout(30):
            await asyncio.to_thread(_drive_with_labmcp, port)


def _drive_with_labmcp(port: str) -> None:
    peer: Any = importlib.import_module("labmcp_palmsens.driver")
    serial: Any = importlib.import_module("labmcp.transports.serial")
    line = serial.SerialTransport(port, baudrate=230400, read_termination="\n", write_termination="\n", timeout=2.0)
    device = peer.MethodScriptDevice(line)
    try:
        assert device.identify()["model"] == "EmStat Pico"
        common = {
            "begin_potential_v": -0.2, "e_min": -0.2, "e_max": 0.65, "pgstat_mode": 2, "bandwidth_hz": 100,
            "current_range_a": 1e-4, "autorange": True, "equilibration_s": 1,
        }  # fmt: skip
        for loop, points in (
            ("meas_loop_cv p c -200m 600m -200m 10m 100m nscans(2)", 321),
            ("meas_loop_lsv p c -200m 600m 10m 100m", 81),
            ("meas_loop_dpv p c -200m 600m 10m 50m 50m 50m", 81),
        ):
            result = device.execute(peer.build_script(loop, **common), timeout_s=20)
            assert (result.error, result.aborted, result.malformed) == (None, False, [])
            assert len(result.packets) == points
        loop = "meas_loop_ca p c 500m 100m 5"
        assert len(device.execute(peer.build_script(loop, with_timer=True, **common), timeout_s=20).packets) == 50
        with pytest.raises(Exception, match=r"line 1, column 4.*unknown"):
            device.execute(["foo"], timeout_s=5)
        failed = device.execute(["set_pgstat_mode 2", "set_e 3", "cell_on"], timeout_s=5)
        assert "the given potential is not valid" in failed.error
        assert failed.cell_off_sent
        assert device.abort()["was_running"] is False
    finally:
        device.close()


async def test_the_makers_example_modules_measure_on_our_simulator(example_modules: None) -> None:
    async with served() as port:
        async with asyncio.timeout(30):
            await asyncio.to_thread(_drive_with_example_modules, port)


def _drive_with_example_modules(port: str) -> None:
    serial, instrument, mscript, scripts = (
        importlib.import_module(f"hardpotato.{name}")
        for name in ("pico_serial", "pico_instrument", "pico_mscript", "emstatpico")
    )  # fmt: skip
    peer: Any = instrument
    files = {"sens": 1e-4, "folder": "", "fileName": "", "header": ""}
    methods: Any = scripts
    with serial.Serial(port, 1) as line:
        device = peer.Instrument(line)
        assert device.get_device_type() == "EmStat Pico"
        assert device.get_serial_number() == "ESPI2201"
        device.abort_and_sync()
        for method, points in (
            (methods.CV(-0.2, 0.6, -0.2, -0.2, 0.1, 0.01, 3, **files), [161, 160]),
            (methods.CA(0.5, 0.1, 2, **files), [20]),
            (methods.LSV(-0.2, 0.6, 0.1, 0.01, **files), [81]),
            (methods.OCP(2, 0.1, "", "", ""), [20]),
        ):
            device.write(method.text)
            curves = mscript.parse_result_lines(device.readlines_until_end())
            assert [len(curve) for curve in curves] == points
        device.write(methods.CA(0.5, 1, 5000, **files).text)
        device.abort_and_sync()
        assert device.get_serial_number() == "ESPI2201"


class LabmcpInstrument:
    """The simulator of labmcp-palmsens on a line of ours."""

    def __init__(self) -> None:
        self.peer: Any = importlib.import_module("labmcp_palmsens.simulator").MethodScriptSimulator(SCALE)
        self._send: Any = None
        self.measuring = asyncio.Event()
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None

    def attach(self, send: Any) -> None:
        self._send = send
        self._poll()

    def detach(self) -> None:
        assert self._timer is not None
        self._timer.cancel()

    def receive(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            reply = self.peer.handle(line.decode())
            self._say([reply] if isinstance(reply, str) else reply or [])

    def _poll(self) -> None:
        self._say(self.peer.poll())
        self._timer = asyncio.get_running_loop().call_later(0.002, self._poll)

    def _say(self, lines: list[str]) -> None:
        for line in lines:
            if line.startswith("M"):
                self.measuring.set()
            self._send(line.encode() + b"\n")


@pytest.mark.usefixtures("labmcp_palmsens")
async def test_our_driver_measures_on_a_published_simulator() -> None:
    instrument = LabmcpInstrument()
    line = Line("cell-ps", MemoryOpener(instrument), EmStatPico.framing, timeout=0.5, retries=1)
    cell = EmStatPico(Context("cell-ps", Options(), Limits("cell-ps", {}), line, scale=SCALE))
    await cell.connect(mock=False)
    try:
        trace: Any = await cell.cyclic_voltammetry(-0.2, 0.6, -0.2, 0.1, 0.01, cycles=2)
        assert len(trace["current"]) == 322
        assert max(trace["current"]) == pytest.approx(16.6e-6, rel=0.2)  # a staircase gives less than a ramp
        held: Any = await cell.chronoamperometry(0.6, duration=2.0)
        assert len(held["time"]) == 20
        instrument.measuring.clear()
        task = asyncio.create_task(cell.chronoamperometry(0.5, duration=1000.0, interval=1.0))
        async with asyncio.timeout(5):
            await instrument.measuring.wait()
        await cell.stop()
        with pytest.raises(InstrumentError, match="stopped"):
            await task
        assert not instrument.peer.cell_powered
    finally:
        await cell.close()
