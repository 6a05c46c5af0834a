"""What each goal of a campaign means for the parts of the learner that the file leaves out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from motet.model.campaign import LearnerConfig
from motet.model.objective import Objective
from motet.model.parameters import Continuous
from motet.model.space import Space
from motet.model.values import PluginRef

Goal = Literal["best", "top_set", "model", "pareto"]


@dataclass(frozen=True, slots=True)
class Parts:
    """A learner's parts as a file would name them."""

    start: PluginRef
    surrogate: PluginRef
    acquisition: PluginRef
    pending: PluginRef


_GP = PluginRef(name="gaussian_process")
_COMMITTEE = PluginRef(
    name="committee", options={"members": ["gaussian_process", "extra_trees"], "weights": [0.7, 0.3]}
)
"""A smooth model and one that copes with cliffs: better than either on measured tables of materials."""

_UCB = PluginRef(name="ucb", options={"kappa": 1.0})

_DEFAULTS: Mapping[Goal, tuple[PluginRef, PluginRef]] = {
    "best": (_COMMITTEE, _UCB),
    "top_set": (_COMMITTEE, _UCB),
    "model": (_COMMITTEE, PluginRef(name="largest_variance")),
    "pareto": (_GP, PluginRef(name="ehvi")),
}
"""Surrogate and acquisition: those that measured best, see docs/reference/benchmarks.md."""

_CONTINUUM: Mapping[Goal, tuple[PluginRef, PluginRef]] = {
    "best": (_GP, PluginRef(name="log_ei")),
    "top_set": (_GP, _UCB),
    "model": (_GP, PluginRef(name="variance_reduction")),
    "pareto": _DEFAULTS["pareto"],
}
"""The same where a parameter is continuous: trees are steps, by which a point between points cannot be chosen."""

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


def parts_of(config: LearnerConfig, objectives: Mapping[str, Objective], space: Space) -> Parts:
    """The four parts of a learner: those of the file, and the measured best for its goal in place of the others."""
    classes = any(objective.classes for objective in objectives.values())
    continuum = space.candidates is None and any(isinstance(each, Continuous) for each in space.parameters.values())
    defaults = (_CONTINUUM if continuum else _DEFAULTS)[goal_of(config, objectives)]
    surrogate, acquisition = _CLASSES if classes else defaults
    return Parts(
        config.start or _START,
        config.surrogate or surrogate,
        config.acquisition or acquisition,
        config.pending or (_PENDING_CLASSES if classes else _PENDING),
    )
