"""Who may share a line: instruments with an address each and the same settings, and nobody else."""

from pathlib import Path

import pytest

from motet.errors import FileProblems
from motet.files.lab import load_lab
from motet.plugins import installed

PUMP = "driver: ne1000, line: /dev/ttyUSB0"
SYRINGE = "diameter: 26.59, capacity: 60"
FIRST = f"{{{PUMP}, options: {{address: 1, {SYRINGE}}}}}"


def problems(folder: Path, *devices: str, hardware: str = "real") -> list[str]:
    """What is wrong with a lab of two stations: the first device in one, the others in the other."""
    first, *others = devices
    lines = ["lab: buses", f"hardware: {hardware}", "stations:", "  a:", f"    devices: {{x0: {first}}}"]
    if others:
        lines += ["  b:", "    devices:", *(f"      x{number}: {each}" for number, each in enumerate(others, 1))]
    file = folder / "lab.yaml"
    file.write_text("\n".join(lines))
    try:
        load_lab(file, installed())
    except FileProblems as error:
        return [str(problem).partition("lab.yaml:")[2] for problem in error.problems]
    return []


@pytest.mark.parametrize("hardware", ["real", "simulated"])
def test_devices_with_an_address_each_share_a_line_and_wait_as_long_as_they_like(hardware: str, tmp_path: Path) -> None:
    patient = f"{{driver: ne1000, line: {{url: /dev/ttyUSB0, timeout: 9}}, options: {{address: 2, {SYRINGE}}}}}"
    third = f"{{{PUMP}, options: {{address: 3, {SYRINGE}}}}}"
    assert problems(tmp_path, FIRST, patient, third, hardware=hardware) == []


@pytest.mark.parametrize("hardware", ["real", "simulated"])
def test_two_devices_at_one_address_are_refused_across_stations(hardware: str, tmp_path: Path) -> None:
    assert problems(tmp_path, FIRST, FIRST, hardware=hardware) == [
        "8: stations.b.devices.x1.options.address: found the address 1 a second time; stations.a.devices.x0 has it "
        "already on the line '/dev/ttyUSB0': each device on a bus needs its own"
    ]


def test_two_devices_that_both_leave_their_address_out_are_at_one(tmp_path: Path) -> None:
    stage = "{driver: elliptec, line: /dev/ttyUSB0}"
    assert problems(tmp_path, stage, stage) == [
        "8: stations.b.devices.x1.line: found the address '0' a second time; stations.a.devices.x0 has it already "
        "on the line '/dev/ttyUSB0': each device on a bus needs its own"
    ]


def test_a_bus_has_one_setting(tmp_path: Path) -> None:
    fast = f"{{driver: ne1000, line: {{url: /dev/ttyUSB0, baudrate: 9600}}, options: {{address: 2, {SYRINGE}}}}}"
    stage = "{driver: elliptec, line: /dev/ttyUSB0}"
    has = "stations.a.devices.x0 on the same line has 19200: a bus has one setting"
    assert problems(tmp_path, FIRST, fast, stage) == [
        f"8: stations.b.devices.x1.line.url: found baudrate 9600 for the line '/dev/ttyUSB0'; {has}",
        f"9: stations.b.devices.x2.line: found baudrate 9600 for the line '/dev/ttyUSB0'; {has}",
    ]


def test_an_instrument_without_an_address_has_a_line_to_itself(tmp_path: Path) -> None:
    balance = "{driver: mt_sics, line: /dev/ttyUSB0}"
    for first, second in ((FIRST, balance), (balance, FIRST), (balance, balance)):
        assert problems(tmp_path, first, second) == [
            "8: stations.b.devices.x1.line: found the line '/dev/ttyUSB0' a second time; stations.a.devices.x0 has it "
            "already: one device a line"
        ]


def test_a_mistake_in_the_options_makes_no_second_one_of_the_line(tmp_path: Path) -> None:
    """Its address is not known; that it has none is no reason to send it away."""
    wrong = f"{{{PUMP}, options: {{address: 300, {SYRINGE}}}}}"
    found = "found 300; a number of at most 99 is needed"
    second = f"{{{PUMP}, options: {{address: 2, {SYRINGE}}}}}"
    assert problems(tmp_path, wrong, wrong, second) == [
        f"5: stations.a.devices.x0.options.address: {found}",
        f"8: stations.b.devices.x1.options.address: {found}",
    ]
    slow = f"{{driver: ne1000, line: {{url: /dev/ttyUSB0, baudrate: 1200}}, options: {{address: 300, {SYRINGE}}}}}"
    assert len(problems(tmp_path, FIRST, slow)) == 2
