"""What an instrument cannot know any more after a lost line is told to whoever watches."""

import pytest

from motet.cli.board import Board
from motet.cli.display import Lines
from motet.model.events import StationChanged, StationState
from motet.model.objective import Objective
from motet.model.standing import Wanted

CAUSE = "a-gantry was connected again; not known any more: the position: run `home`"
TOLD = StationChanged("a", StationState.RUNNING, CAUSE)


def board() -> Board:
    return Board(Wanted({"y": Objective(goal="maximize")}, {}), clock=lambda: 0.0)


def test_lines_have_one_for_it_and_none_for_a_run_that_begins(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(board())
    lines.see(StationChanged("a", StationState.RUNNING))
    assert capsys.readouterr().out == ""
    lines.see(TOLD)
    assert capsys.readouterr().out == f"0:00  a: {CAUSE}\n"


def test_the_live_view_shows_it_while_the_station_works() -> None:
    made = board()
    made.see(TOLD)
    made.see(StationChanged("a", StationState.IDLE))
    assert made.stations["a"].last == CAUSE
