"""Learners and stop rules from what a campaign file names."""

from collections.abc import Callable
from typing import Any

import pytest

from motet.errors import PluginProblem
from motet.learning import Learner, build_stop_rules
from motet.model.values import PluginRef
from motet.plugins import installed

MakeLearner = Callable[..., Learner]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"surrogate": "random_forrest"}, "no surrogate named 'random_forrest'; did you mean random_forest?"),
        (
            {"surrogate": {"random_forest": {"trees": 1}}},
            "surrogate random_forest: trees: found 1; a number of at least 2 is needed",
        ),
        (
            {"acquisition": {"weighted": {"alpha": 1}}},
            "acquisition weighted: alpha: found the unknown key 'alpha'; allowed: a",
        ),
        (
            {"surrogate": {"committee": {"members": ["gp", {"rf": {"tres": 5}}]}}},
            "surrogate rf: tres: found the unknown key 'tres'; did you mean 'trees'",
        ),
        ({"surrogate": {"rf": {"trees": "50"}}}, "surrogate rf: trees: found '50'; a whole number is needed"),
        ({"acquisition": {"lcb": {"kappa": -1}}}, "acquisition lcb: kappa: "),
        ({"start": {"random": {"n": 0}}}, "start random: n: "),
        ({"pending": {"exclude": {"k": 1}}}, "pending exclude: k: "),
    ],
)
def test_names_and_options_that_no_plugin_takes_are_refused(
    make_learner: MakeLearner, parts: dict[str, Any], message: str
) -> None:
    with pytest.raises(PluginProblem, match=message):
        make_learner(**parts)


def test_stop_rules_come_in_the_order_of_the_file() -> None:
    refs = (
        PluginRef(name="experiments", options={"count": 132}),
        PluginRef(name="target_reached", options={"value": 0.7}),
    )

    assert [rule.most() for rule in build_stop_rules(refs, installed())] == [132, None]


def test_a_stop_rule_with_wrong_options_is_refused() -> None:
    with pytest.raises(PluginProblem, match="stop_rule experiments: count: found nothing; the key 'count' is needed"):
        build_stop_rules((PluginRef(name="experiments"),), installed())
