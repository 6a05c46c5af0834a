"""A campaign as `campaign.yaml` states it: space, objectives, learner, procedure, stop rules and budget."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag, model_validator

from motet.model.objective import Objective, OutcomeConstraint
from motet.model.procedure import Procedure
from motet.model.space import Constraint, Parameter
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


QUANTITY_PATTERN = r"^[A-Za-z][A-Za-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*$"

QuantityOfDevice = Annotated[str, Field(pattern=QUANTITY_PATTERN)]
"""`device.quantity`: an argument of a verb of a device."""


class StageEntry(Frozen):
    """A part of every experiment: a procedure at one kind of station. Its steps may use what earlier stages gave, as
    `$stage.step.output`."""

    station: Name
    """A kind of station, of which any will do, or one station by its name."""
    procedure: ProcedureRef
    """What is done there: in the same forms as the procedure of a campaign without stages."""
    stage: Name | None = None
    """What the stage is called; like its kind of station when left out."""

    @property
    def name(self) -> str:
        """What the stage is called."""
        return self.stage or self.station


class LearnerConfig(Frozen):
    """A start design, then a surrogate x an acquisition x a way to treat pending points.

    What is left out follows from the goal.
    """

    goal: Literal["best", "top_set", "model", "pareto"] | None = None
    """What the campaign is for: the `best` point, the whole `top_set` of good points, a `model` that predicts well
    everywhere, or the `pareto` front of several objectives. Left out: `pareto` with several objectives, `model` with an
    objective to classify, `best` otherwise."""
    start: PluginRef | None = None
    """How the first points are chosen."""
    surrogate: PluginRef | None = None
    """The model that predicts with uncertainty."""
    acquisition: PluginRef | None = None
    """The score over candidates; the highest is measured next."""
    pending: PluginRef | None = None
    """How points that are being measured enter the model."""
    feasibility: PluginRef | None = None
    """A classifier that learns from failed experiments where they fail: its probability of success is a factor on every
    score. None when left out."""
    repeats: bool = False
    """Whether a measured point may be measured again: for noisy objectives."""
    failed_fits: Whole = Field(default=3, ge=0, le=1000)
    """How many fits in a row may fail; the start design chooses meanwhile, and each suggestion says so. With one more
    the campaign ends."""
    on_error: Literal["stop", "pause", "fall_back"] = "stop"
    """What follows when a plugin of the learner fails otherwise. `stop`: the campaign ends as failed. `pause`: it is
    paused with the reason; `motet resume` asks the learner again. `fall_back`: the start design chooses meanwhile, and
    each suggestion says so."""
    longest: Bound | None = None
    """How long one visit to the learner may take, of the clock on the wall: `10 min`. One that takes longer counts as
    failed, and with `fall_back` a new learner takes its place, three times; without it a learner that hangs is waited
    for."""
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
    interrupted: Literal["retry", "fail"] = "retry"
    """What follows when the process that ran it ended in the middle of it, which is no failure of the experiment."""
    unrepeatable: Literal["fail", "ask"] = "fail"
    """Instead of a retry after an attempt that began a step which must not be repeated by itself (a dispense): fail the
    experiment, or ask a person whether to try again."""
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
    constraints: tuple[Constraint, ...] = ()
    """What every point must meet besides: sums, compositions, at most so many non-zero, forbidden combinations."""
    objectives: dict[Name, Objective] = Field(min_length=1)
    """What is wanted of the numbers that the analysis yields."""
    outcome_constraints: dict[Name, OutcomeConstraint] = Field(default_factory=dict[Name, OutcomeConstraint])
    """Other numbers that the analysis yields, and within which bounds they have to stay."""
    procedure: ProcedureRef | None = None
    """One of the lab's procedures or a procedure plugin by name, a YAML file, or the steps themselves."""
    stages: tuple[StageEntry, ...] = ()
    """In place of `procedure`: the parts that every experiment goes through, in this order. Those of different
    experiments overlap."""
    stations: tuple[Name, ...] = ()
    """The stations to use; all that have the procedure's devices, or all of the stages' kinds, when left out."""
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
    limits: dict[QuantityOfDevice, tuple[Bound, Bound]] = Field(default_factory=dict[str, tuple[Bound, Bound]])
    """The campaign's own limits by `device.quantity`, such as `stage.x: [0 mm, 20 mm]`; the tightest of these, the
    lab's and the instrument's holds."""

    priority: Whole = Field(default=0, ge=-1000, le=1000)
    """Where several campaigns share a lab: stations go to the highest first."""
    share: Real = Field(default=1.0, gt=0, le=1000)
    """Among campaigns of the same priority: how much of the stations' time it gets in proportion to the others."""

    @model_validator(mode="before")
    @classmethod
    def _one_stop_rule(cls, found: object) -> object:
        if isinstance(found, dict):
            entries = cast("dict[str, Any]", found)
            if isinstance(entries.get("stop"), str | dict):
                return {**entries, "stop": [entries["stop"]]}
        return cast("object", found)

    @model_validator(mode="after")
    def _something_to_do(self) -> "Campaign":
        if (self.procedure is None) == (not self.stages):
            raise ValueError("either a `procedure` or a list of `stages` is needed")
        return self

    @model_validator(mode="after")
    def _something_to_search(self) -> "Campaign":
        if not self.parameters and self.candidates is None:
            raise ValueError("`parameters` or a table of `candidates` is needed")
        return self
