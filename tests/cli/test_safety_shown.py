"""What the terminal shows of interlocks and of an emergency stop."""

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
