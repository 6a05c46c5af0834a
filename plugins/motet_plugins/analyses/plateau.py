"""The analysis `plateau`."""

import math
from collections.abc import Mapping

from pydantic import Field

from motet.model.experiment import RunRecord
from motet.model.values import Frozen, Name
from motet_plugins.analyses.signals import Signal, trace


class Options(Frozen):
    """Options of `plateau`."""

    signal: Signal
    """The trace: `step.output`."""
    output: Name
    """What the number is called; an objective may have this name."""
    last: float = Field(default=0.2, gt=0, le=1)
    """Fraction of the trace, at its end, that is averaged."""


class Plateau:
    """The mean of the last part of a trace, where it has settled."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def outputs(self) -> tuple[str, ...]:
        """The one name."""
        return (self._options.output,)

    def needs(self) -> tuple[str, ...]:
        """The one signal."""
        return (self._options.signal,)

    def values(self, run: RunRecord) -> Mapping[str, float]:
        """The mean, in the signal's unit.

        Raises AnalysisError for a trace that is missing or empty, or where any point is not finite.
        """
        numbers = trace(run, self._options.signal)
        count = max(1, math.ceil(self._options.last * numbers.size - 1e-9))
        return {self._options.output: float(numbers[-count:].mean())}
