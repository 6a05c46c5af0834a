"""The stop rules `any` and `all`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.contracts.belief import Array, Data, Predict, Prediction, View
from motet.contracts.declarations import Kind
from motet.contracts.learning import History, Noting, StopRule
from motet.errors import CampaignError, PluginProblem
from motet.files.making import make_plugin
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective
from motet.model.values import PluginRef
from motet.plugins import installed

Written = Mapping[str, Any]
"""A stop rule as it stands in a campaign file."""


def rule(written: Written) -> StopRule:
    return make_plugin(installed(), Kind.STOP_RULE, PluginRef.model_validate(written))


def history(*values: float, suggestions: Sequence[Suggestion] = (), cost: float | None = None) -> History:
    outcomes = [
        Outcome(Experiment("c", number, Suggestion({"x": number}, "")), State.DONE, {"v": value})
        for number, value in enumerate(values, 1)
    ]
    return History(outcomes, {"v": Objective(goal="maximize")}, 60.0 * len(values), suggestions, cost)


def written(name: str, option: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Written]:
    return st.fixed_dictionaries({name: st.fixed_dictionaries({option: values})})


def combined(inner: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(written("any", "of", several), written("all", "of", several))


SIMPLE = st.one_of(
    written("experiments", "count", st.integers(1, 12)),
    written("no_improvement", "k", st.integers(1, 6)),
    written("target_reached", "value", st.floats(-1, 1)),
    written("time", "after", st.floats(0.01, 0.2)),
)
WRITTEN = st.recursive(SIMPLE, combined, max_leaves=6)


def holds(written: Written, at: History) -> bool:
    """Whether a rule holds, by the truth table."""
    ((name, options),) = written.items()
    if name in ("any", "all"):
        return {"any": any, "all": all}[name](holds(one, at) for one in options["of"])
    return rule(written).reason(at) is not None


def reasons(written: Written, at: History) -> list[str]:
    """The reasons of all simple rules within that hold."""
    ((name, options),) = written.items()
    if name in ("any", "all"):
        return [reason for one in options["of"] for reason in reasons(one, at)]
    reason = rule(written).reason(at)
    return [] if reason is None else [reason]


@given(WRITTEN, st.lists(st.floats(-1, 1), max_size=12))
def test_combinations_follow_the_truth_table(written: Written, values: list[float]) -> None:
    at = history(*values)

    reason = rule(written).reason(at)

    assert (reason is not None) is holds(written, at)
    if reason is not None:
        known = reasons(written, at)
        assert all(part in known for either in reason.split("; ") for part in either.split(" and "))


def test_reasons_are_joined() -> None:
    parts = [{"experiments": {"count": 2}}, {"target_reached": {"value": 3}}, {"no_improvement": {"k": 9}}]
    at = history(1, 4)

    assert rule({"any": {"of": parts}}).reason(at) == "2 experiments have ended; v has reached 3"
    assert rule({"all": {"of": parts}}).reason(at) is None
    assert rule({"all": {"of": parts[:2]}}).reason(at) == "2 experiments have ended and v has reached 3"


def test_all_must_hold_at_the_same_moment() -> None:
    """Twice without improvement after three, but not any more when five have ended."""
    stuck_after_five = rule({"all": {"of": [{"no_improvement": {"k": 2}}, {"experiments": {"count": 5}}]}})

    assert stuck_after_five.reason(history(3, 2, 1)) is None
    assert stuck_after_five.reason(history(3, 2, 1, 2, 4)) is None
    assert stuck_after_five.reason(history(3, 2, 1, 2, 4, 1, 1)) is not None


BOUNDS = st.lists(st.one_of(st.none(), st.integers(1, 99)), min_size=1, max_size=5)


@given(BOUNDS)
def test_the_most_experiments_are_the_fewest_of_any_and_the_most_of_all(bounds: list[int | None]) -> None:
    of = [{"no_improvement": {"k": 1}} if bound is None else {"experiments": {"count": bound}} for bound in bounds]
    known = [bound for bound in bounds if bound is not None]

    assert rule({"any": {"of": of}}).most() == min(known, default=None)
    assert rule({"all": {"of": of}}).most() == (max(known) if len(known) == len(bounds) else None)


def view(spread: float) -> View:
    """A hundred points whose means are 0, 1, ..., 99; all are candidates."""

    def unfitted(merits: Array) -> Predict:
        raise AssertionError("nothing is fitted here")

    def model(x: Array) -> Prediction:
        return Prediction(99 * x[:, 0], np.full(len(x), spread))

    pool = np.linspace(0, 1, 100)[:, None]
    return View(
        pool=pool,
        rows=np.arange(100),
        models=[model],
        wholes=[model(pool)],
        data=[Data(pool[:2], np.array([0.0, 1.0]), np.arange(2))],
        best=1.0,
        pending=np.zeros((0, 1)),
        rng=np.random.default_rng(0),
        outcomes=np.zeros((0, 1)),
        outcomes_at=np.zeros((0, 1)),
        fit=unfitted,
    )


def suggested(of: StopRule, chosen: int, spread: float = 0.0) -> Suggestion:
    assert isinstance(of, Noting)
    return Suggestion({"x": 0.0}, "", 0.0, notes=of.note(view(spread), chosen, 0.0))


def top(percent: float) -> Written:
    return {"top_percentile": {"percent": percent, "k": 1}}


@pytest.mark.parametrize(
    ("written", "held"),
    [
        ({"any": {"of": [top(2), top(10)]}}, True),
        ({"all": {"of": [top(2), top(10)]}}, False),
        ({"all": {"of": [top(20), top(10)]}}, True),
        ({"all": {"of": [top(10), {"any": {"of": [top(2), {"uncertainty_below": {"eps": 0.1}}]}}]}}, True),
        ({"all": {"of": [top(10), {"all": {"of": [top(2), {"uncertainty_below": {"eps": 0.1}}]}}]}}, False),
    ],
)
def test_parts_find_their_own_notes_again(written: Written, held: bool) -> None:
    """Of the suggested point, which is in the top 5 %."""
    combined = rule(written)

    assert (combined.reason(history(suggestions=[suggested(combined, 95)])) is not None) is held


class Counted:
    """A rule of somebody else, which uses one name for notes whatever its options are."""

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def note(self, view: View, chosen: int, score: float) -> Mapping[str, float]:
        return {"x": chosen * self._limit}

    def reason(self, history: History) -> str | None:
        found = [suggestion.notes for suggestion in history.suggestions[-1:]]
        return f"{found[0]['x']:g}" if found else None

    def most(self) -> int | None:
        return None


def test_two_rules_that_use_the_same_name_keep_their_notes_apart() -> None:
    from motet_plugins.stop_rules.combined import AllOf, Options

    def part(kind: Kind, ref: PluginRef) -> Counted:
        return Counted(**ref.options)

    refs = [PluginRef(name="counted", options={"limit": limit}) for limit in (1.0, 2.0)]
    both = AllOf(Options(of=tuple(refs)), part)

    assert both.reason(history(suggestions=[suggested(both, 7)])) == "7 and 14"
    assert len(suggested(both, 7).notes) == 2


def test_notes_are_named_for_the_rule_however_deep_it_stands() -> None:
    flat = suggested(rule({"any": {"of": [top(2)]}}), 95).notes

    assert suggested(rule({"all": {"of": [{"any": {"of": [top(2)]}}]}}), 95).notes == flat
    assert list(flat) == ["top_percentile(k=1, percent=2): probability of the top 2 percent"]


def test_a_combination_of_rules_that_need_no_model_notes_nothing() -> None:
    assert suggested(rule({"any": {"of": [{"experiments": {"count": 5}}]}}), 0).notes == {}


def test_a_rule_that_cannot_work_says_so_at_once_wherever_it_stands() -> None:
    for how in ("any", "all"):
        costly = rule({how: {"of": [{"experiments": {"count": 2}}, {"cost": {"limit": 9}}]}})
        with pytest.raises(CampaignError, match="the lab file states no prices"):
            costly.reason(history(1))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"any": {"of": []}}, "stop_rule any: of: "),
        ({"all": {}}, "stop_rule all: of: "),
        ({"all": {"of": [{"experiment": {"count": 2}}]}}, "no stop_rule named 'experiment'; did you mean experiments"),
        ({"any": {"of": [{"all": {"of": [{"experiments": {"count": 0}}]}}]}}, "stop_rule experiments: count: "),
    ],
)
def test_what_is_wrong_within_a_combination_is_named(written: Written, said: str) -> None:
    with pytest.raises(PluginProblem, match=said):
        rule(written)
