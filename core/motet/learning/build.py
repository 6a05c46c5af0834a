"""Learner and stop rules as a campaign file names them."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from motet.contracts.declarations import Kind
from motet.contracts.learning import StopRule
from motet.errors import PluginProblem
from motet.learning.checked import Labels
from motet.learning.learner import Learner
from motet.model.campaign import LearnerConfig
from motet.model.objective import Objective
from motet.model.space import Space
from motet.model.values import PluginRef
from motet.plugins import Registry


def build_learner(
    config: LearnerConfig,
    registry: Registry,
    space: Space,
    objectives: Mapping[str, Objective],
    *,
    seed: int,
    stations: int = 1,
) -> Learner:
    """The learner of a campaign.

    Raises PluginProblem for a name or option that no plugin takes, and for more than one objective.
    """
    if len(objectives) != 1:
        raise PluginProblem(
            f"the learner works towards one objective; found {len(objectives)}: {', '.join(objectives)}"
        )
    ((name, objective),) = objectives.items()
    start, start_label = _make(registry, Kind.START, config.start)
    surrogate, surrogate_label = _make(registry, Kind.SURROGATE, config.surrogate)
    acquisition, acquisition_label = _make(registry, Kind.ACQUISITION, config.acquisition)
    pending, pending_label = _make(registry, Kind.PENDING, config.pending)
    return Learner(
        space,
        name,
        objective,
        start=start,
        surrogate=surrogate,
        acquisition=acquisition,
        pending=pending,
        seed=seed,
        stations=stations,
        labels=Labels(start_label, surrogate_label, acquisition_label, pending_label),
    )


def build_stop_rules(refs: tuple[PluginRef, ...], registry: Registry) -> list[StopRule]:
    """The stop rules of a campaign, in the order of the file. Raises PluginProblem."""
    return [_make(registry, Kind.STOP_RULE, ref)[0] for ref in refs]


def _make(registry: Registry, kind: Kind, ref: PluginRef) -> tuple[Any, str]:
    """A plugin and what it is called in reasons: its name with the options that the file sets."""
    declaration = registry.get(kind, ref.name)
    try:
        options = registry.options(kind, ref.name, ref.options)
    except ValidationError as error:
        mistakes = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise PluginProblem(f"{kind} {ref.name}: {mistakes}") from error
    return declaration.make(options), _label(ref.name, options)


def _label(name: str, options: BaseModel) -> str:
    given = [f"{key}={value}" for key, value in options.model_dump(exclude_unset=True).items()]
    return f"{name}({', '.join(given)})" if given else name
