"""The example whose samples are made at one station and measured at another: stages overlap, a robot is shared."""

from pathlib import Path
from typing import Any

import pytest

from motet.api.simulate import Simulation, load_simulated, simulate
from motet.api.trial import Bundle, run_trial
from motet.model.campaign import Budget
from motet.model.events import Event, ExperimentEnded, ExperimentStarted, LeaseWaited, StageEnded
from motet.model.values import PluginRef
from motet.study.result import Trial

CAMPAIGN = Path(__file__).parents[2] / "examples" / "pipeline" / "campaign.yaml"


@pytest.fixture(
    scope="module",
    params=[pytest.param(True, id="fast"), pytest.param(False, marks=pytest.mark.slow, id="full")],
)
def events(request: Any) -> list[tuple[float, Event]]:
    """What happens in four experiments, without a model."""
    file = load_simulated(CAMPAIGN)
    start = PluginRef(name="random", options={"n": 4})
    learner = file.campaign.learner.model_copy(update={"start": start})
    update = {"learner": learner, "budget": Budget(experiments=4)}
    seen: list[tuple[float, Event]] = []
    simulation = Simulation(None, fast=request.param)
    done = simulate(
        file.replace(campaign=file.campaign.model_copy(update=update)),
        simulation,
        lambda event, now: seen.append((now, event)),
    )
    assert (done.summary.experiments, done.summary.failed) == (4, 0)
    return seen


def test_the_next_sample_is_made_while_one_is_measured(events: list[tuple[float, Event]]) -> None:
    times: dict[tuple[int, str], list[float]] = {}
    for now, event in events:
        match event:
            case ExperimentStarted(experiment, _, _, stage) | StageEnded(experiment, _, _, stage):
                times.setdefault((experiment.number, stage), []).append(now)
            case ExperimentEnded(outcome, _, _):
                times[outcome.experiment.number, "spectrometer"].append(now)
            case _:
                pass
    assert sorted(times) == [(n, stage) for n in range(1, 5) for stage in ("spectrometer", "synthesis")]
    for number in range(1, 5):
        assert times[number, "synthesis"][1] <= times[number, "spectrometer"][0]
    first, third = times[1, "spectrometer"], times[3, "synthesis"]
    assert third[0] < first[1] < third[1]


def test_the_robot_is_waited_for_and_that_is_told(events: list[tuple[float, Event]]) -> None:
    waits = [event for _, event in events if isinstance(event, LeaseWaited)]
    assert {wait.device for wait in waits} == {"robot"}
    assert all(wait.seconds > 0 for wait in waits)


def test_each_stage_uses_up_what_its_own_procedure_says() -> None:
    bundle = Bundle(CAMPAIGN.name, dict(load_simulated(CAMPAIGN).files), sweep=3)
    result = run_trial(bundle, Trial({}, 0))
    assert (result.error, result.attempts, result.consumed) == ("", 3, {"solvent": 6.0, "vial": 3.0})
    assert result.busy_s > 3 * 180
