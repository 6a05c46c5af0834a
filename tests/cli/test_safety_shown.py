"""What the terminal shows of interlocks and of an emergency stop."""

from typing import Any

import pytest

from motet.cli.board import Board
from motet.cli.display import Lines
from motet.model.events import Event, InterlockCleared, InterlockTripped, StationChanged, StationState, StepStarted
from motet.model.standing import Wanted

EVENTS: list[Event] = [
    StationChanged("cell", StationState.RUNNING),
    StepStarted("cell", "heater.heat"),
    InterlockTripped("cell", "hot", "heater.temperature = 85 degC"),
    StationChanged("cell", StationState.PAUSING, "interlock cell.hot: heater.temperature = 85 degC"),
    InterlockCleared("cell", "hot"),
    InterlockTripped("", "smoke", "hood.smoke = 1"),
    StationChanged("cell", StationState.ESTOPPED, "e-stopped by ann@pc at 2026-01-31 12:00:05: smoke"),
    StationChanged("cell", StationState.CLEARING),
    StationChanged("cell", StationState.IDLE, "not known any more: cell-heater its program"),
]


def test_a_log_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(Board(Wanted({}, {}), lambda: 0.0))
    for event in EVENTS:
        lines.see(event)
    assert [line.partition("  ")[2] for line in capsys.readouterr().out.splitlines()] == [
        "cell waits: interlock hot: heater.temperature = 85 degC",
        "cell goes on: interlock hot has cleared",
        "every station waits: interlock smoke: hood.smoke = 1",
        "cell e-stopped by ann@pc at 2026-01-31 12:00:05: smoke",
        "cell is connected anew: the emergency stop was cleared",
        "cell: not known any more: cell-heater its program",
    ]


def test_the_table_keeps_the_step_while_it_goes_on_and_says_why_a_station_stands_still() -> None:
    board = Board(Wanted({}, {}), lambda: 0.0)
    shown: list[tuple[str, str]] = []
    for event in EVENTS:
        board.see(event)
        shown.append((board.stations["cell"].step, board.stations["cell"].last))
    assert shown[3] == ("heater.heat", "interlock hot: heater.temperature = 85 degC")
    assert shown[6] == ("", "e-stopped by ann@pc at 2026-01-31 12:00:05: smoke")


@pytest.mark.slow
def test_a_device_that_is_not_safe_in_the_end_is_said_after_a_bounded_wait_and_is_an_exit_code(twin: Any) -> None:
    outage = "  seed: 7 # of the simulators' noise\n  failures: [{device: sdc2.stage, at: 2 min, repair: 30 days}]\n"
    twin.change("lab.yaml", "  seed: 7 # of the simulators' noise\n", outage)
    twin.change("lab.yaml", "currency: EUR", "currency: EUR\nsafety: {safe_within: 5 min}")
    done = twin.here("simulate", "campaign.yaml", "--fast")
    last = [line for line in done.stdout.splitlines() if line.startswith("UNSAFE")]
    assert done.returncode == 5
    assert len(last) == 1
    assert "sdc2-stage is not known to be in its safe state" in last[0]
    assert "waiting for it for 300 s at most" in done.stdout


@pytest.mark.slow
def test_a_plan_of_a_campaign_that_stops_the_lab_is_one_message(twin: Any) -> None:
    twin.change("lab.yaml", "currency: EUR", "currency: EUR\nsafety: {estop_when: ['sdc1.force.force > 20']}")
    done = twin.here("plan", "campaign.yaml", "--seeds", "1", "--processes", "1")
    assert done.returncode == 4
    (line,) = [line for line in done.stderr.splitlines() if not line.endswith("campaigns")]
    assert line.startswith("error: the campaign with seed 0 does not come to its end: emergency stop")
    assert "interlock sdc1.estop_when_1: sdc1.force.force" in line
