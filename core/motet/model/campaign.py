"""A campaign as `campaign.yaml` states it: space, objectives, learner, procedure, stop rules and budget."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag, model_validator

from motet.model.objective import Objective
from motet.model.procedure import Procedure
from motet.model.space import Parameter
from motet.model.values import Bound, Frozen, Name, PluginRef, Real, Whole


def _procedure_form(found: object) -> str:
    """How a campaign states its procedure: by a name, with its steps, or as a plugin with options."""
    if isinstance(found, Procedure) or (isinstance(found, Mapping) and "steps" in found):
        return "Procedure"
    return "PluginRef" if isinstance(found, PluginRef | Mapping) else "name"


ProcedureRef = Annotated[
    Annotated[str, Tag("name")] | Annotated[PluginRef, Tag("PluginRef")] | Annotated[Procedure, Tag("Procedure")],
    Discriminator(_procedure_form),
]
"""A name (of the lab's procedures or of a plugin), a YAML file, a plugin with options, or the steps."""


class LearnerConfig(Frozen):
    """A start design, then a surrogate x an acquisition x a way to treat pending points."""

    start: PluginRef = PluginRef(name="random")
    """How the first points are chosen."""
    surrogate: PluginRef = PluginRef(name="random_forest")
    """The model that predicts with uncertainty."""
    acquisition: PluginRef = PluginRef(name="weighted")
    """The score over candidates; the highest is measured next."""
    pending: PluginRef = PluginRef(name="exclude")
    """How points that are being measured enter the model."""
    suggest: Literal["fresh", "ahead"] = "fresh"
    """`fresh`: a free station waits for the fit, and every suggestion knows every result. `ahead`: suggestions are made
    while stations work, and the next one may not know the last results: for experiments as short as a fit."""


class FailurePolicy(Frozen):
    """What is done about an experiment that failed, by the class of its error."""

    retry: Whole = Field(default=1, ge=0, le=100)
    """How often an experiment is tried again after an error that a retry may mend."""
    wait: Bound = 0.0
    """How long to wait before each of these tries, lab time: seconds or a quantity such as `2 min`."""
    then: Literal["fail", "stop"] = "fail"
    """What follows when the retries are used up."""
    experiment: Literal["fail", "stop"] = "fail"
    """After an error of this experiment alone: instrument refused, limit, step, analysis."""
    unexpected: Literal["fail", "stop"] = "stop"
    """After an error that Motet does not know."""
    in_a_row: Whole = Field(default=5, ge=1)
    """The campaign stops after this many failed experiments in a row."""


class Budget(Frozen):
    """What a campaign may use at most."""

    experiments: Whole | None = Field(default=None, ge=1)
    """Experiments, failed ones included."""
    hours: Real | None = Field(default=None, gt=0)
    """Wall time since the campaign started, hours."""


class Campaign(Frozen):
    """One campaign, as a person writes it."""

    campaign: Name
    """What the campaign is called."""
    lab: str
    """The lab file, relative to this file."""
    parameters: dict[Name, Parameter] = Field(default_factory=dict[Name, Parameter])
    """The search space: what a learner may vary."""
    candidates: str | None = None
    """A CSV table of the only points to choose from, relative to this file; one column a parameter."""
    objectives: dict[Name, Objective] = Field(min_length=1)
    """What is wanted of the numbers that the analysis yields."""
    procedure: ProcedureRef
    """One of the lab's procedures or a procedure plugin by name, a YAML file, or the steps themselves."""
    stations: tuple[Name, ...] = ()
    """The stations to use; all that have the procedure's devices when left out."""
    analysis: PluginRef
    """What turns a run's documents into numbers."""
    learner: LearnerConfig = LearnerConfig()
    """What decides about the next point."""
    seed: Whole = Field(default=0, ge=0)
    """Of everything random that the learner does."""
    stop: tuple[PluginRef, ...] = ()
    """Stop rules: the campaign ends when any of them holds."""
    budget: Budget = Budget()
    """What it may use at most."""
    failures: FailurePolicy = FailurePolicy()
    """What is done about failed experiments."""

    @model_validator(mode="before")
    @classmethod
    def _one_stop_rule(cls, found: object) -> object:
        if isinstance(found, dict):
            entries = cast("dict[str, Any]", found)
            if isinstance(entries.get("stop"), str | dict):
                return {**entries, "stop": [entries["stop"]]}
        return cast("object", found)

    @model_validator(mode="after")
    def _something_to_search(self) -> "Campaign":
        if not self.parameters and self.candidates is None:
            raise ValueError("`parameters` or a table of `candidates` is needed")
        return self
