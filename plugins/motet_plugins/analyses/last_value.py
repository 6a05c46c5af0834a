"""The analysis `value`."""

from collections.abc import Mapping

from pydantic import Field

from motet.model.experiment import RunRecord
from motet.model.values import Frozen, Name
from motet_plugins.analyses.signals import Signal, scalar


class Options(Frozen):
    """Options of `value`."""

    outputs: dict[Name, Signal] = Field(min_length=1)
    """What each number is called, and the `step.output` it is read from."""


class LastValue:
    """Numbers as the steps gave them; the last one of a step that is repeated."""

    def __init__(self, options: Options) -> None:
        self._signals = options.outputs

    def outputs(self) -> tuple[str, ...]:
        """The names."""
        return tuple(self._signals)

    def needs(self) -> tuple[str, ...]:
        """The signals."""
        return tuple(self._signals.values())

    def values(self, run: RunRecord) -> Mapping[str, float]:
        """One number a name, in its signal's unit.

        Raises AnalysisError for a signal that is missing or is not one finite number.
        """
        return {name: scalar(run, signal) for name, signal in self._signals.items()}
