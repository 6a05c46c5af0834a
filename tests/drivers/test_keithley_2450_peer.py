"""Other people's drivers of the Model 2450, over a real socket and a real pseudo-terminal, against the simulator."""

import asyncio
import importlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from motet.simulation import LoopClock, PtyServer, TcpServer
from motet_simulators import keithley_2450 as simulator

pyvisa: Any = pytest.importorskip("pyvisa", reason="pyvisa not installed: pip install pyvisa pyvisa-py")
pytest.importorskip("pyvisa_py", reason="pyvisa-py not installed: pip install pyvisa-py")

LOOP_SECONDS = 30


def _unit() -> simulator.Keithley2450:
    return simulator.Keithley2450(simulator.Options(), None, LoopClock(asyncio.get_running_loop(), 20.0), seed=1)


async def _beside(line: str, tmp_path: Path, talk: Callable[[str], Mapping[str, Any]]) -> tuple[Mapping[str, Any], int]:
    """What somebody finds who talks to the simulator at a VISA address, in a thread; and how many errors are left."""
    unit = _unit()
    async with asyncio.timeout(LOOP_SECONDS):
        if line == "tcp":
            async with TcpServer(unit) as server:
                found = await asyncio.to_thread(talk, f"TCPIP::{server.host}::{server.port}::SOCKET")
        else:
            async with PtyServer(unit, link=tmp_path / "tty2450") as pty:
                found = await asyncio.to_thread(talk, f"ASRL{pty.path}::INSTR")
    return found, unit.status.count


@pytest.mark.parametrize("line", ["tcp", "pty"])
async def test_keithley2400_sources_and_measures(line: str, tmp_path: Path) -> None:
    keithley2400: Any = pytest.importorskip(
        "keithley2400", reason="keithley2400 not installed: pip install keithley2400"
    )

    def talk(address: str) -> Mapping[str, Any]:
        manager = pyvisa.ResourceManager("@py")
        resource = manager.open_resource(address, read_termination="\n", write_termination="\n", timeout=3000)
        try:
            smu = keithley2400._Driver2450(resource, manager, address, "2450", resource.query("*IDN?"))
            smu.initialize()
            smu.set_source_v(1.5)
            smu.set_current_compliance(0.01)
            smu.configure_measure_vi()
            resource.write("OUTP ON")
            voltage, current = smu.read_v_i()
            smu.set_source_i(1e-3)
            smu.set_voltage_compliance(5)
            smu.configure_measure_vi()
            resource.write("OUTP ON")
            return {"sourced V": (voltage, current), "sourced A": smu.read_v_i()}
        finally:
            resource.close()
            manager.close()

    found, errors = await _beside(line, tmp_path, talk)
    assert found["sourced V"] == (pytest.approx(1.5, rel=1e-3), pytest.approx(1.5e-3, rel=1e-3))
    assert found["sourced A"] == (pytest.approx(1.0, rel=1e-3), pytest.approx(1e-3, rel=1e-3))
    assert errors == 0


@pytest.fixture
def pymeasure_keithley(monkeypatch: pytest.MonkeyPatch) -> Any:
    """PyMeasure's Keithley drivers; without pandas where it is not installed, which only others of them use."""
    if importlib.util.find_spec("pymeasure") is None:
        pytest.skip("pymeasure not installed: pip install --no-deps pymeasure")
    if importlib.util.find_spec("pandas") is None:
        pandas = types.ModuleType("pandas")
        pandas.DataFrame = object  # pyright: ignore[reportAttributeAccessIssue] - in annotations
        monkeypatch.setitem(sys.modules, "pandas", pandas)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("pymeasure.instruments.keithley")


@pytest.mark.parametrize("line", ["tcp", "pty"])
async def test_pymeasure_sources_and_measures(pymeasure_keithley: Any, line: str, tmp_path: Path) -> None:
    def talk(address: str) -> Mapping[str, Any]:
        ends = {"read_termination": "\n", "write_termination": "\n"}
        smu = pymeasure_keithley.Keithley2450(address, visa_library="@py", timeout=3000, **ends)
        try:
            smu.reset()
            smu.use_front_terminals()
            smu.apply_voltage(voltage_range=20, compliance_current=0.01)
            smu.measure_current(nplc=1, current=0.01, auto_range=True)
            smu.source_voltage = 5
            smu.enable_source()
            found = {"current": smu.current, "mode": smu.source_mode, "limit": smu.compliance_current, "id": smu.id}
            smu.measure_resistance()
            found["resistance"] = smu.resistance
            smu.apply_current(current_range=1e-3, compliance_voltage=10)
            smu.measure_voltage()
            smu.source_current = 5e-4
            smu.enable_source()
            found["voltage"] = smu.voltage
            smu.shutdown()
            return {**found, "on": smu.source_enabled, "errors": smu.check_errors()}
        finally:
            smu.adapter.close()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, errors = await _beside(line, tmp_path, talk)
    assert found["id"].startswith("KEITHLEY INSTRUMENTS,MODEL 2450,")
    assert found["current"] == pytest.approx(5e-3, rel=1e-3)
    assert found["resistance"] == pytest.approx(1000, rel=1e-3)
    assert found["voltage"] == pytest.approx(0.5, rel=1e-3)
    assert (found["mode"], found["limit"], found["on"], found["errors"], errors) == ("voltage", 0.01, False, [], 0)
