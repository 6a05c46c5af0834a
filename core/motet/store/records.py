"""What is written to the store: values that come from the campaign loop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happened: `wall` in seconds since 1970 (UTC), `elapsed` in seconds since the campaign's
    start on the event loop's clock, which no change of the wall clock disturbs."""

    wall: float
    elapsed: float


RESUMED = "resumed"
"""The kind of event that says that a campaign goes on whose program had ended in its midst."""
STEP_BEGUN = "step begun"
"""The kind of event that a step which must not be repeated makes before it begins."""
LEASE_WAITED = "lease waited"
"""The kind of event that says, at its end, that a station has waited for a shared device: about `station.device`, with
the `seconds` on the loop's clock."""


@dataclass(frozen=True, slots=True)
class CampaignRecord:
    """A campaign as it starts: the exact files (path relative to the campaign file -> text) and versions
    (distribution -> version) that run; objectives, parameters and constraints on outcomes as their models' plain
    fields."""

    name: str
    lab: str
    files: Mapping[str, str]
    versions: Mapping[str, str]
    seed: int
    stations: tuple[str, ...]
    objectives: Mapping[str, Mapping[str, Any]]
    parameters: Mapping[str, Mapping[str, Any]]
    at: Stamp
    constraints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])


class Change(StrEnum):
    """What happened to an experiment. `staged`: a stage is done and another one follows; `retried`: an attempt failed
    and another one follows; the state stays."""

    PLANNED = "planned"
    RUNNING = "running"
    STAGED = "staged"
    RETRIED = "retried"
    DONE = "done"
    FAILED = "failed"
