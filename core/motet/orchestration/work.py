"""An experiment in process: how far it has come through its stages, and what they gave."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

from motet.model.experiment import Experiment, RunRecord
from motet.model.job import Job
from motet.model.procedure import Procedure
from motet.model.values import Bound, PluginRef, Value


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of an experiment: what is done there, and the stations that can do it, any of them. `name` is empty where
    there is only one."""

    name: str
    procedure: Procedure | PluginRef
    stations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """What every experiment of a campaign goes through. `units` are those of its parameters, `limits` the campaign's by
    `device.quantity`; `priority` is the campaign's too."""

    stages: tuple[Stage, ...]
    units: Mapping[str, str] = field(default_factory=dict[str, str])
    limits: Mapping[str, tuple[Bound, Bound]] = field(default_factory=dict[str, tuple[Bound, Bound]])
    priority: int = 0


@dataclass
class Work:
    """An experiment on its way. `attempts` counts its runs through all stages, `tries` those of the present stage.

    `planned` is done when the experiment is durable. `avoid` are the stations that lost it in the present stage.
    `sent` says that its present attempt is stored as running already: by a process that has ended.
    """

    experiment: Experiment
    planned: Awaitable[None] | None = None
    stage: int = 0
    attempts: int = 0
    tries: int = 0
    records: list[RunRecord] = field(default_factory=list[RunRecord])
    inputs: dict[str, Value] = field(default_factory=dict[str, Value])
    units: dict[str, str] = field(default_factory=dict[str, str])
    avoid: set[str] = field(default_factory=set[str])
    sent: bool = False

    def job(self, course: Course) -> Job:
        """The present attempt."""
        stage = course.stages[self.stage]
        units = {**course.units, **self.units}
        inputs, limits, priority = dict(self.inputs), course.limits, course.priority
        return Job(self.experiment, stage.procedure, self.attempts, stage.name, inputs, units, limits, priority)

    def advance(self, record: RunRecord, stage: str) -> None:
        """The present stage is done: its outputs are inputs of the next."""
        self.records.append(record)
        values, units = outputs_of(record, stage)
        self.inputs |= values
        self.units |= units
        self.stage, self.tries = self.stage + 1, 0
        self.avoid.clear()

    def whole(self, last: RunRecord) -> RunRecord:
        """The record of all stages together, for the analysis."""
        if not self.records:
            return last
        documents = tuple(document for record in (*self.records, last) for document in record.documents)
        return RunRecord(documents, self.records[0].started, last.ended, last.error, last.unrepeatable)


def outputs_of(record: RunRecord, stage: str) -> tuple[dict[str, Value], dict[str, str]]:
    """The last outputs of every step as `stage.step.output`, and their units; without arrays, which no step takes."""
    steps: dict[str, str] = {}
    units: dict[str, str] = {}
    values: dict[str, Value] = {}
    for kind, document in record.documents:
        if kind == "descriptor":
            steps[document["uid"]] = document["name"]
            keys: Mapping[str, Mapping[str, Any]] = document["data_keys"]
            named = {f"{stage}.{document['name']}.{_output(key)}": one.get("units", "") for key, one in keys.items()}
            units |= {name: unit for name, unit in named.items() if unit}
        elif kind == "event":
            step = steps[document["descriptor"]]
            found = {f"{stage}.{step}.{_output(key)}": value for key, value in document["data"].items()}
            values |= {name: value for name, value in found.items() if isinstance(value, float | int | str | bool)}
    return values, units


def _output(key: str) -> str:
    """`volume` of `bench-doser-volume`."""
    return key.rpartition("-")[2]
