"""What a report is made of: one campaign as read from its store."""

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from motet.model.experiment import State
from motet.model.standing import Wanted
from motet.report.text import NOTHING, label, number, plotly, with_unit
from motet.store import CampaignDetail, EventRow, ExperimentRow
from motet.store.assemble import front_of
from motet.store.records import LEASE_WAITED
from motet.store.words import class_name, goal, unit

_WRAP = 60


@dataclass(frozen=True, slots=True)
class Wait:
    """A station waited for a shared device; seconds since the campaign's start."""

    station: str
    device: str
    start_s: float
    seconds: float


@dataclass(frozen=True)
class Material:
    """A campaign and its experiments, with the views that several figures share."""

    detail: CampaignDetail
    rows: tuple[ExperimentRow, ...]
    events: tuple[EventRow, ...] = ()

    @cached_property
    def waits(self) -> list[Wait]:
        """When stations waited for shared devices."""
        waits: list[Wait] = []
        for event in self.events:
            if event.kind == LEASE_WAITED:
                station, _, device = event.about.partition(".")
                seconds = float(event.data["seconds"])
                waits.append(Wait(station, device, event.at.elapsed - seconds, seconds))
        return waits

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """The stages of the experiments, in the order in which they first went through them; empty without any."""
        return tuple(dict.fromkeys(one.stage for row in self.rows for one in row.attempts if one.stage))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All parameters, in the order of the campaign file."""
        return tuple(dict.fromkeys([*self.detail.parameters, *(n for row in self.rows for n in row.parameters)]))

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """The parameters that are not fixed."""
        return tuple(name for name in self.names if self.parameter(name).get("type") != "fixed")

    @cached_property
    def units(self) -> Mapping[str, str | None]:
        """The unit of each parameter."""
        return {name: self.parameter(name).get("unit") for name in self.names}

    @cached_property
    def objective(self) -> str:
        """The first objective: `best` and the timeline are about it."""
        return next(iter(self.detail.objectives))

    @cached_property
    def wanted(self) -> Wanted:
        """Objectives and constraints on outcomes."""
        return self.detail.wanted

    @cached_property
    def front(self) -> list[ExperimentRow]:
        """The Pareto front, the best by the first objective first; empty with one objective."""
        return front_of(self.rows, self.wanted)

    @cached_property
    def broken(self) -> list[ExperimentRow]:
        """Finished experiments that break a constraint on outcomes, by number."""
        return [row for row in self.rows if row.state is State.DONE and self.wanted.broken(row.values)]

    @cached_property
    def without_model(self) -> list[ExperimentRow]:
        """Experiments that the learner chose without its model, by number."""
        return [row for row in self.rows if row.suggestion.problem]

    def classes(self, objective: str) -> tuple[str, ...]:
        """The classes of an objective; empty when it is a number."""
        return self.detail.objectives[objective].classes

    @cached_property
    def horizon(self) -> float:
        """The last moment known, seconds since the campaign's start."""
        times = [row.planned_s for row in self.rows] + [row.ended_s or 0.0 for row in self.rows]
        times += [attempt.ended_s or attempt.started_s for row in self.rows for attempt in row.attempts]
        return max(times, default=0.0)

    def parameter(self, name: str) -> Mapping[str, Any]:
        """The plain fields of a parameter; a candidate table's column has only what the points tell."""
        if name in self.detail.parameters:
            return self.detail.parameters[name]
        found = [row.parameters[name] for row in self.rows if name in row.parameters]
        numeric = all(isinstance(value, int | float) for value in found)
        return {"type": "continuous" if numeric else "categorical"}

    def is_numeric(self, name: str) -> bool:
        """Whether a parameter's values lie on a numeric axis."""
        return self.parameter(name).get("type") in ("continuous", "stepped", "integer")

    def measured(self, objective: str) -> list[tuple[ExperimentRow, float]]:
        """Finished experiments with their finite value, by number."""
        found = [(row, row.values.get(objective, math.nan)) for row in self.rows if row.state is State.DONE]
        return [(row, value) for row, value in found if math.isfinite(value)]

    @cached_property
    def failed(self) -> list[ExperimentRow]:
        """Failed experiments, by number."""
        return [row for row in self.rows if row.state is State.FAILED]

    def parameter_label(self, name: str) -> str:
        """Title of a parameter's axis."""
        return plotly(label(name, self.units[name]))

    def objective_label(self, name: str) -> str:
        """Title of an objective's axis."""
        return plotly(label(name, self.detail.objectives[name].unit))

    def goal(self, name: str) -> str:
        """`maximize current`, `current near 0.5 mA`, `classify phase (FCC, BCC)`."""
        return goal(name, self.detail.objectives[name])

    def shown(self, name: str, value: float | None) -> str:
        """A value with its unit, or the class that it is the number of; a dash for nothing."""
        if value is None:
            return NOTHING
        found = class_name(name, value, self.wanted)
        return with_unit(value, unit(name, self.wanted)) if found is None else found

    def hover(self, row: ExperimentRow) -> str:
        """What a figure says about one experiment, in plotly's subset of HTML."""
        suggestion = row.suggestion
        lines = [f"<b>#{row.number}</b> {row.state} {plotly(row.station or '')}".rstrip()]
        lines += [plotly(f"{n} = {with_unit(row.parameters.get(n), self.units[n])}") for n in self.names]
        lines += [f"<b>{plotly(f'{n} = {self.shown(n, value)}')}</b>" for n, value in row.values.items()]
        if row.state is State.DONE and (broken := self.wanted.broken(row.values)):
            lines.append(f"<b>breaks {plotly(', '.join(broken))}</b>")
        if suggestion.mean is not None:
            lines.append(f"predicted {number(suggestion.mean)} ± {number(suggestion.std)}")
        if suggestion.score is not None:
            lines.append(f"score {number(suggestion.score)}")
        for text in (suggestion.why, row.reason):
            lines += [f"<i>{plotly(line)}</i>" for line in textwrap.wrap(text, _WRAP)[:4]]
        return "<br>".join(lines)
