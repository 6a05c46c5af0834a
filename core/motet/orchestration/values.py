"""What of an analysis's numbers counts as measured."""

import math
from collections.abc import Mapping

from motet.errors import AnalysisError
from motet.model.objective import Objective, OutcomeConstraint


def usable(
    values: Mapping[str, float], objectives: Mapping[str, Objective], constraints: Mapping[str, OutcomeConstraint]
) -> dict[str, float]:
    """The finite values of an analysis; of several objectives some may be missing or NaN, but not all.

    Raises AnalysisError when none is there, when a number that is needed is missing, or when one is infinite.
    """
    wanted = [*objectives, *constraints]
    for name in wanted:
        if math.isinf(values.get(name, 0.0)):
            raise AnalysisError(f"the analysis gave {name} = {values[name]}, not a finite number")
        problem = objectives[name].problem(values[name]) if name in objectives and name in values else None
        if problem is not None:
            raise AnalysisError(f"the analysis gave {name} = {values[name]:g}, {problem} is needed")
    there = {name: value for name, value in values.items() if math.isfinite(value)}
    needed = [*constraints, *(objectives if len(objectives) == 1 else ())]
    missing = [name for name in needed if name not in there] or ([] if there.keys() & objectives else wanted)
    for name in missing:
        if name in values:
            raise AnalysisError(f"the analysis gave {name} = {values[name]}, not a finite number")
        raise AnalysisError(f"the analysis gave no {name!r}; it gave: {', '.join(values) or 'nothing'}")
    return there
