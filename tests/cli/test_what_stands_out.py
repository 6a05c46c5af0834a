"""Several objectives, constraints, classes, missing values and failed models on the live table and in its lines."""

import io
from collections.abc import Mapping

import pytest
from rich.console import Console

from motet.cli.board import Board
from motet.cli.display import Lines
from motet.cli.live import LiveTable
from motet.cli.standing import SHOWN, spread, standing
from motet.model.events import ExperimentEnded, ExperimentStarted
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective, OutcomeConstraint
from motet.model.standing import Wanted

ONE = {"current": Objective(goal="maximize", unit="mA")}
TWO = {"a": Objective(goal="maximize", unit="mA"), "b": Objective(goal="minimize")}
PHASE = {"phase": Objective(goal="classify", classes=("FCC", "BCC"))}
PRESSURE = {"pressure": OutcomeConstraint(at_most=5, unit="bar")}


def board(wanted: Wanted, *measured: Mapping[str, float]) -> Board:
    made = Board(wanted, clock=lambda: 0.0)
    for number, values in enumerate(measured, 1):
        made.see(ExperimentEnded(outcome(number, values), "s1", 1.0))
    return made


def outcome(number: int, values: Mapping[str, float], problem: str = "") -> Outcome:
    experiment = Experiment("c-1", number, Suggestion({"x": float(number)}, "why", problem=problem))
    return Outcome(experiment, State.DONE, values)


def shown(made: Board) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(standing(made))
    return out.getvalue()


def test_one_objective_shows_its_best() -> None:
    assert shown(board(Wanted(ONE))) == "no value yet\n"
    text = shown(board(Wanted(ONE), {"current": 1.0}, {"current": 3.0}, {"current": 2.0}))
    assert text == "best current 3 mA at x = 2 (experiment 2)\n"


def test_what_breaks_a_constraint_is_told_and_is_not_the_best() -> None:
    made = board(Wanted(ONE, PRESSURE), {"current": 9.0, "pressure": 7.0})
    assert shown(made) == "no experiment meets the constraints yet\n"
    assert made.stations["s1"].last == "current 9 mA (breaks pressure 7 bar)"
    made.see(ExperimentEnded(outcome(2, {"current": 1.0, "pressure": 1.0}), "s1", 1.0))
    assert "best current 1 mA" in shown(made)


def test_several_objectives_show_their_front_with_what_is_missing() -> None:
    made = board(Wanted(TWO), {"b": 1.0}, {"a": 1.0, "b": 1.0}, {"a": 3.0, "b": 3.0}, {"a": 0.5, "b": 2.0})
    assert made.stations["s1"].last == "a 0.5 mA, b 2"
    lines = shown(made).splitlines()
    assert lines[0] == "Pareto front: 2 experiments"
    assert [line.split() for line in lines[2:]] == [
        ["3", "3", "mA", "3", "x", "=", "3"],
        ["2", "1", "mA", "1", "x", "=", "2"],
    ]
    assert made.value(outcome(1, {"b": 1.0})) == "a not measured, b 1"


def test_nothing_has_all_objectives_yet() -> None:
    assert shown(board(Wanted(TWO), {"b": 1.0})) == "no value yet\n"


def test_of_a_long_front_both_ends_and_what_lies_between_are_shown() -> None:
    made = board(Wanted(TWO), *({"a": float(i), "b": float(i)} for i in range(40)))
    lines = shown(made).splitlines()
    assert lines[0] == f"Pareto front: 40 experiments, {SHOWN} of them shown"
    assert (lines[2].split()[0], lines[-1].split()[0], len(lines)) == ("40", "1", SHOWN + 2)


@pytest.mark.parametrize("count", [0, 1, 2, 8, 9, 100])
def test_spread_keeps_the_ends_and_the_order(count: int) -> None:
    found = spread(range(count), 8)
    assert len(found) == min(count, 8)
    assert found == sorted(set(found))
    assert {found[0], found[-1]} == {0, count - 1} if count else not found


def test_classes_are_counted_by_name() -> None:
    made = board(Wanted(PHASE), {"phase": 1.0}, {"phase": 0.0}, {"phase": 1.0})
    assert made.stations["s1"].last == "phase BCC"
    assert shown(made) == "found FCC 1, BCC 2\n"


def test_a_learner_without_its_model_is_warned_of() -> None:
    made = board(Wanted(ONE))
    out = io.StringIO()
    console = Console(file=out, width=140, force_terminal=True)
    for number in (4, 6):
        experiment = outcome(number, {}, "Cholesky failed").experiment
        for attempt in (1, 2):
            made.see(ExperimentStarted(experiment, "s1", attempt))
    with LiveTable(made, console).shown():
        pass
    assert "the learner went on without its model 2 times, the last time for experiment 6: Cholesky" in out.getvalue()


@pytest.mark.parametrize(
    ("objectives", "values", "expected"),
    [
        (ONE, {"current": 1.0}, "current 1 mA in 1.00 s; best current 1 mA"),
        (TWO, {"a": 1.0, "b": 2.0}, "a 1 mA, b 2 in 1.00 s; front of 1"),
        (TWO, {"b": 2.0}, "a not measured, b 2 in 1.00 s; front of 0"),
        (PHASE, {"phase": 0.0}, "phase FCC in 1.00 s; so far FCC 1, BCC 0"),
    ],
)
def test_lines_say_what_the_campaign_has_come_to(
    capsys: pytest.CaptureFixture[str],
    objectives: Mapping[str, Objective],
    values: Mapping[str, float],
    expected: str,
) -> None:
    lines = Lines(board(Wanted(objectives)))
    one = outcome(1, values, "singular")
    lines.see(ExperimentStarted(one.experiment, "s1", 1))
    lines.see(ExperimentStarted(one.experiment, "s1", 2))
    lines.see(ExperimentEnded(one, "s1", 1.0))
    assert capsys.readouterr().out.splitlines() == [
        "0:00  1 s1 was chosen without a model: singular",
        f"0:00  1 s1 x = 1: {expected}",
    ]
