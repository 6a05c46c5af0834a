"""Plugins that turn runs into numbers and campaigns into files."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TextIO

from motet.model.experiment import RunRecord


class Analysis(Protocol):
    """Turns a run's documents into the numbers that objectives name."""

    def outputs(self) -> tuple[str, ...]:
        """The names it yields."""
        ...

    def needs(self) -> tuple[str, ...]:
        """The step outputs it reads, each as `step.output`."""
        ...

    def values(self, run: RunRecord) -> Mapping[str, float]:
        """One finite number a name. Raises AnalysisError when the run holds none."""
        ...


Row = Mapping[str, Any]
"""One experiment as a flat record: number, state, station, times, parameters, objectives, score, reason."""


class Exporter(Protocol):
    """Writes a campaign's experiments in one format."""

    def write(self, rows: Iterable[Row], out: TextIO) -> None:
        """Write every row to `out`, in the order given."""
        ...
