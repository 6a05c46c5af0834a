"""A campaign: a loop with a space, objectives, a learner, a procedure, stop rules and a budget, as `campaign.yaml` states it."""

from typing import Any, Literal, cast

from pydantic import Field, model_validator

from motet.model.objective import Objective
from motet.model.space import Parameter
from motet.model.values import Frozen, Name, PluginRef


class LearnerConfig(Frozen):
    """A start design, then a surrogate x an acquisition x a way to treat pending points."""

    start: PluginRef = PluginRef(name="random")
    surrogate: PluginRef = PluginRef(name="random_forest")
    acquisition: PluginRef = PluginRef(name="weighted")
    pending: PluginRef = PluginRef(name="exclude")


class FailurePolicy(Frozen):
    """What is done about an experiment that failed, by the class of its error."""

    retry: int = Field(default=1, ge=0, le=100)
    """How often an experiment is tried again after an error that a retry may mend."""
    then: Literal["fail", "stop"] = "fail"
    """What follows when the retries are used up."""
    experiment: Literal["fail", "stop"] = "fail"
    """After an error of this experiment alone: instrument refused, limit, step, analysis."""
    unexpected: Literal["fail", "stop"] = "stop"
    """After an error that Motet does not know."""
    in_a_row: int = Field(default=5, ge=1)
    """The campaign stops after this many failed experiments in a row."""


class Budget(Frozen):
    """What a campaign may use at most."""

    experiments: int | None = Field(default=None, ge=1)
    """Experiments, failed ones included."""
    hours: float | None = Field(default=None, gt=0)
    """Wall time since the campaign started, hours."""


class Campaign(Frozen):
    """One campaign, as a person writes it."""

    campaign: Name
    lab: str
    """The lab file, relative to this file."""
    parameters: dict[Name, Parameter] = {}
    candidates: str | None = None
    """A CSV table of the only points to choose from, relative to this file; one column a parameter."""
    objectives: dict[Name, Objective] = Field(min_length=1)
    procedure: str | PluginRef | dict[str, Any]
    """A name (of the lab's procedures or of a procedure plugin), a YAML file, or the steps themselves."""
    stations: tuple[Name, ...] = ()
    """The stations to use; all that have the procedure's devices when left out."""
    analysis: PluginRef
    learner: LearnerConfig = LearnerConfig()
    seed: int = Field(default=0, ge=0)
    stop: tuple[PluginRef, ...] = ()
    """Stop rules: the campaign ends when any of them holds."""
    budget: Budget = Budget()
    failures: FailurePolicy = FailurePolicy()

    @model_validator(mode="before")
    @classmethod
    def _one_stop_rule(cls, found: object) -> object:
        if isinstance(found, dict):
            entries = cast(dict[str, Any], found)
            if isinstance(entries.get("stop"), str | dict):
                return {**entries, "stop": [entries["stop"]]}
        return found

    @model_validator(mode="after")
    def _something_to_search(self) -> "Campaign":
        if not self.parameters and self.candidates is None:
            raise ValueError("`parameters` or a table of `candidates` is needed")
        return self
