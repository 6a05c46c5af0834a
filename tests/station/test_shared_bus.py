"""A campaign on two stations whose pumps share a bus: in memory, over a pseudo-terminal, and with its cable pulled."""

import os
import tempfile
from pathlib import Path

import pytest

from motet.api.run import Options, run_campaign
from motet.errors import ConnectionProblem
from motet.model.events import Event, ExperimentEnded, ExperimentRetried, StationChanged
from motet.model.experiment import State

PUMPS = 3
"""On each station, with names so long that all of them together are no file's name."""
STATIONS = ("left", "right")
CAMPAIGN = """\
campaign: dose
lab: lab.yaml
parameters:
  volume: {type: continuous, low: 0.5, high: 2, unit: mL}
objectives:
  dosed: {goal: maximize, unit: mL}
procedure: dose
analysis:
  value: {outputs: {dosed: last.dispensed}}
learner: {start: {random: {n: 6}}}
budget: {experiments: 6}
failures: {retry: 20, wait: 5 s}
"""


def pump(number: int) -> str:
    return f"pump_of_the_stock_solution_with_a_long_name_{number}"


def lab(faults: str = "[]", firmware: str = "''") -> str:
    """The bus is that of the devices of both stations, in an order of addresses that is nobody's."""
    lines = ["lab: bus", "hardware: simulated", "broker: none", "simulation: {time_scale: 500}", "stations:"]
    for station, name in enumerate(STATIONS):
        lines += [f"  {name}:", "    devices:", f"      gantry: {{driver: grbl, line: /dev/ttyUSB{station + 1}}}"]
        for number in range(PUMPS):
            address = 2 * (PUMPS - number) + station
            first = station == number == 0
            lines += [
                f"      {pump(number)}:",
                "        driver: ne1000",
                "        line: /dev/ttyUSB0",
                f"        options: {{address: {address}, diameter: 26.59, capacity: 60, firmware: {firmware}}}",
                f"        simulator: {{contents: {20 + address}, faults: {faults if first else '[]'}}}",
            ]
    steps = [f"- {pump(n)}.dispense: {{volume: $volume, rate: 20}}\n        as: dose{n}" for n in range(PUMPS - 1)]
    steps += ["- gantry.read", f"- {pump(PUMPS - 1)}.dispense: {{volume: $volume, rate: 20}}\n        as: last"]
    lines += [
        "procedures:",
        "  dose:",
        "    parameters: {volume: mL}",
        "    steps:",
        *(f"      {step}" for step in steps),
    ]
    return "\n".join(lines)


def ran(folder: Path, text: str, lines: str) -> list[Event]:
    (folder / "lab.yaml").write_text(text)
    (folder / "campaign.yaml").write_text(CAMPAIGN)
    seen: list[Event] = []
    options = Options(data=folder / "data", lines="pty" if lines == "pty" else "memory")
    run_campaign(folder / "campaign.yaml", options, [seen.append])
    return seen


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("lines", ["memory", "pty"])
def test_pumps_of_two_stations_on_one_bus_dose_what_each_was_told(lines: str, tmp_path: Path, links: Path) -> None:
    seen = ran(tmp_path, lab(), lines)
    ended = [event for event in seen if isinstance(event, ExperimentEnded)]
    assert {event.station for event in ended} == set(STATIONS)
    assert [event.outcome.state for event in ended] == [State.DONE] * 6
    for event in ended:
        told = event.outcome.experiment.parameters["volume"]
        assert event.outcome.values["dosed"] == pytest.approx(told, abs=0.002)
    assert not [event for event in seen if isinstance(event, ExperimentRetried)]
    assert os.listdir(links) == []


@pytest.mark.parametrize("lines", ["memory", "pty"])
def test_after_a_pulled_cable_all_on_the_bus_are_identified_again_and_nobody_else(
    lines: str, tmp_path: Path, links: Path
) -> None:
    seen = ran(tmp_path, lab(faults="[{kind: disconnect, after: 20, seconds: 5}]"), lines)
    ended = [event for event in seen if isinstance(event, ExperimentEnded)]
    failed = [event for event in ended if event.outcome.state is State.FAILED]
    assert len(ended) == 6
    assert {event.station for event in failed} <= set(STATIONS)
    assert 1 <= len(failed) <= len(STATIONS), "what had begun to dispense is not repeated, everything else is"
    assert all("LineLost" in event.outcome.reason for event in failed)
    told = [event for event in seen if isinstance(event, StationChanged) and "was connected again" in event.cause]
    again = [event.cause.partition(" was connected again")[0] for event in told]
    assert sorted(again) == [f"{station}-{pump(number)}" for station in STATIONS for number in range(PUMPS)]
    assert all("how full the syringe is" in event.cause for event in told)
    assert os.listdir(links) == []


def test_a_campaign_that_cannot_connect_leaves_no_port_and_no_folder(tmp_path: Path, links: Path) -> None:
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(ConnectionProblem) as caught:
        ran(tmp_path, lab(firmware="'9.9'"), "pty")
    for number in range(PUMPS):
        assert f"left-{pump(number)}: " in str(caught.value)
    assert "the lab file says 9.9..." in str(caught.value)
    assert os.listdir(links) == []
    assert len(os.listdir("/dev/fd")) == before
