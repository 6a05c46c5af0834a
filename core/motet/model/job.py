"""A job: one attempt at one stage of an experiment, with all that a station has to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from motet.model.experiment import Experiment
from motet.model.procedure import Procedure
from motet.model.values import Bound, PluginRef, Value


@dataclass(frozen=True, slots=True)
class Job:
    """What a station is asked to do. It is a plain value: it can be sent to another machine, and be stored.

    `attempt` counts the runs of the experiment from 1, through all of its stages. `inputs` are the outputs of earlier
    stages by `stage.step.output`; `units` those of parameters and inputs that have one. `limits` are the campaign's, by
    `device.quantity`; `priority` too: before which others it gets shared devices.
    """

    experiment: Experiment
    procedure: Procedure | PluginRef
    attempt: int = 1
    stage: str = ""
    inputs: Mapping[str, Value] = field(default_factory=dict[str, Value])
    units: Mapping[str, str] = field(default_factory=dict[str, str])
    limits: Mapping[str, tuple[Bound, Bound]] = field(default_factory=dict[str, tuple[Bound, Bound]])
    priority: int = 0

    @property
    def id(self) -> str:
        """`CAMPAIGN/NUMBER/ATTEMPT`, unique in a store and on every station."""
        return f"{self.experiment.id}/{self.attempt}"

    @property
    def values(self) -> dict[str, Value]:
        """What the steps may refer to at their beginning."""
        return {**self.experiment.parameters, **self.inputs}
