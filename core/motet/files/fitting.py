"""Whether the parts of a learner go together: what an acquisition needs, and what a surrogate gives."""

from collections.abc import Callable, Mapping
from typing import Any

from motet.contracts.belief import Gives
from motet.contracts.declarations import Composite, Kind
from motet.contracts.learning import declared_gives, declared_needs
from motet.errors import PluginProblem
from motet.model.objective import Objective, OutcomeConstraint
from motet.plugins import Registry


def unmodelled(objectives: Mapping[str, Objective], constraints: Mapping[str, OutcomeConstraint]) -> str | None:
    """Why no surrogate can be a model of all of these; None when one can."""
    classes = [name for name, objective in objectives.items() if objective.classes]
    if classes and len(objectives) > 1:
        return f"an objective of classes must be the only one; found {', '.join(objectives)}"
    if classes and constraints:
        found = f"{classes[0]} with constraints on {', '.join(constraints)}"
        return f"an objective of classes goes with no outcome constraints; found {found}"
    for name in constraints:
        if name in objectives and objectives[name].goal == "target":
            return f"an objective with a target has no outcome constraint: its model is of the distance; found {name}"
    return None


def misfit(
    registry: Registry, names: Mapping[Kind, str], parts: Mapping[Kind, Any], objectives: Mapping[str, Objective]
) -> tuple[Kind, str] | None:
    """The part that does not go with the others, and why, with those that would; None when all go together.

    `names` are what the parts are called, `parts` the plugins themselves.
    """
    surrogate, acquisition = parts[Kind.SURROGATE], parts[Kind.ACQUISITION]
    gives = declared_gives(surrogate)
    several = getattr(acquisition, "several", False)
    name = names[Kind.ACQUISITION]
    if several != (len(objectives) > 1):
        found = f"works towards {'several objectives' if several else 'one objective'}, not {_listed(objectives)}"
        return Kind.ACQUISITION, _why(f"{name} {found}", _fitting(registry, gives, len(objectives) > 1), "acquisitions")
    wanted = _wanted(objectives)
    if wanted not in gives:
        what = "an objective of classes" if wanted is Gives.PROBABILITIES else "a number as objective"
        why = f"{names[Kind.SURROGATE]} does not give {wanted.value}, which {what} needs"
        return Kind.SURROGATE, _why(why, _giving(registry, {wanted, *declared_needs(acquisition)}), "surrogates")
    for kind in (Kind.ACQUISITION, Kind.PENDING):
        missing = declared_needs(parts[kind]) - gives
        if kind is Kind.PENDING and wanted is Gives.PROBABILITIES:
            missing -= {Gives.MEAN_STD}
        if missing:
            lacks = " and ".join(sorted(each.value for each in missing))
            why = f"{names[kind]} needs {lacks}, which {names[Kind.SURROGATE]} does not give"
            hint = _why(why, _giving(registry, {wanted, *declared_needs(parts[kind])}), "surrogates")
            if kind is Kind.ACQUISITION:
                hint = _why(hint, _fitting(registry, gives, several), f"acquisitions for {names[Kind.SURROGATE]}")
            else:
                hint = _why(hint, _treating(registry, gives), f"pending strategies for {names[Kind.SURROGATE]}")
            return kind, hint
    return None


def _wanted(objectives: Mapping[str, Objective]) -> Gives:
    classes = any(objective.classes for objective in objectives.values())
    return Gives.PROBABILITIES if classes else Gives.MEAN_STD


def _giving(registry: Registry, needs: set[Gives]) -> list[str]:
    """Names of the surrogates that give all of that."""
    return _those(registry, Kind.SURROGATE, lambda plugin: needs <= declared_gives(plugin))


def _fitting(registry: Registry, gives: frozenset[Gives], several: bool) -> list[str]:
    """Names of the acquisitions that work with a surrogate that gives so much."""

    def fits(plugin: Any) -> bool:
        return getattr(plugin, "several", False) == several and declared_needs(plugin) <= gives

    return _those(registry, Kind.ACQUISITION, fits)


def _treating(registry: Registry, gives: frozenset[Gives]) -> list[str]:
    """Names of the pending strategies that work with a surrogate that gives so much."""
    return _those(registry, Kind.PENDING, lambda plugin: declared_needs(plugin) <= gives | {Gives.MEAN_STD})


def _those(registry: Registry, kind: Kind, fits: Callable[[Any], bool]) -> list[str]:
    names: list[str] = []
    for name, found in registry.all(kind).items():
        if isinstance(found.declaration, Composite):
            continue  # whether it fits depends on what it is made of
        try:
            plugin = found.declaration.make(found.declaration.options())
        except (ValueError, PluginProblem):
            continue  # it cannot be named without options
        if fits(plugin):
            names.append(name)
    return names


def _why(reason: str, others: list[str], what: str) -> str:
    return f"{reason}; {what} that would do: {', '.join(others)}" if others else reason


def _listed(objectives: Mapping[str, Objective]) -> str:
    return f"{len(objectives)}: {', '.join(objectives)}"
