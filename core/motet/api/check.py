"""Validate a file, and walk through what it would do without touching a device."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.files.campaign import CampaignFile, StageFile, load_campaign
from motet.learning import build_learner
from motet.model.experiment import Suggestion
from motet.model.procedure import IfStep, Procedure, RepeatStep, Step, VerbStep, WaitStep
from motet.plugins import Registry, installed


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a campaign would do: its first points, and the steps of each experiment, indented by depth."""

    file: CampaignFile
    first: Sequence[Suggestion]
    steps: Sequence[str]


def check_campaign(path: Path, registry: Registry | None = None) -> DryRun:
    """Validate a campaign with its lab; ask its learner for the first points. Raises FileProblems, LearnerError."""
    registry = registry or installed()
    file = load_campaign(path, registry)
    config = file.campaign
    stations = len(file.stations)
    learner = build_learner(
        config.learner,
        registry,
        file.space,
        config.objectives,
        seed=config.seed,
        stations=stations,
        constraints=config.outcome_constraints,
    )
    steps = [line for stage in file.stages for line in _of_stage(stage)]
    return DryRun(file, learner.propose(stations), steps)


def _of_stage(stage: StageFile) -> list[str]:
    """The steps of a stage under its name; a plugin's are not known before it runs."""
    procedure, lines = stage.procedure, list[str]()
    if isinstance(procedure, Procedure):
        lines += _described(procedure.steps)
        if procedure.cleanup:
            lines += ["at the end, whatever happened:", *(f"  {line}" for line in _described(procedure.cleanup))]
    elif stage.name:
        lines.append(f"the plugin {procedure.name}")
    if not stage.name:
        return lines
    return [f"{stage.name}, at {' or '.join(stage.stations)}:", *(f"  {line}" for line in lines)]


def _described(steps: Sequence[Step]) -> list[str]:
    lines: list[str] = []
    for step in steps:
        match step:
            case VerbStep():
                arguments = ", ".join(f"{key}: {value}" for key, value in step.arguments.items())
                lines.append(f"{step.label} {{{arguments}}}" if arguments else step.label)
            case WaitStep():
                lines.append(f"wait {step.wait}")
            case RepeatStep():
                until = f" until {step.until}" if step.until else ""
                lines += [
                    f"up to {step.times} times{until}:",
                    *(f"  {line}" for line in _described(step.steps)),
                ]
            case IfStep():
                lines += [f"if {step.condition}:", *(f"  {line}" for line in _described(step.then))]
                if step.otherwise:
                    lines += ["else:", *(f"  {line}" for line in _described(step.otherwise))]
    return lines
