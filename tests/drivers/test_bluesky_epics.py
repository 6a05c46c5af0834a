"""An EPICS motor over Channel Access: a soft IOC of caproto in a process of its own, ophyd's EpicsMotor in `motet run`.

The motor record is that of the EPICS motor module (https://epics-motor.github.io/motor/), as far as `ophyd.EpicsMotor`
uses it: VAL, RBV, DMOV, MOVN, STOP, HLM, LLM, EGU.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from motet.store import Reader

pytest.importorskip("ophyd", reason="ophyd not installed: pip install ophyd")
pytest.importorskip("caproto", reason="caproto not installed: pip install caproto")
pytestmark = pytest.mark.slow

IOC = """\
import sys
from caproto.server import PVGroup, pvproperty, run

TICK_S = 0.02

class Motors(PVGroup):
    m1 = pvproperty(value=0.0, name="m1", record="motor", precision=3, units="mm")

    @m1.startup
    async def m1(self, instance, async_lib):
        fields = instance.field_inst
        told = []

        async def on_write(fields, value):
            told.append(value)

        fields.value_write_hook = on_write
        await fields.engineering_units.write("mm")
        await fields.user_low_limit.write(-10.0)
        await fields.user_high_limit.write(10.0)
        await instance.write_metadata(precision=3, units="mm", lower_ctrl_limit=-10.0, upper_ctrl_limit=10.0)
        speed, here, moving = float(sys.argv[1]), 0.0, False
        print("ready", flush=True)
        while True:
            await async_lib.library.sleep(TICK_S)
            if fields.stop.value:
                await fields.stop.write(0)
                await instance.write(here)
                told.clear()
            if told:  # DMOV goes to 0 at every put, also of where it is
                told.clear()
                moving = True
                await fields.done_moving_to_value.write(0)
                await fields.motor_is_moving.write(1)
                print("moving", flush=True)
            if not moving:
                continue
            way = instance.value - here
            here += max(-speed * TICK_S, min(speed * TICK_S, way))
            await fields.user_readback_value.write(here)
            if abs(instance.value - here) < 1e-9:
                moving = False
                await fields.motor_is_moving.write(0)
                await fields.done_moving_to_value.write(1)

run(Motors(prefix="IOC:").pvdb, module_name="caproto.asyncio.server", interfaces=["127.0.0.1"], log_pv_names=False)
"""
LAB = """\
lab: beamline
broker: none
stations:
  end:
    devices:
      stage:
        driver: bluesky
        options:
          object: ophyd:EpicsMotor
          args: [IOC:m1]
          serial_number: IOC:m1
          sets: mm
          signals: {x: {key: stage, unit: mm}}
          connect_within: 5 s
          set_within: 20 s
        limits: {value: [-20, 20]}
        simulator: {position: stage}
procedures:
  look:
    parameters: {x: mm}
    steps:
      - stage.set: {value: $x}
      - stage.read: {}
"""
CAMPAIGN = """\
campaign: look
lab: lab.yaml
parameters: {x: {type: stepped, low: LOW, high: HIGH, step: 1, unit: mm}}
objectives: {x: {goal: maximize, unit: mm}}
procedure: look
analysis: {plateau: {signal: read.x, output: x}}
budget: {experiments: 3}
failures: {in_a_row: 3}
"""
TIMEOUT_S = 60


@dataclass
class Beamline:
    """A lab with one EPICS motor, and the environment in which it is on the loopback interface only."""

    folder: Path
    environment: Mapping[str, str]
    running: list["subprocess.Popen[str]"] = field(default_factory=list["subprocess.Popen[str]"])

    def start(self, *command: str, stderr: int = subprocess.PIPE) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def serve(self, speed: float) -> "subprocess.Popen[str]":
        """Start the IOC, whose motor moves at so many mm/s."""
        (self.folder / "ioc.py").write_text(IOC)
        process = self.start("ioc.py", str(speed), stderr=subprocess.DEVNULL)
        wait_for(process, "ready")
        return process

    def campaign(self, low: int, high: int) -> None:
        (self.folder / "lab.yaml").write_text(LAB)
        (self.folder / "campaign.yaml").write_text(CAMPAIGN.replace("LOW", str(low)).replace("HIGH", str(high)))

    @property
    def reader(self) -> Reader:
        return Reader(self.folder / "data" / "motet.db")


def wait_for(process: "subprocess.Popen[str]", word: str) -> None:
    """Until a process prints it."""
    assert process.stdout is not None
    assert any(word in line for line in process.stdout), f"{word!r} was never printed"


def _port(kind: socket.SocketKind) -> int:
    with socket.socket(type=kind) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def beamline(tmp_path: Path) -> Iterator[Beamline]:
    port, repeater = str(_port(socket.SOCK_STREAM)), str(_port(socket.SOCK_DGRAM))
    environment = {
        **os.environ,
        "OPHYD_CONTROL_LAYER": "caproto",
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_SERVER_PORT": port,
        "EPICS_CA_REPEATER_PORT": repeater,
        "EPICS_CAS_SERVER_PORT": port,
        "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_CAS_BEACON_PORT": repeater,
        "MOTET_DATA": str(tmp_path / "data"),
    }
    made = Beamline(tmp_path, environment)
    yield made
    for process in made.running:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a process group that this test began
        process.communicate(timeout=10)


def _run(beamline: Beamline) -> "subprocess.CompletedProcess[str]":
    process = beamline.start("-m", "motet", "run", "campaign.yaml", "--json")
    out, err = process.communicate(timeout=TIMEOUT_S)
    return subprocess.CompletedProcess([], process.returncode, out, err)


def test_a_campaign_moves_an_epics_motor(beamline: Beamline) -> None:
    beamline.serve(speed=100)
    beamline.campaign(-3, 3)
    done = _run(beamline)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["experiments"], found["failed"]) == (3, 0)
    for row in beamline.reader.experiments("look"):
        assert row.values["x"] == pytest.approx(row.parameters["x"])


def test_the_limits_of_the_record_hold(beamline: Beamline) -> None:
    beamline.serve(speed=100)
    beamline.campaign(12, 14)
    done = _run(beamline)
    assert json.loads(done.stdout)["failed"] == 3, done.stderr
    for row in beamline.reader.experiments("look"):
        assert row.reason.startswith("LimitError: end-stage.set: value = ")
        assert "is beyond its limit [-10, 10] mm, set by " in row.reason


def test_an_abort_stops_the_motor_in_mid_move(beamline: Beamline) -> None:
    ioc = beamline.serve(speed=0.2)
    beamline.campaign(8, 10)
    process = beamline.start("-m", "motet", "run", "campaign.yaml")
    wait_for(ioc, "moving")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "interrupted: termination signal" in out
    probe = beamline.start("-c", PROBE)
    here, there, done = json.loads(probe.communicate(timeout=30)[0])
    assert done == 1
    assert here == there
    assert here < 7.9


PROBE = """\
import json, time
from caproto.threading.client import Context
names = ["IOC:m1.RBV", "IOC:m1.VAL", "IOC:m1.DMOV"]
pvs = Context().get_pvs(*names)
for pv in pvs:
    pv.wait_for_connection(timeout=5)
print(json.dumps([float(pv.read().data[0]) for pv in pvs]))
"""


def test_a_motor_that_is_not_there_is_named_and_nothing_moves(beamline: Beamline) -> None:
    beamline.campaign(-3, 3)
    done = _run(beamline)
    assert done.returncode == 3
    assert "end-stage: ophyd:EpicsMotor IOC:m1: wait_for_connection failed: TimeoutError" in done.stderr
    assert "Traceback" not in done.stderr
