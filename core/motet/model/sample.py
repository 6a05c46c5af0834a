"""Samples: what experiments make and measure. Each is known by its experiment; where it has been is its history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Stay(Protocol):
    """An attempt at a stage, as the store has it."""

    @property
    def station(self) -> str:
        """Where it was."""
        ...

    @property
    def stage(self) -> str:
        """Empty where experiments have one stage."""
        ...

    @property
    def started_s(self) -> float:
        """Seconds since the campaign's start."""
        ...

    @property
    def ended_s(self) -> float | None:
        """None while it is there."""
        ...

    @property
    def reason(self) -> str:
        """Why it failed."""
        ...


class Course(Protocol):
    """An experiment, as the store has it."""

    @property
    def id(self) -> str:
        """`CAMPAIGN/NUMBER`."""
        ...

    @property
    def state(self) -> str:
        """Planned, running, done or failed."""
        ...

    @property
    def attempts(self) -> Sequence[Stay]:
        """All attempts at all of its stages, the first one first."""
        ...


@dataclass(frozen=True, slots=True)
class Visit:
    """A sample at a station: one attempt at a stage; seconds since the campaign's start.

    `ended_s` is None while it is there. `stage` is empty where experiments have one stage; `reason` is why the attempt
    failed, empty when it did not.
    """

    station: str
    stage: str
    began_s: float
    ended_s: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        """`synthesis at bench1`; the station alone where the stage is called like it."""
        return f"{self.stage} at {self.station}" if self.stage not in ("", self.station) else self.station


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample of one experiment, by the experiment's id, which is for life: `CAMPAIGN/NUMBER`.

    `state` is that of the experiment.
    """

    id: str
    state: str
    history: tuple[Visit, ...] = ()

    @property
    def place(self) -> str | None:
        """The station that it is at, or was left at; None before it was anywhere."""
        return self.history[-1].station if self.history else None

    @property
    def is_at_work(self) -> bool:
        """Whether something is being done with it now."""
        return bool(self.history) and self.history[-1].ended_s is None


def samples(rows: Iterable[Course]) -> list[Sample]:
    """The samples of experiments, in their order."""
    return [
        Sample(
            row.id,
            str(row.state),
            tuple(Visit(one.station, one.stage, one.started_s, one.ended_s, one.reason) for one in row.attempts),
        )
        for row in rows
    ]
