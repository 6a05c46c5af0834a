"""Constraints of a search space as a campaign file states them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from motet.files.campaign import load_campaign
from motet.model.constraints import Forbidden, Linear, Nonzero, Sum
from motet.plugins import Registry

Write = Callable[..., Path]
Problems = Callable[[Path], list[str]]

LAB = """\
lab: bench
stations:
  a:
    devices:
      stage: {driver: soft}
      balance: {driver: balance, topic: bench/balance}
procedures:
  mix:
    parameters: {a: mm, b: mm, c: mm}
    steps:
      - stage.move: {x: $a, y: $b}
      - stage.move: {x: $c}
      - balance.weigh: {time: 2 s}
"""
HEAD = """\
campaign: test
lab: lab.yaml
objectives: {mass: {goal: minimize, unit: g}}
procedure: mix
analysis: reading
"""
CONTINUOUS = "parameters:\n" + "".join(f"  {name}: {{type: continuous, low: 0, high: 1}}\n" for name in "abc")
STEPPED = "parameters:\n" + "".join(f"  {name}: {{type: stepped, low: 0, high: 1, step: 0.25}}\n" for name in "abc")


def campaign(write: Write, *pieces: str, **texts: str) -> Path:
    return write(lab=LAB, campaign="".join([HEAD, *pieces]), **texts)


def test_every_form_is_read_and_kept_by_the_space(write: Write, registry: Registry) -> None:
    path = campaign(
        write,
        STEPPED,
        "constraints:\n",
        "  - {linear: {a: 1, b: -2}, at_most: 0.5}\n",
        "  - {sum: [a, b, c], equals: 1}\n",
        "  - {nonzero: [a, b, c], at_most: 2}\n",
        "  - {forbidden: {a: {above: 0.25}, c: [0.25, 0.75]}}\n",
    )

    space = load_campaign(path, registry).space

    assert [type(constraint) for constraint in space.constraints] == [Linear, Sum, Nonzero, Forbidden]
    assert [tuple(point.values()) for point in space.points()] == [
        (0.0, 0.0, 1.0),
        (0.0, 0.25, 0.75),
        (0.0, 0.5, 0.5),
        (0.0, 0.75, 0.25),
        (0.0, 1.0, 0.0),
        (0.25, 0.0, 0.75),
        (0.25, 0.75, 0.0),
        (0.5, 0.0, 0.5),
        (0.5, 0.5, 0.0),
        (0.75, 0.25, 0.0),
    ]
    assert space.parameters["a"].model_dump()["unit"] == "mm"


@pytest.mark.parametrize("parameters", [CONTINUOUS, STEPPED], ids=["continuous", "stepped"])
@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        (
            "  - {sum: [a, b], at_most: 1}\n  - {sum: [a, b, c], equals: 3.5}\n",
            "12: constraints.1: found `a + b + c equal to 3.5`; no values of the parameters meet it",
        ),
        (
            "  - {sum: [a, b], at_most: 0.5}\n  - {linear: {c: 1}, at_most: 0.25}\n  - {sum: [a, b, c], at_least: 1}\n",
            "13: constraints.2: found `a + b + c at least 1`; "
            "no point that meets the constraints before it meets this one too",
        ),
        (
            "  - {sum: [a, b, c], equals: 2.5}\n  - {nonzero: [a, b, c], at_most: 2}\n",
            "12: constraints.1: found `at most 2 of a, b, c non-zero`; "
            "no point that meets the constraints before it meets this one too",
        ),
        (
            "  - {forbidden: {a: {at_least: 0}}}\n",
            "11: constraints.0: found `not a at least 0`; no values of the parameters meet it",
        ),
    ],
    ids=range(4),
)
def test_constraints_that_leave_nothing_are_refused(
    write: Write, problems: Problems, parameters: str, constraints: str, message: str
) -> None:
    assert problems(campaign(write, parameters, "constraints:\n", constraints)) == [f"campaign.yaml:{message}"]


@pytest.mark.parametrize("parameters", ["", CONTINUOUS], ids=["table alone", "with parameters"])
def test_candidates_that_break_a_constraint_are_refused_with_their_lines(
    write: Write, problems: Problems, registry: Registry, parameters: str
) -> None:
    wanted = "candidates: points.csv\nconstraints: [{sum: [a, b, c], equals: 1}]\n"
    right = {"points.csv": "a,b,c\n0.2,0.3,0.5\n0.333333,0.333333,0.333333\n1,0,0\n"}
    assert load_campaign(campaign(write, parameters, wanted, **right), registry).space.size == 3

    wrong = {"points.csv": "a,b,c\n0.2,0.3,0.5\n\n0.5,0.5,0.1\n1,0,0\n0,0,0.99\n"}
    assert problems(campaign(write, parameters, wanted, **wrong)) == [
        f"points.csv:{line}: found {values}; it breaks constraints.0 of the campaign: a + b + c equal to 1"
        for line, values in ((4, "a = 0.5, b = 0.5, c = 0.1"), (6, "a = 0.0, b = 0.0, c = 0.99"))
    ]


def test_many_candidates_that_break_a_constraint_are_counted(write: Write, problems: Problems) -> None:
    rows = "".join(f"0.{i:02},0,0\n" for i in range(50))
    path = campaign(
        write,
        "candidates: points.csv\nconstraints: [{linear: {a: 1}, at_most: 0.09}]\n",
        **{"points.csv": f"a,b,c\n{rows}"},
    )

    found = [line for line in problems(path) if line.startswith("points.csv")]

    assert len(found) == 21
    assert found[0].startswith("points.csv:12: found a = 0.1; it breaks constraints.0 of the campaign: a at most 0.09")
    assert found[-1] == (
        "points.csv:32: found 20 more candidates that break constraints.0; all must meet it: a at most 0.09"
    )


def test_a_category_never_seen_is_refused_in_a_table(write: Write, problems: Problems) -> None:
    lab = LAB.replace("- stage.move: {x: $c}", "- stage.turn: {turns: 1, direction: $c}").replace(
        ", c: mm", ", c: null"
    )
    choice = CONTINUOUS.replace(
        "c: {type: continuous, low: 0, high: 1}", "c: {type: categorical, choices: [left, right]}"
    )
    text = f"{HEAD}{choice}candidates: points.csv\n"

    path = write(lab=lab, campaign=text, **{"points.csv": "a,b,c\n0,0,left\n1,1,up\n"})

    assert problems(path) == ["points.csv:3: c: found up; one of left, right is needed"]
