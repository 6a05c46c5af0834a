"""A result that nobody asked for, such as one measured by hand: an experiment that is done without a station."""

from dataclasses import replace

from motet.model.experiment import Experiment, Outcome, State, Suggestion
from motet.model.queue import TOLD_ID


def told(campaign: str, number: int, suggestion: Suggestion, values: dict[str, float]) -> Outcome:
    """What the learner is told, as that experiment of the campaign. `suggestion` is its point, and who measured it."""
    experiment = Experiment(campaign, number, replace(suggestion, id=f"{TOLD_ID}{number}"))
    return Outcome(experiment, State.DONE, values)
