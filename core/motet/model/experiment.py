"""Experiments and what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from motet.model.values import Point

_NO_NOTES: Mapping[str, float] = {}
"""One for all: most suggestions have none, and there are many."""

Document = tuple[str, Mapping[str, Any]]
"""A Bluesky document with its name: start, descriptor, event, stop."""


class State(StrEnum):
    """Where an experiment is. Every change is stored with its time."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A point that a learner proposes, with its reason.

    Score is higher-is-better, in the acquisition's unit; mean and std are the surrogate's prediction of the
    first objective in its unit, None where there is no model of it (at the start, towards a target, of classes).
    """

    parameters: Point
    why: str
    score: float | None = None
    mean: float | None = None
    std: float | None = None
    id: str = ""
    """Unique among the suggestions of one learner; empty until it is handed out."""
    problem: str = ""
    """What kept the learner from using its model; empty when nothing did."""
    notes: Mapping[str, float] = field(default_factory=lambda: _NO_NOTES)
    """What stop rules wanted to know of the model, by a name that the rule chose."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One point of the space, tried once; its id is for life: `CAMPAIGN/NUMBER`."""

    campaign: str
    number: int
    suggestion: Suggestion

    @property
    def id(self) -> str:
        """`CAMPAIGN/NUMBER`, unique in a store."""
        return f"{self.campaign}/{self.number}"

    @property
    def parameters(self) -> Point:
        """The point of the space."""
        return self.suggestion.parameters


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an experiment ended: done with the objectives' values, or failed with its reason and no values.

    Of several objectives some may be missing from `values`, but not all.
    """

    experiment: Experiment
    state: State
    values: Mapping[str, float] = field(default_factory=dict[str, float])
    reason: str = ""
    lost: bool = False
    """The station failed, which says nothing of the point: it may be suggested again."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a station hands back after one attempt at an experiment.

    Times in seconds on the loop's clock; `error` is why the attempt failed, None when it did not. `unrepeatable` are
    the steps (`device.verb`) that were begun and must never be repeated by themselves.
    """

    documents: tuple[Document, ...]
    started: float
    ended: float
    error: Exception | None = None
    unrepeatable: tuple[str, ...] = ()

    def output(self, step: str, name: str) -> list[Any]:
        """Every value of one output of one step, as measured. Raises KeyError naming what there is."""
        streams = {d["uid"]: d["name"] for kind, d in self.documents if kind == "descriptor"}
        events = [d for kind, d in self.documents if kind == "event" and streams[d["descriptor"]] == step]
        if not events:
            raise KeyError(f"no step {step!r} in this run; it has {', '.join(sorted(set(streams.values()))) or 'none'}")
        return [event["data"][_key(event["data"], step, name)] for event in events]


def _key(data: Mapping[str, Any], step: str, name: str) -> str:
    """The key of one output: stations name it each in their own way, and a step of that name may be at several."""
    keys = [key for key in data if key == name or key.endswith(f"-{name}")]
    if len(keys) != 1:
        raise KeyError(f"no output {name!r} of step {step!r}; it has {', '.join(data)}")
    return keys[0]
