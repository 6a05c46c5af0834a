"""The JSON schemas accept what the files accept, and refuse what they can."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from motet.errors import FileProblems
from motet.files.lab import load_lab
from motet.files.schema import KINDS, schema
from motet.files.source import read
from motet.plugins import Registry

MISTAKES = Path(__file__).parent / "mistakes"

STEPS: list[Any] = [
    "stage.home",
    {"stage.home": None},
    {"stage.move": {"x": 5, "y": "5 mm"}},
    {"stage.move": {"x": "$x"}, "as": "moved"},
    {"wait": 2},
    {"wait": "2 s"},
    {"repeat": {"times": 3, "steps": ["stage.home"]}},
    {"repeat": {"times": 3, "until": "$a.b > 3", "steps": [{"wait": 1}]}},
    {"if": "$x > 3", "then": ["stage.home"]},
    {"if": "$x > 3", "then": ["stage.home"], "else": [{"wait": 1}]},
]
NO_STEPS: list[Any] = [
    "home",
    5,
    {"as": "a"},
    {"stage.move": {"x": [5]}},
    {"stage.move": {"x": 5}, "stage.home": None},
    {"stage.move": {"x": 5}, "ass": "a"},
    {"stage.move": {}, "as": "2"},
    {"wait": None},
    {"wait": 2, "as": "a"},
    {"repeat": {"steps": ["stage.home"]}},
    {"repeat": {"times": 0, "steps": ["stage.home"]}},
    {"repeat": {"times": 1, "steps": []}},
    {"if": "$x > 3"},
    {"if": "$x > 3", "then": [], "else": []},
]


def validator(kind: str, registry: Registry) -> Any:
    found = schema(kind, registry)
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


@pytest.mark.parametrize("kind", KINDS)
def test_every_schema_is_one(kind: str, registry: Registry) -> None:
    assert schema(kind, registry)["title"] == f"Motet {kind} file"
    validator(kind, registry)


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_steps_are_accepted_by_schema_and_model(step: Any, registry: Registry) -> None:
    assert validator("procedure", registry).is_valid({"steps": [step]})
    KINDS["procedure"].model_validate({"steps": [step]})


@pytest.mark.parametrize("step", NO_STEPS, ids=str)
def test_no_steps_are_refused_by_schema_and_model(step: Any, registry: Registry) -> None:
    assert not validator("procedure", registry).is_valid({"steps": [step]})
    with pytest.raises(ValueError, match="validation error"):
        KINDS["procedure"].model_validate({"steps": [step]})


def campaign(**changes: Any) -> dict[str, Any]:
    return {
        "campaign": "test",
        "lab": "lab.yaml",
        "parameters": {"x": {"type": "continuous", "low": 0, "high": 1}},
        "objectives": {"mass": {"goal": "maximize"}},
        "procedure": "weigh_at",
        "analysis": "reading",
        **changes,
    }


@pytest.mark.parametrize(
    ("valid", "changes"),
    [
        (True, {}),
        (True, {"stop": "never"}),
        (True, {"stop": {"experiments": {"n": 3}}}),
        (True, {"stop": ["never", {"never": None}, {"experiments": {"n": 3}}]}),
        (True, {"learner": {"surrogate": {"random_forest": {"speed": 2}}, "start": "random"}}),
        (True, {"procedure": {"steps": ["stage.home"]}}),
        (True, {"procedure": {"scan": {"n": 3}}}),
        (True, {"analysis": {"reading": {"reads": "a.b"}}}),
        (True, {"parameters": {"c": {"type": "continuous", "low": 1e-6, "high": 1, "scale": "log"}}}),
        (
            True,
            {
                "parameters": {
                    "s": {"type": "categorical", "choices": ["u", "v"], "descriptors": {"u": {"d": 1}, "v": {"d": 2}}}
                }
            },
        ),
        (
            True,
            {
                "constraints": [
                    {"linear": {"a": 1, "b": -2}, "at_most": 3},
                    {"sum": ["a", "b"], "equals": 1},
                    {"nonzero": ["a", "b", "c"], "at_most": 2},
                    {"forbidden": {"s": ["u", "v"], "a": {"above": 3}, "n": 5}},
                ]
            },
        ),
        (False, {"constraints": [{"total": ["a", "b"], "equals": 1}]}),
        (False, {"constraints": [{"sum": ["a", "b"], "equal": 1}]}),
        (False, {"constraints": [{"nonzero": ["a", "b"]}]}),
        (False, {"constraints": [{"forbidden": {"a": {"over": 3}}}]}),
        (False, {"stop": "experiments"}),
        (False, {"stop": {"experiments": {"n": 0}}}),
        (False, {"stop": {"experiments": {"m": 1}}}),
        (False, {"learner": {"surrogate": "random_forst"}}),
        (False, {"learner": {"surrogate": {"gp": {}, "random_forest": {}}}}),
        (False, {"learner": {"surogate": "gp"}}),
        (False, {"procedure": {"steps": ["home"]}}),
        (False, {"procedure": {"scan": {}}}),
        (False, {"analysis": {"reading": {"read": "a.b"}}}),
        (False, {"parameters": {"x": {"low": 0, "high": 1}}}),
        (False, {"parameters": {"2x": {"type": "fixed", "value": 0}}}),
        (False, {"objectives": {}}),
        (False, {"seeds": 1}),
    ],
    ids=str,
)
def test_campaigns(valid: bool, changes: dict[str, Any], registry: Registry) -> None:
    assert validator("campaign", registry).is_valid(campaign(**changes)) is valid


@pytest.mark.parametrize(
    ("valid", "device"),
    [
        (True, {"driver": "stage", "line": "/dev/ttyS0"}),
        (True, {"driver": "stage", "line": {"url": "/dev/ttyS0", "baudrate": 9600}, "options": {"speed": 2}}),
        (True, {"driver": "stage", "limits": {"x": [0, "5 mm"]}, "simulator": {"mode": "fast"}}),
        (False, {"driver": "stag"}),
        (False, {"driver": "stage", "options": {"sped": 2}}),
        (False, {"driver": "stage", "simulator": {"sped": 2}}),
        (False, {"driver": "soft", "simulator": {"speed": 2}}),
        (False, {"driver": "stage", "limits": {"x": [0]}}),
        (False, {"driver": "stage", "line": {"baudrate": 9600}}),
    ],
    ids=str,
)
def test_devices(valid: bool, device: dict[str, Any], registry: Registry) -> None:
    lab = {"lab": "bench", "x-mine": 5, "stations": {"a": {"devices": {"d": device}, "world": "plate"}}}
    assert validator("lab", registry).is_valid(lab) is valid


@pytest.mark.parametrize("folder", ["devices", "steps"])
def test_files_with_mistakes_in_their_shape_are_refused(folder: str, registry: Registry) -> None:
    path = MISTAKES / folder / "lab.yaml"
    assert not validator("lab", registry).is_valid(read(path).data)
    with pytest.raises(FileProblems):
        load_lab(path, registry)
