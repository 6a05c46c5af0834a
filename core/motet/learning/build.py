"""Learner and stop rules as a campaign file names them."""

from collections.abc import Mapping, Sequence

from motet.contracts.belief import Gives
from motet.contracts.declarations import Kind
from motet.contracts.learning import Listed, Noting, StopRule, declared_gives
from motet.errors import PluginProblem
from motet.files.fitting import misfit, unmodelled
from motet.files.making import label_of, make_plugin
from motet.learning.checked import Checked, CheckedSurrogate, Labels
from motet.learning.learner import Learner
from motet.learning.task import Task
from motet.model.campaign import LearnerConfig
from motet.model.goals import parts_of
from motet.model.objective import Objective, OutcomeConstraint
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
    constraints: Mapping[str, OutcomeConstraint] | None = None,
    rules: Sequence[StopRule] = (),
    keeps: bool = True,
) -> Learner:
    """The learner of a campaign; `rules` that look at the model get to see it. `keeps`: see Learner.

    Raises PluginProblem for a name or option that no plugin takes, and for parts that do not go together.
    """
    task = build_task(config, registry, space, objectives, constraints or {}, rules)
    if isinstance(task.parts.start, Listed):
        for point in task.parts.start.points:
            if mistakes := space.problems(point):
                where = f"start design {task.parts.labels.start}: the point {dict(point)}"
                raise PluginProblem(f"{where} is not in the search space: {'; '.join(mistakes)}")
    return Learner(space, task, seed=seed, stations=stations, keeps=keeps)


def build_task(
    config: LearnerConfig,
    registry: Registry,
    space: Space,
    objectives: Mapping[str, Objective],
    constraints: Mapping[str, OutcomeConstraint],
    rules: Sequence[StopRule] = (),
) -> Task:
    """The parts of a learner for these objectives. Raises PluginProblem."""
    if (problem := unmodelled(objectives, constraints)) is not None:
        raise PluginProblem(problem)
    refs = parts_of(config, objectives, space)
    chosen = {
        Kind.START: refs.start,
        Kind.SURROGATE: refs.surrogate,
        Kind.ACQUISITION: refs.acquisition,
        Kind.PENDING: refs.pending,
    }
    parts = {kind: make_plugin(registry, kind, ref) for kind, ref in chosen.items()}
    labels = {kind: label_of(registry, kind, ref) for kind, ref in chosen.items()}
    if (found := misfit(registry, labels, parts, objectives)) is not None:
        kind, why = found
        raise PluginProblem(f"{kind} {why}")
    checked = Checked(
        parts[Kind.START],
        parts[Kind.ACQUISITION],
        parts[Kind.PENDING],
        [rule for rule in rules if isinstance(rule, Noting)],
        Labels(labels[Kind.START], labels[Kind.SURROGATE], labels[Kind.ACQUISITION], labels[Kind.PENDING]),
    )
    surrogate = CheckedSurrogate(parts[Kind.SURROGATE], labels[Kind.SURROGATE])
    return Task(objectives, checked, surrogate, config, _classifier(registry, config.feasibility), constraints)


def _classifier(registry: Registry, ref: PluginRef | None) -> CheckedSurrogate | None:
    if ref is None:
        return None
    plugin = make_plugin(registry, Kind.SURROGATE, ref)
    if Gives.PROBABILITIES not in declared_gives(plugin):
        raise PluginProblem(f"feasibility {ref.name}: a classifier is needed, which gives class probabilities")
    return CheckedSurrogate(plugin, f"{label_of(registry, Kind.SURROGATE, ref)} of feasibility")


def build_stop_rules(refs: tuple[PluginRef, ...], registry: Registry) -> list[StopRule]:
    """The stop rules of a campaign, in the order of the file. Raises PluginProblem."""
    return [make_plugin(registry, Kind.STOP_RULE, ref) for ref in refs]
