"""What each goal of a campaign means for the parts of the learner that the file leaves out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from motet.model.campaign import LearnerConfig
from motet.model.objective import Objective
from motet.model.values import PluginRef

Goal = Literal["best", "top_set", "model", "pareto"]


@dataclass(frozen=True, slots=True)
class Parts:
    """A learner's parts as a file would name them."""

    start: PluginRef
    surrogate: PluginRef
    acquisition: PluginRef
    pending: PluginRef


_DEFAULTS: Mapping[Goal, tuple[PluginRef, PluginRef]] = {
    "best": (PluginRef(name="gaussian_process"), PluginRef(name="log_ei")),
    "top_set": (PluginRef(name="gaussian_process"), PluginRef(name="ucb")),
    "model": (PluginRef(name="gaussian_process"), PluginRef(name="variance_reduction")),
    "pareto": (PluginRef(name="gaussian_process"), PluginRef(name="ehvi")),
}
"""Surrogate and acquisition: those that measured best, see docs/reference/benchmarks.md."""

_CLASSES = (PluginRef(name="gp_classifier"), PluginRef(name="entropy"))
"""The same for an objective that is a class."""

_START = PluginRef(name="random")
_PENDING = PluginRef(name="believer")
_PENDING_CLASSES = PluginRef(name="exclude")


def goal_of(config: LearnerConfig, objectives: Mapping[str, Objective]) -> Goal:
    """The goal of a campaign, by its objectives where the file names none."""
    if config.goal is not None:
        return config.goal
    if len(objectives) > 1:
        return "pareto"
    return "model" if any(objective.classes for objective in objectives.values()) else "best"


def parts_of(config: LearnerConfig, objectives: Mapping[str, Objective]) -> Parts:
    """The four parts of a learner: those of the file, and the measured best for its goal in place of the others."""
    classes = any(objective.classes for objective in objectives.values())
    surrogate, acquisition = _CLASSES if classes else _DEFAULTS[goal_of(config, objectives)]
    return Parts(
        config.start or _START,
        config.surrogate or surrogate,
        config.acquisition or acquisition,
        config.pending or (_PENDING_CLASSES if classes else _PENDING),
    )
