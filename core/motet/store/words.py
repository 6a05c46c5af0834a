"""What a campaign wants, in words."""

from motet.model.objective import Objective, OutcomeConstraint
from motet.model.standing import Wanted


def goal(name: str, objective: Objective) -> str:
    """`maximize current`, `current near 0.5 mA`, `classify phase (FCC, BCC)`."""
    match objective.goal:
        case "target":
            return f"{name} near {_with_unit(objective.target, objective.unit)}"
        case "classify":
            return f"classify {name} ({', '.join(objective.classes)})"
        case _:
            return f"{objective.goal} {name}"


def bound(name: str, constraint: OutcomeConstraint) -> str:
    """`pressure at least 1 bar and at most 5 bar`."""
    sides = (("at least", constraint.at_least), ("at most", constraint.at_most))
    stated = [f"{side} {_with_unit(value, constraint.unit)}" for side, value in sides if value is not None]
    return f"{name} {' and '.join(stated)}"


def wishes(wanted: Wanted) -> list[str]:
    """Every objective, then every constraint on outcomes."""
    goals = [goal(name, objective) for name, objective in wanted.objectives.items()]
    return [*goals, *(bound(name, one) for name, one in wanted.constraints.items())]


def unit(name: str, wanted: Wanted) -> str | None:
    """The unit of a number that was measured, as far as the campaign states one."""
    if name in wanted.objectives:
        return wanted.objectives[name].unit
    return wanted.constraints[name].unit if name in wanted.constraints else None


def class_name(name: str, value: float, wanted: Wanted) -> str | None:
    """The class that a value is the number of; None for a number that is no class."""
    classes = wanted.objectives[name].classes if name in wanted.objectives else ()
    return classes[int(value)] if value in range(len(classes)) else None


def _with_unit(value: float | None, unit: str | None) -> str:
    return f"{value:g} {unit}" if unit else f"{value:g}"
