"""The twin-cell campaign, made short, and everything it tells."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from motet.api.run import Options, Run, load
from motet.api.simulate import SimulatedRun, Simulation, load_simulated
from motet.files.campaign import CampaignFile
from motet.model.events import Event, ExperimentEnded
from motet.model.values import PluginRef
from motet.orchestration import Summary

EXAMPLE = Path(__file__).parents[2] / "examples" / "twin_sdc" / "campaign.yaml"


@dataclass(frozen=True)
class End:
    """The end of an experiment; `at` is when, in seconds of the loop's clock."""

    event: ExperimentEnded
    at: float

    @property
    def facts(self) -> tuple[Any, ...]:
        """What must agree between two runs."""
        outcome = self.event.outcome
        return outcome.experiment.number, dict(outcome.experiment.parameters), outcome.state, dict(outcome.values)


Ends = list[End]


def shortened(file: CampaignFile, experiments: int, trees: int = 5) -> CampaignFile:
    """The same with a small forest, a budget and no stop rule."""
    campaign = file.campaign
    learner = campaign.learner.model_copy(
        update={"surrogate": PluginRef(name="random_forest", options={"trees": trees})}
    )
    budget = campaign.budget.model_copy(update={"experiments": experiments})
    return file.replace(campaign=campaign.model_copy(update={"learner": learner, "budget": budget, "stop": ()}))


def play(make: Callable[[Any], Any]) -> tuple[Summary, Ends]:
    """Run to the end; the summary and every end of an experiment."""
    ends: Ends = []

    def see(event: Event) -> None:
        if isinstance(event, ExperimentEnded):
            ends.append(End(event, asyncio.get_running_loop().time()))

    running = make([see])
    try:
        return running.wait(100), ends
    finally:
        running.close()


@pytest.fixture
def twin() -> Callable[..., CampaignFile]:
    def make(experiments: int = 6, seed: int | None = None, **changes: str) -> CampaignFile:
        return shortened(load_simulated(EXAMPLE, seed=seed, changes=changes), experiments)

    return make


@pytest.fixture
def simulated() -> Callable[..., tuple[Summary, Ends]]:
    def run(file: CampaignFile, data: Path | None = None, *, fast: bool = False) -> tuple[Summary, Ends]:
        return play(lambda sinks: SimulatedRun(file, Simulation(data, fast), sinks))

    return run


@pytest.fixture
def in_real_time(tmp_path: Path) -> Callable[..., tuple[Summary, Ends]]:
    """On pseudo-terminals and a real broker, as fast as they allow."""

    def run(file: CampaignFile, time_scale: float) -> tuple[Summary, Ends]:
        options = Options(tmp_path / "real", hardware="simulated", time_scale=time_scale)
        real = load(EXAMPLE, options)
        stations = {name: file.lab.stations[name] for name in file.stations}
        lab = real.lab.model_copy(update={"stations": stations})
        return play(lambda sinks: Run(file.replace(lab=lab), options, sinks))

    return run
