"""Validate a file, and walk through what it would do without touching a device."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.files.campaign import CampaignFile, load_campaign
from motet.learning import build_learner
from motet.model.experiment import Suggestion
from motet.model.procedure import IfStep, RepeatStep, Step, VerbStep, WaitStep
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
    steps = list(_described(file.procedure.steps)) if file.procedure is not None else []
    if file.procedure is not None and file.procedure.cleanup:
        steps += [
            "at the end, whatever happened:",
            *(f"  {line}" for line in _described(file.procedure.cleanup)),
        ]
    return DryRun(file, learner.propose(stations), steps)


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
