"""Points and results as people write them, and the search space that the store keeps for them."""

from pathlib import Path
from typing import Any

import pytest

from motet.api.beginning import BEGAN, about
from motet.api.points import each, read_point, read_values
from motet.api.queue import add, look, read_csv, tell
from motet.api.stored import stored_space
from motet.errors import AnswerProblem, NotFound, StoreError
from motet.files.campaign import load_campaign
from motet.model.events import CampaignState
from motet.model.objective import Objective, OutcomeConstraint
from motet.model.space import Categorical, Continuous, Fixed, Integer, Space, Stepped
from motet.plugins import installed
from motet.store import CampaignRecord, Reader, Stamp, Store

SPACE = Space(
    {
        "c": Continuous(low=0, high=50, unit="mm"),
        "s": Stepped(low=0, high=1, step=0.1),
        "n": Integer(low=1, high=9),
        "salt": Categorical(choices=("KCl", "NaCl")),
        "mark": Fixed(value=3),
    }
)
GOOD: dict[str, Any] = {"c": 5, "s": 0.3, "n": 2, "salt": "KCl"}
MASS, PHASE = Objective(goal="maximize", unit="mg"), Objective(goal="classify", classes=("FCC", "BCC"))


def test_values_are_read_in_the_parameters_own_units_and_types() -> None:
    found = read_point(SPACE, {"c": "0.5 cm", "s": "0.30000000000000004", "n": "2.0", "salt": " KCl ", "mark": "3"})
    assert found == GOOD | {"mark": 3}
    assert [type(value) for value in found.values()] == [float, float, int, str, int]
    assert repr(found["s"]) == "0.3"
    assert read_point(SPACE, GOOD) == found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"c": "6 cm"}, "c = 6 cm must be a number in [0, 50] mm"),
        ({"c": "5 s"}, "c = 5 s must be a number in [0, 50] mm: s ([time]) cannot be converted to mm"),
        ({"c": "far"}, "c = far must be a number in [0, 50] mm: 'far' is not a quantity"),
        ({"c": float("nan")}, "c = nan must be a number in [0, 50] mm"),
        ({"c": True}, "c = True must be a number in [0, 50] mm"),
        ({"s": 0.25}, "s = 0.25 must be a number from 0 to 1 in steps of 0.1"),
        ({"n": 2.5}, "n = 2.5 must be a whole number in [1, 9]"),
        ({"salt": "LiCl"}, "salt = LiCl must be one of KCl, NaCl"),
        ({"mark": 4}, "mark = 4 must be 3, which is fixed"),
        ({"x": 1}, "x is not a parameter; there are c, s, n, salt, mark"),
    ],
    ids=str,
)
def test_what_is_no_point_is_refused_with_what_is_allowed(change: dict[str, Any], message: str) -> None:
    with pytest.raises(AnswerProblem) as caught:
        read_point(SPACE, GOOD | change)
    assert str(caught.value).startswith(message)


def test_everything_that_is_wrong_with_several_points_is_said_at_once() -> None:
    with pytest.raises(AnswerProblem) as caught:
        each([GOOD, {"c": 1, "s": 2, "n": 2}, GOOD, {}], lambda one: read_point(SPACE, one))
    second, fourth = str(caught.value).splitlines()
    assert second == ("point 2: s = 2 must be a number from 0 to 1 in steps of 0.1; salt is missing, one of KCl, NaCl")
    assert fourth.startswith("point 4: c is missing, a number in [0, 50] mm; s is missing")


@pytest.mark.parametrize(
    ("objectives", "given", "found"),
    [
        ({"mass": MASS}, {"mass": "0.5 g"}, {"mass": 500.0}),
        ({"phase": PHASE}, {"phase": "BCC"}, {"phase": 1.0}),
        ({"phase": PHASE}, {"phase": 0}, {"phase": 0.0}),
        ({"mass": MASS, "phase": PHASE}, {"mass": 1}, {"mass": 1.0}),
    ],
)
def test_values_are_read_in_the_objectives_units_and_classes(
    objectives: dict[str, Objective], given: dict[str, Any], found: dict[str, float]
) -> None:
    assert read_values(objectives, {}, given) == found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mass": 1, "phase": "HCP", "p": 1}, "phase = HCP must be one of FCC, BCC"),
        ({"mass": "1 mm", "p": 1}, "mass = 1 mm must be a number in mg: mm ([length]) cannot be converted to mg"),
        ({"mass": float("inf"), "p": 1}, "mass = inf must be a number in mg"),
        ({"mass": 1}, "the value of p is missing"),
        ({"p": 1}, "a value of mass or of phase is missing"),
        ({"weight": 1}, "weight is not what this campaign measures, which is mass, phase, p"),
    ],
)
def test_what_was_not_measured_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(AnswerProblem) as caught:
        read_values({"mass": MASS, "phase": PHASE}, {"p": OutcomeConstraint(at_most=5)}, given)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y\n", "a line of names, then a line for each point are needed"),
        ("x,y\n1\n", "point 1 has 1 cells; 2 are needed"),
        ("x,x\n1,2\n", "each column needs a name of its own"),
        ('x\n"1\n', "is no CSV file"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(AnswerProblem, match=f"points.csv: .*{message}|points.csv: {message}"):
        read_csv(tmp_path / "points.csv")


LAB = """\
lab: bench
broker: none
stations:
  cell:
    devices:
      scales: {driver: manual, options: {answer: number, unit: mg}, simulator: {answer: 5}}
procedures:
  weigh:
    parameters: {x: mm, salt: null}
    steps:
      - scales.ask: {question: What do the scales show?}
"""
CAMPAIGN = """\
campaign: weighing
lab: lab.yaml
parameters:
  x: {type: continuous, low: 0, high: 9}
  salt: {type: categorical, choices: [KCl, NaCl]}
candidates: points.csv
objectives: {mass: {goal: maximize, unit: mg}}
procedure: weigh
analysis: {plateau: {signal: ask.answer, output: mass}}
"""


async def waiting_campaign(folder: Path) -> Store:
    """A campaign with a table of candidates that was begun, and whose program died."""
    for name, text in (("lab.yaml", LAB), ("campaign.yaml", CAMPAIGN), ("points.csv", "salt,x\nKCl,1\nNaCl,2.5\n")):
        (folder / name).write_text(text)
    file = load_campaign(folder / "campaign.yaml", installed())
    now = Stamp(0.0, 0.0)
    objectives = {name: one.model_dump() for name, one in file.campaign.objectives.items()}
    parameters = {name: one.model_dump() for name, one in file.space.parameters.items()}
    record = CampaignRecord("weighing", "bench", file.files, {}, 0, ("cell",), objectives, parameters, now)
    store = await Store.open(folder / "motet.db")
    await store.happened(await store.new_campaign(record), BEGAN, "", "", about(file), now)
    return store


async def test_a_campaign_of_candidates_takes_only_rows_of_its_table(tmp_path: Path) -> None:
    store = await waiting_campaign(tmp_path)
    with pytest.raises(StoreError, match=r"weighing-1 does not run, or its lab has no broker: .*is writing to"):
        await add(tmp_path, "weighing", [{"x": 1, "salt": "KCl"}])
    await store.close()
    reader = Reader(tmp_path / "motet.db")
    space = stored_space(reader, reader.campaign("weighing"))
    assert list(space.candidates or ()) == [{"x": 1.0, "salt": "KCl"}, {"x": 2.5, "salt": "NaCl"}]
    assert list(await add(tmp_path, "weighing", [{"x": "0.25 cm", "salt": "NaCl"}])) == [1]
    with pytest.raises(AnswerProblem, match=r"weighing-1: x = 2\.5, salt = KCl is none of the 2 candidates"):
        await add(tmp_path, "weighing", [{"x": 2.5, "salt": "KCl"}])
    assert [row.entry.parameters for row in look(tmp_path, "weighing").rows] == [{"x": 2.5, "salt": "NaCl"}]


async def test_a_campaign_that_has_ended_takes_nothing(tmp_path: Path) -> None:
    store = await waiting_campaign(tmp_path)
    await store.campaign_changed("weighing-1", CampaignState.STOPPED, "asked to", Stamp(1.0, 1.0))
    await store.close()
    for asked in (
        add(tmp_path, "weighing", [{"x": 1, "salt": "KCl"}]),
        tell(tmp_path, "weighing", [({"x": 1, "salt": "KCl"}, {"mass": 1})]),
    ):
        with pytest.raises(AnswerProblem, match=r"campaign weighing-1: it has ended: stopped \(asked to\)"):
            await asked
    with pytest.raises(NotFound, match="no campaign"):
        await add(tmp_path, "brewing", [{}])
