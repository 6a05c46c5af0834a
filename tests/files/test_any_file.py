"""Whatever is done to a file, it is valid or what is wrong is reported: nothing else is raised."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motet.errors import FileProblems, Problem
from motet.files.campaign import load_campaign
from motet.plugins import Registry

LAB: dict[str, Any] = {
    "lab": "bench",
    "broker": "embedded",
    "hardware": "simulated",
    "simulation": {"time_scale": 10, "lines": "memory", "seed": 1},
    "stations": {
        "a": {
            "devices": {
                "stage": {"driver": "stage", "line": {"url": "/dev/ttyS0"}, "limits": {"x": [0, "50 mm"]}},
                "balance": {"driver": "balance", "topic": "bench/a", "options": {}},
            },
            "world": {"plate": {"speed": 2}},
        },
    },
    "procedures": {
        "weigh_at": {
            "parameters": {"x": "mm"},
            "steps": [
                {"stage.move": {"x": "$x", "y": "5 mm"}},
                {"repeat": {"times": 3, "until": "$check.stable", "steps": ["balance.check"]}},
                {"if": "$check.mass > 5", "then": [{"wait": "2 s"}], "else": ["stage.read"]},
                {"balance.weigh": {"time": 2}, "as": "final"},
            ],
            "cleanup": [{"stage.turn": {"turns": 1}}],
        }
    },
}
CAMPAIGN: dict[str, Any] = {
    "campaign": "test",
    "lab": "lab.yaml",
    "parameters": {"x": {"type": "stepped", "low": 0, "high": 50, "step": 5, "unit": "mm"}},
    "constraints": [
        {"linear": {"x": 1}, "at_most": 45, "at_least": -2.5},
        {"forbidden": {"x": {"above": 20, "below": 30}}},
        {"forbidden": {"x": [5, 10]}},
    ],
    "objectives": {"mass": {"goal": "target", "target": 5, "unit": "g"}},
    "procedure": "weigh_at",
    "stations": ["a"],
    "analysis": {"reading": {"reads": "final.mass"}},
    "learner": {"start": {"sobol": {"n": 2}}, "surrogate": "gp"},
    "stop": [{"experiments": {"n": 3}}, "never"],
    "budget": {"experiments": 3, "hours": 1.5},
    "failures": {"retry": 1},
    "seed": 3,
}
WORDS = [
    "",
    "x",
    "a",
    "stage",
    "stage.move",
    "$x",
    "$check.mass",
    "5 mm",
    "$",
    "as",
    "wait",
    "if",
    "name",
    "options",
]
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([1e400, 1e-9, -2.5]) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=2),
    max_leaves=4,
)


def problems_of(path: Path, registry: Registry) -> tuple[Problem, ...]:
    """What is wrong with a campaign, nothing when it is valid. Raises whatever else goes wrong."""
    try:
        load_campaign(path, registry)
    except FileProblems as error:
        return error.problems
    return ()


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys or indices."""
    if isinstance(tree, dict):
        items: list[tuple[Any, Any]] = list(cast("dict[Any, Any]", tree).items())
    elif isinstance(tree, list):
        items = list(enumerate(cast("list[Any]", tree)))
    else:
        return
    for key, value in items:
        yield tree, key
        yield from places(value)


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[Any, Any]:
    """The valid lab and campaign with up to three pieces replaced, left out or renamed."""
    lab, campaign = copy.deepcopy(LAB), copy.deepcopy(CAMPAIGN)
    for _ in range(draw(st.integers(0, 3))):
        container, key = draw(st.sampled_from([*places(lab), *places(campaign)]))
        match draw(st.sampled_from(["replace", "remove", "rename"])):
            case "rename" if isinstance(container, dict):
                held = cast("dict[Any, Any]", container)
                held[draw(st.sampled_from([*WORDS, f"{key}s"]))] = held.pop(key)
            case "remove":
                del container[key]
            case _:
                container[key] = draw(values)
    return lab, campaign


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(files=spoilt())
def test_a_spoilt_file_is_valid_or_reported(files: tuple[Any, Any], tmp_path: Path, registry: Registry) -> None:
    lab, campaign = files
    (tmp_path / "lab.yaml").write_text(json.dumps(lab))
    (tmp_path / "campaign.yaml").write_text(json.dumps(campaign))
    for problem in problems_of(tmp_path / "campaign.yaml", registry):
        assert problem.found
        assert problem.allowed
        assert str(tmp_path) in problem.file


def test_the_files_that_are_spoilt_are_valid(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "lab.yaml").write_text(json.dumps(LAB))
    (tmp_path / "campaign.yaml").write_text(json.dumps(CAMPAIGN))
    assert load_campaign(tmp_path / "campaign.yaml", registry).stations == ("a",)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_any_bytes_are_a_file_with_mistakes(content: bytes, tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_bytes(content)
    with pytest.raises(FileProblems):
        load_campaign(path, registry)
