"""Lab, campaign and procedure as values: short forms, round trips, and what they refuse."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from motet.model.campaign import Campaign
from motet.model.lab import Lab, SerialLine
from motet.model.objective import Objective
from motet.model.procedure import IfStep, Procedure, RepeatStep, Step, VerbStep, WaitStep
from motet.model.values import PluginRef

CAMPAIGN: dict[str, Any] = {
    "campaign": "test",
    "lab": "lab.yaml",
    "parameters": {"x": {"type": "continuous", "low": 0, "high": 1}},
    "objectives": {"mass": {"goal": "maximize"}},
    "procedure": "weigh",
    "analysis": "reading",
}

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
arguments = st.dictionaries(names, st.one_of(st.integers(), st.booleans(), st.text(max_size=8)), max_size=3)
Form = tuple[Any, Step]
"""A step as a file has it, and what it is."""


def _verb_step(device: str, verb: str, given: dict[str, Any], name: str | None) -> Form:
    short: dict[str, Any] = {f"{device}.{verb}": given} | ({} if name is None else {"as": name})
    return short, VerbStep(device=device, verb=verb, arguments=given, name=name or verb)


def _wait(duration: float) -> Form:
    return {"wait": duration}, WaitStep(wait=duration)


def _repeat(times: int, inner: list[Form]) -> Form:
    short = {"repeat": {"times": times, "steps": [short for short, _ in inner]}}
    return short, RepeatStep(times=times, steps=tuple(step for _, step in inner))


def _if(inner: list[Form]) -> Form:
    short = {"if": "$x > 1", "then": [short for short, _ in inner], "else": [inner[0][0]]}
    steps = tuple(step for _, step in inner)
    return short, IfStep(condition="$x > 1", then=steps, otherwise=steps[:1])


def _nested(inner: st.SearchStrategy[Form]) -> st.SearchStrategy[Form]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.builds(_repeat, st.integers(1, 9), several) | st.builds(_if, several)


simple: st.SearchStrategy[Form] = st.one_of(
    st.builds(_verb_step, names, names, arguments, st.none() | names), st.builds(_wait, st.floats(0, 1e6))
)
steps = st.recursive(simple, _nested, max_leaves=6)


@given(st.lists(steps, min_size=1, max_size=4))
def test_short_forms_are_the_steps_they_stand_for(found: list[Form]) -> None:
    procedure = Procedure.model_validate({"parameters": ["x"], "steps": [short for short, _ in found]})
    assert procedure.steps == tuple(step for _, step in found)
    assert procedure.parameters == {"x": None}


@given(st.lists(steps, min_size=1, max_size=4))
def test_procedures_survive_json(found: list[Form]) -> None:
    procedure = Procedure.model_validate({"steps": [short for short, _ in found]})
    assert Procedure.model_validate_json(procedure.model_dump_json()) == procedure


def test_a_step_without_arguments_is_a_word() -> None:
    bare = VerbStep(device="stage", verb="home", name="home")
    forms: list[Any] = ["stage.home", {"stage.home": None}, {"stage.home": {}}]
    for short in forms:
        assert Procedure.model_validate({"steps": [short]}).steps == (bare,)
    assert bare.label == "stage.home"


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("random", PluginRef(name="random")),
        ({"random": None}, PluginRef(name="random")),
        ({"random": {"n": 3}}, PluginRef(name="random", options={"n": 3})),
        ({"name": "random", "options": {"n": 3}}, PluginRef(name="random", options={"n": 3})),
        ({"name": {"n": 3}}, PluginRef(name="name", options={"n": 3})),
        (PluginRef(name="random"), PluginRef(name="random")),
    ],
)
def test_plugins_are_named_with_or_without_options(short: Any, whole: PluginRef) -> None:
    assert PluginRef.model_validate(short) == whole


@pytest.mark.parametrize("wrong", [5, ["random"], {}, {"a": {}, "b": {}}, {"random": 5}, None])
def test_other_things_name_no_plugin(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        PluginRef.model_validate(wrong)


@pytest.mark.parametrize("stop", ["never", {"never": {}}, ["never"], [{"never": None}]])
def test_stop_rules_are_one_or_a_list(stop: Any) -> None:
    assert Campaign.model_validate({**CAMPAIGN, "stop": stop}).stop == (PluginRef(name="never"),)


@pytest.mark.parametrize(
    ("procedure", "kind"),
    [("weigh", str), ({"weigh": {"n": 1}}, PluginRef), ({"steps": ["stage.home"]}, Procedure)],
)
def test_a_procedure_is_a_name_a_plugin_or_steps(procedure: Any, kind: type) -> None:
    campaign = Campaign.model_validate({**CAMPAIGN, "procedure": procedure})
    assert isinstance(campaign.procedure, kind)
    assert Campaign.model_validate_json(campaign.model_dump_json()) == campaign


def test_a_campaign_needs_something_to_search() -> None:
    with pytest.raises(ValidationError, match="`parameters` or a table of `candidates` is needed"):
        Campaign.model_validate({**CAMPAIGN, "parameters": {}})
    Campaign.model_validate({**CAMPAIGN, "parameters": {}, "candidates": "points.csv"})


def test_values_are_frozen() -> None:
    campaign = Campaign.model_validate(CAMPAIGN)
    with pytest.raises(ValidationError, match="frozen"):
        campaign.seed = 5


def test_labs_leave_templates_out_and_lines_may_be_urls() -> None:
    devices = {"stage": {"driver": "stage", "line": "/dev/ttyS0"}}
    lab = Lab.model_validate({"lab": "bench", "x-stage": 5, "stations": {"a": {"devices": devices}}})
    assert lab.stations["a"].devices["stage"].line == SerialLine(url="/dev/ttyS0")
    with pytest.raises(ValidationError, match="y-stage"):
        Lab.model_validate({"lab": "bench", "y-stage": 5, "stations": {"a": {"devices": devices}}})


@pytest.mark.parametrize("broker", ["embedded", "none", "mqtt://host", "mqtts://host:8883"])
def test_brokers(broker: str) -> None:
    devices = {"stage": {"driver": "stage"}}
    assert Lab.model_validate({"lab": "b", "broker": broker, "stations": {"a": {"devices": devices}}}).broker


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_merit_is_higher_for_what_is_wanted_more(a: float, b: float, target: float) -> None:
    assert (Objective(goal="maximize").merit(a) > Objective(goal="maximize").merit(b)) is (a > b)
    assert (Objective(goal="minimize").merit(a) > Objective(goal="minimize").merit(b)) is (a < b)
    aimed = Objective(goal="target", target=target)
    assert (aimed.merit(a) > aimed.merit(b)) is (abs(a - target) < abs(b - target))
    assert aimed.merit(target) == 0


@pytest.mark.parametrize("wrong", [{"goal": "target"}, {"goal": "maximize", "target": 5}, {"goal": "most"}])
def test_objectives_that_are_none(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Objective.model_validate(wrong)
