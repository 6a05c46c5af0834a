"""The line of a described instrument: its description's settings hold, unless the lab file says otherwise."""

import os
import pty
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from motet.contracts.declarations import Driver, Kind
from motet.files.lab import load_lab
from motet.lines import SerialOpener
from motet.plugins import installed
from motet.station.wiring import Wired

METER = Path(__file__).parents[2] / "examples" / "instruments" / "conductivity_meter.yaml"
LAB = """\
lab: bench
broker: none
stations:
  cell:
    devices:
      meter: { driver: ascii, line: LINE, options: { file: meter.yaml } }
procedures:
  measure:
    parameters: {}
    steps: [{ meter.measure: {} }]
"""


@pytest.fixture
def port() -> Iterator[str]:
    """A pseudo-terminal that nobody is behind."""
    ours, theirs = pty.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def wired(folder: Path, line: str) -> Wired:
    """The meter as a lab file has it, whose description says 19200 baud."""
    (folder / "meter.yaml").write_text(METER.read_text())
    (folder / "lab.yaml").write_text(LAB.replace("LINE", line))
    entry = load_lab(folder / "lab.yaml", installed()).lab.stations["cell"].devices["meter"]
    driver = installed().all(Kind.DRIVER)["ascii"].declaration
    assert isinstance(driver, Driver)
    return Wired("cell-meter", driver, driver.options.model_validate(entry.options), entry)


@pytest.mark.parametrize(
    ("line", "baudrate", "speed"),
    [
        ("{ url: URL }", 19200, termios.B19200),
        ("URL", 19200, termios.B19200),
        ("{ url: URL, baudrate: 4800 }", 4800, termios.B4800),
    ],
)
async def test_the_port_is_opened_as_the_description_says(
    tmp_path: Path, port: str, line: str, baudrate: int, speed: int
) -> None:
    settings = wired(tmp_path, line.replace("URL", port)).settings
    assert (settings.url, settings.baudrate) == (port, baudrate)
    stream = await SerialOpener(settings).open()
    try:
        tty = os.open(port, os.O_RDONLY | os.O_NOCTTY)
        *_, sent, received, _ = termios.tcgetattr(tty)
        os.close(tty)
        assert (sent, received) == (speed, speed)
    finally:
        await stream.close()


def test_settings_that_neither_states_are_the_usual_ones(tmp_path: Path) -> None:
    settings = wired(tmp_path, "/dev/ttyUSB0").settings
    assert (settings.bytesize, settings.parity, settings.stopbits, settings.timeout) == (8, "N", 1, 2.0)
