"""One trial of a study, from nothing but the text of its files: the same everywhere, and never an exception."""

import math
import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from motet.api.simulate import load_simulated
from motet.api.trial import Bundle, Watch, run_piece, run_trial
from motet.model.events import CampaignState, ExperimentEnded
from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.objective import Objective, OutcomeConstraint
from motet.model.standing import Wanted
from motet.plugins import installed
from motet.study.result import Trial, TrialResult

EXAMPLE = Path(__file__).parents[2] / "examples" / "offline"
BUDGET = "experiments: 100"

MakeBundle = Callable[..., Bundle]


@pytest.fixture
def bundle(tmp_path: Path) -> MakeBundle:
    """The example with some of its texts replaced, and shortened unless told otherwise; its folder is gone."""

    def make(experiments: int = 12, **changes: str) -> Bundle:
        folder = tmp_path / "study"
        shutil.copytree(EXAMPLE, folder)
        campaign = folder / "campaign.yaml"
        text = campaign.read_text().replace(BUDGET, f"experiments: {experiments}")
        for before, after in changes.items():
            assert before in text
            text = text.replace(before, after)
        campaign.write_text(text)
        file = load_simulated(campaign)
        shutil.rmtree(folder)
        return Bundle(campaign.name, file.files)

    return make


def course(result: TrialResult) -> TrialResult:
    """A result without what the machine's pace decides."""
    return replace(result, learner_s=0.0)


def test_a_trial_is_run_from_the_text_of_its_files_alone(bundle: MakeBundle) -> None:
    trial = Trial({"learner": "rf(trees=5)+lcb", "stations": "3"}, 4)
    result = run_trial(bundle(), trial)
    assert (result.trial, result.error) == (trial, "")
    assert (result.state, result.stations, result.reached) == (CampaignState.FINISHED, 3, False)
    assert len(result.values) == len(result.ended_s) == result.attempts == 12
    assert list(result.ended_s) == sorted(result.ended_s)
    assert result.ended_s[-1] == pytest.approx(result.wall_s)
    assert 1.0 < result.busy_s / result.wall_s <= 3.0
    assert result.consumed == {"sample": 12.0}
    assert result.cost == pytest.approx(12 * 0.5 + 12 * result.busy_s / 3600)
    assert result.learner_s > 0


def test_the_same_trial_gives_the_same_result_and_another_seed_another_one(bundle: MakeBundle) -> None:
    made = bundle()
    one, same, other = (run_trial(made, Trial({"stations": "2"}, seed)) for seed in (1, 1, 2))
    assert course(one) == course(same)
    assert one.values != other.values


def test_a_trial_goes_through_a_pipe_and_comes_back(bundle: MakeBundle) -> None:
    piece = (bundle(), Trial({"stations": "2"}, 1))
    sent = pickle.loads(pickle.dumps(piece))  # noqa: S301 - our own
    assert course(pickle.loads(pickle.dumps(run_piece(sent)))) == course(run_piece(piece))  # noqa: S301 - our own


def test_the_full_run_gives_the_same_result_as_the_fast_one(bundle: MakeBundle) -> None:
    made = bundle(6)
    trial = Trial({"stations": "2", "learner": "rf(trees=5)+lcb"}, 1)
    fast, full = (run_trial(replace(made, fast=fast), trial) for fast in (True, False))
    assert full.values == fast.values
    assert full.ended_s == pytest.approx(fast.ended_s, abs=1e-6)


def test_a_stop_rule_that_holds_ends_the_course_there(bundle: MakeBundle) -> None:
    result = run_trial(bundle(60, **{"value: 0.6": "value: 2"}), Trial({"stations": "4"}, 0))
    assert (result.state, result.reached) == (CampaignState.FINISHED, True)
    values = [value for value in result.values if value is not None]
    assert values[-1] <= 2 < min(values[:-1])
    assert result.attempts > len(values), "what was running then was carried out too"


def test_a_sweep_measures_that_many_points_whatever_the_campaign_says(bundle: MakeBundle) -> None:
    result = run_trial(replace(bundle(12), sweep=30), Trial({}, 0))
    assert (len(result.values), result.error) == (30, "")
    assert len(set(result.values)) == 30


def test_files_in_other_folders_are_found_where_the_campaign_says(tmp_path: Path) -> None:
    places = {
        "campaigns/2026/campaign.yaml": (EXAMPLE / "campaign.yaml").read_text(),
        "labs/lab.yaml": (EXAMPLE / "lab.yaml").read_text(),
        "campaigns/tables/points.csv": "x1,x2\n" + "".join(f"{x},{y}\n" for x in range(4) for y in range(4)),
    }
    campaign = places["campaigns/2026/campaign.yaml"]
    campaign = campaign.replace("lab: lab.yaml", "lab: ../../labs/lab.yaml\ncandidates: ../tables/points.csv")
    campaign = campaign.replace("n: 8", "n: 3").replace(BUDGET, "experiments: 5")
    for place, text in {**places, "campaigns/2026/campaign.yaml": campaign}.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    file = load_simulated(tmp_path / "campaigns" / "2026" / "campaign.yaml")
    made = Bundle("campaign.yaml", file.files)
    assert set(made.files) == {"campaign.yaml", "../../labs/lab.yaml", "../tables/points.csv"}
    for folder in ("campaigns", "labs"):
        shutil.rmtree(tmp_path / folder)
    result = run_trial(made, Trial({"stations": "2"}, 0))
    assert (len(result.values), result.error) == (5, "")


def test_a_changed_file_is_another_bundle(bundle: MakeBundle) -> None:
    made = bundle()
    changed = replace(made, files={**made.files, "lab.yaml": made.files["lab.yaml"] + "\n# a remark\n"})
    assert made.digest == replace(made, fast=False).digest
    assert made.digest != changed.digest


@pytest.mark.parametrize(
    ("combination", "reason"),
    [
        ({"learner": "nope"}, "FileProblems: --vary learner: found 'nope'; no surrogate named 'nope'"),
        ({"stations": "0"}, "FileProblems: --vary stations: found '0'"),
    ],
)
def test_a_combination_that_cannot_be_is_recorded_with_its_reason(
    bundle: MakeBundle, combination: Mapping[str, str], reason: str
) -> None:
    trial = Trial(combination, 0)
    result = run_trial(bundle(), trial)
    assert result.error.startswith(reason)
    assert result == TrialResult(trial, error=result.error)


def test_files_with_mistakes_are_recorded_with_their_reason(bundle: MakeBundle) -> None:
    made = bundle()
    wrong = replace(made, files={**made.files, "lab.yaml": "lab: 1st\n"})
    result = run_trial(wrong, Trial({}, 0))
    assert result.error.startswith("FileProblems: ")
    assert "a letter followed by letters, digits or underscores is needed" in result.error


PLUGIN = '''
"""Surrogates that raise: always, or from a number of values on."""

import numpy as np

from motet.contracts.declarations import Declaration
from motet.contracts.belief import Prediction
from motet.hookspecs import hookimpl


class Broken:
    """Cannot be used."""

    def __init__(self, options):
        pass

    def fit(self, data, seed):
        raise ImportError("no module named torch")


class Fragile(Broken):
    """Breaks after a while."""

    def fit(self, data, seed):
        if len(data) > 3:
            raise ZeroDivisionError("no such luck")
        return lambda pool: Prediction(np.zeros(len(pool)), np.ones(len(pool)))


@hookimpl
def motet_surrogates():
    return [Declaration("broken", Broken), Declaration("fragile", Fragile)]
'''


@pytest.fixture
def fragile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution with two surrogates that raise is installed."""
    folder = tmp_path / "site"
    information = folder / "fragile-1.0.dist-info"
    information.mkdir(parents=True)
    (folder / "fragile_surrogates.py").write_text(PLUGIN)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: fragile\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[motet]\nfragile = fragile_surrogates\n")
    monkeypatch.syspath_prepend(folder)
    installed.cache_clear()
    yield
    installed.cache_clear()


@pytest.mark.usefixtures("fragile")
@pytest.mark.parametrize(
    ("surrogate", "reason"),
    [
        ("broken", "LearnerError: surrogate broken, fitting 2 values raised ImportError: no module named torch"),
        (
            "fragile",
            "LearnerError: surrogate fragile, fitting 7 values raised ZeroDivisionError: no such luck"
            " (number 4 in a row, 3 are allowed)",
        ),
    ],
)
def test_a_learner_that_fails_on_the_way_is_recorded_with_its_reason(
    bundle: MakeBundle, surrogate: str, reason: str
) -> None:
    trial = Trial({"surrogate": surrogate, "stations": "1"}, 0)
    assert run_trial(bundle(**{"n: 8": "n: 3"}), trial) == TrialResult(trial, error=reason)


def test_a_lab_that_fails_is_a_result(bundle: MakeBundle) -> None:
    """What a bad week does to a campaign is what a study asks about: no error of the trial."""
    made = bundle(40)
    lab = made.files["lab.yaml"].replace(
        "  seed: 1\n", "  seed: 1\n  failures: [{device: s1.function, at: 10 min, repair: 1000 h}]\n"
    )
    result = run_trial(replace(made, files={**made.files, "lab.yaml": lab}), Trial({"stations": "1"}, 0))
    assert (result.state, result.error) == (CampaignState.FAILED, "")
    assert "in a row failed" in result.reason
    assert result.values[-5:] == (None,) * 5
    assert result.attempts > len(result.values)


def test_what_does_not_count_is_infinitely_bad_and_only_what_failed_has_no_value() -> None:
    objectives = {"y": Objective(goal="minimize"), "z": Objective(goal="maximize")}
    watch = Watch(Wanted(objectives, {"p": OutcomeConstraint(at_most=1.0)}))
    done = [{"y": 2.0, "p": 0.0}, {"y": 1.0, "p": 5.0}, {"z": 1.0, "p": 0.0}]
    experiment = Experiment("c", 1, Suggestion({}, "why"))
    outcomes = [Outcome(experiment, State.DONE, values) for values in done]
    for outcome in [*outcomes, Outcome(experiment, State.FAILED, reason="refused")]:
        watch.see(ExperimentEnded(outcome, "s1", 1.0), 5.0)
    assert watch.values == [2.0, math.inf, math.inf, None]
