"""Valid labs, and what the kind of hardware changes."""

from pathlib import Path

import pytest

from motet.errors import FileProblems
from motet.files.lab import load_lab
from motet.plugins import Registry

LAB = """\
lab: bench
broker: none
hardware: HARDWARE
stations:
  a: {devices: {stage: {driver: stage, line: /dev/ttyS0}}}
  b: {devices: {stage: {driver: DRIVER, LINE}}}
"""


def lab(folder: Path, **values: str) -> Path:
    text = LAB
    for key, value in {"HARDWARE": "real", "DRIVER": "stage", "LINE": "line: /dev/ttyS1", **values}.items():
        text = text.replace(key, value)
    path = folder / "lab.yaml"
    path.write_text(text)
    return path


def mistakes(path: Path, registry: Registry) -> list[str]:
    with pytest.raises(FileProblems) as caught:
        load_lab(path, registry)
    return [line.replace(f"{path.parent}/", "") for line in str(caught.value).splitlines()]


def test_a_valid_lab_comes_with_its_text(tmp_path: Path, registry: Registry) -> None:
    path = lab(tmp_path)
    file = load_lab(path, registry)
    assert (file.lab.lab, list(file.lab.stations), file.text) == ("bench", ["a", "b"], path.read_text())
    assert file.lab.stations["a"].devices["stage"].line is not None


def test_one_port_for_two_instruments_is_a_mistake_on_real_hardware_only(tmp_path: Path, registry: Registry) -> None:
    same = {"LINE": "line: /dev/ttyS0"}
    assert mistakes(lab(tmp_path, **same), registry) == [
        "lab.yaml:6: stations.b.devices.stage.line: found the line '/dev/ttyS0' a second time; "
        "stations.a.devices.stage has it already: one device a line"
    ]
    load_lab(lab(tmp_path, HARDWARE="simulated", **same), registry)


def test_a_simulated_lab_needs_a_simulator_for_each_line(tmp_path: Path, registry: Registry) -> None:
    load_lab(lab(tmp_path, HARDWARE="simulated", DRIVER="soft", LINE="options: {}"), registry)
    assert mistakes(lab(tmp_path, HARDWARE="simulated", DRIVER="rare"), registry) == [
        "lab.yaml:6: stations.b.devices.stage.driver: found no simulator named 'rare'; "
        "drivers with a simulator: balance, stage"
    ]
    load_lab(lab(tmp_path, DRIVER="rare"), registry)


def test_a_lab_without_a_broker_has_no_mqtt_devices(tmp_path: Path, registry: Registry) -> None:
    assert mistakes(lab(tmp_path, DRIVER="balance", LINE="topic: a/b"), registry) == [
        "lab.yaml:6: stations.b.devices.stage.driver: found the driver 'balance', which needs a broker; "
        "with `broker: none` a lab has no MQTT devices; allowed: embedded, mqtt://HOST:PORT"
    ]


@pytest.mark.parametrize("url", ["/dev/ttyS5", "COM3", "socket://host:4001", "rfc2217://host:4001", "loop://"])
def test_serial_lines_are_pyserials_urls(tmp_path: Path, registry: Registry, url: str) -> None:
    load_lab(lab(tmp_path, LINE=f"line: {url}"), registry)


@pytest.mark.parametrize("url", ["ttyS5", "socket://host", "socket://host:port", "telnet://host:4001", "''"])
def test_other_urls_are_mistakes(tmp_path: Path, registry: Registry, url: str) -> None:
    (line,) = mistakes(lab(tmp_path, LINE=f"line: {url}"), registry)
    assert line.startswith("lab.yaml:6: stations.b.devices.stage.line: found ")


def test_a_mistake_in_a_template_counts_once(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(
        "lab: bench\nx-s: &s {driver: soft, limits: {z: [0, 1]}}\n"
        "stations: {a: {devices: {one: *s, two: *s}}, b: {devices: {one: {<<: *s}}}}\n"
    )
    assert mistakes(path, registry) == [
        "lab.yaml:2: stations.a.devices.one.limits.z: found a limit of 'z'; allowed: x, y, turns (driver soft)"
    ]


def test_a_device_with_mistakes_leaves_open_what_it_gives(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(
        "lab: bench\nstations: {a: {devices: {stage: {driver: soft}, balance: {driver: balanc, topic: a/b}}}}\n"
        "procedures: {weigh: {steps: [balance.check, {if: $check.stable, then: [stage.turn: {turns: 1.5}]}]}}\n"
    )
    assert [line.partition(": found ")[0] for line in mistakes(path, registry)] == [
        "lab.yaml:2: stations.a.devices.balance.driver",
        "lab.yaml:3: procedures.weigh.steps.1.then.0.stage.turn.turns",
    ]
