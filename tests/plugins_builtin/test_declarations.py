"""How the built-in learner plugins present themselves."""

import subprocess
import sys

import pytest
from pydantic import BaseModel

from motet.contracts.declarations import Kind
from motet.plugins import installed

OURS = {
    Kind.START: {"random", "sobol", "latin_hypercube", "grid", "farthest_point", "list"},
    Kind.SURROGATE: {
        *("random_forest", "rf", "extra_trees", "gaussian_process", "gp", "botorch_gp", "bayesian_linear"),
        *("linear_ensemble", "committee", "sklearn", "gp_classifier", "forest_classifier"),
    },
    Kind.ACQUISITION: {
        *("weighted", "ei", "log_ei", "pi", "lcb", "ucb", "thompson", "top_q", "largest_variance", "max_std"),
        *("variance_reduction", "alc", "qbc", "vote_entropy", "kullback_leibler", "least_confidence"),
        *("smallest_margin", "entropy", "ehvi", "parego", "qlognehvi", "random", "epsilon_greedy"),
    },
    Kind.PENDING: {
        *("exclude", "believer", "fantasies", "constant_liar", "local_penalization", "thompson", "none"),
    },
    Kind.STOP_RULE: {
        *("experiments", "points", "target_reached", "no_improvement", "time", "cost", "top_percentile"),
        *("score_below", "uncertainty_below", "pool_exhausted", "any", "all"),
    },
    Kind.ANALYSIS: {"plateau", "value"},
    Kind.EXPORTER: {"csv", "jsonl"},
}
EACH = [(kind, name) for kind, names in OURS.items() for name in sorted(names)]


@pytest.mark.parametrize(("kind", "names"), OURS.items())
def test_all_come_by_the_plugin_door(kind: Kind, names: set[str]) -> None:
    found = installed().all(kind)

    assert names <= set(found)
    assert {found[name].distribution for name in names} == {"motet"}


@pytest.mark.parametrize(("kind", "name"), EACH)
def test_each_says_in_one_line_what_it_is(kind: Kind, name: str) -> None:
    doc = installed().get(kind, name).doc

    assert doc.endswith(".")
    assert 20 < len(doc) < 110


@pytest.mark.parametrize(("kind", "name"), EACH)
def test_options_are_frozen_closed_and_described(kind: Kind, name: str) -> None:
    options: type[BaseModel] = installed().get(kind, name).options

    assert options.model_config.get("frozen") is True
    assert options.model_config.get("extra") == "forbid"
    assert all(field.description for field in options.model_fields.values())


def test_importing_the_plugins_and_listing_them_loads_no_heavy_library() -> None:
    program = """
import sys
import motet_plugins
early = [name for name in ("numpy", "scipy", "sklearn", "torch", "botorch") if name in sys.modules]
from motet.contracts.declarations import Kind
from motet.plugins import installed
for kind in Kind:
    installed().all(kind)
late = [name for name in ("scipy", "sklearn", "torch", "botorch") if name in sys.modules]
print(early, late)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert run.stdout.strip() == "[] []"
