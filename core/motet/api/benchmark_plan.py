"""What a benchmark asks for, checked: the table, its top set, the learners and the terms of every run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from motet.api.learners import learner_named
from motet.api.replay import Task, learner_for
from motet.errors import FileProblems, PluginProblem, Problem
from motet.model.campaign import LearnerConfig
from motet.model.objective import Objective
from motet.plugins import Registry
from motet.study.replay.choices import Durations, Repeats
from motet.study.replay.judged import EF_AT, Aim
from motet.study.replay.measured import Measured
from motet.study.replay.question import ReplayQuestion
from motet.study.replay.reading import Columns, read_measured
from motet.study.replay.replaying import Terms
from motet.study.replay.run import Entry
from motet.study.replay.top import Amount, top


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What to replay: the table with its columns and what is wanted of the objective, the learners by their names.

    `top` is the part of the points to find, `until` the part of those with which a run ends, after 30 experiments at
    least; `first` the part whose first point matters too. Each is so many, or so many per cent (`5%`). `budget` is the
    largest number of experiments of a run. With more than one of `workers` every learner runs with one and with all.
    """

    data: Path
    columns: Columns
    objective: Objective
    learners: tuple[str, ...]
    seeds: int = 20
    initial: int = 2
    top: str = "5%"
    until: str = "100%"
    first: str = "1%"
    repeats: Repeats = "unique"
    budget: int | None = None
    workers: int = 1
    durations: Durations = "equal"
    sigma: float = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """A benchmark that can be run: `configs` has the learners by their names."""

    question: ReplayQuestion
    aim: Aim
    task: Task
    configs: Mapping[str, LearnerConfig]


def plan_of(asked: Benchmark, registry: Registry) -> Plan:
    """The plan of a benchmark; all that can be wrong is found here, before anything runs. Raises FileProblems."""
    table = read_measured(asked.data, asked.columns, asked.objective, asked.repeats)
    amounts = {option: _amount(option, getattr(asked, option)) for option in ("top", "until", "first")}
    aim = Aim(
        top(table.merits, amounts["top"].count(len(table))),
        top(table.merits, amounts["first"].count(len(table))),
        str(amounts["first"]),
    )
    _check_numbers(asked, table, aim)
    configs = _configs(asked, table, registry)
    most = len(table) if asked.budget is None else min(asked.budget, len(table))
    enough = min(amounts["until"].count(aim.size), aim.size)
    terms = Terms(asked.initial, enough, EF_AT, most, asked.durations, asked.sigma)
    question = ReplayQuestion(
        table=asked.data.name,
        digest=table.digest,
        points=len(table),
        parameters=table.parameters,
        objective=table.objective_name,
        goal=table.objective.goal,
        repeats=asked.repeats,
        top=str(amounts["top"]),
        until=str(amounts["until"]),
        initial=asked.initial,
        budget=asked.budget,
        durations=asked.durations,
        sigma=None if asked.durations == "equal" else asked.sigma,
        versions=registry.versions,
        learners={name: config.model_dump(mode="json", exclude_unset=True) for name, config in configs.items()},
        workers=(1,) if asked.workers == 1 else (1, asked.workers),
        seeds=tuple(range(asked.seeds)),
    )
    task = Task(table, question.digest, amounts["top"].count(len(table)), terms)
    return Plan(question, aim, task, configs)


def _amount(option: str, text: str) -> Amount:
    try:
        return Amount.of(text)
    except ValueError as error:
        raise FileProblems([Problem(f"--{option}", None, "", repr(text), str(error))]) from error


def _check_numbers(asked: Benchmark, table: Measured, aim: Aim) -> None:
    """Raises FileProblems for numbers that do not go with the table."""
    points = len(table)
    found: list[Problem] = []
    if aim.size >= points:
        same = f"the {aim.size} best of {points} points, equal values counted"
        found.append(Problem("--top", None, "", same, "a top set that leaves out some points is needed"))
    if not 0 <= asked.initial < points:
        allowed = f"from 0 to {points - 1} of the {points} points"
        found.append(Problem("--initial", None, "", str(asked.initial), allowed))
    least = {"--seeds": asked.seeds, "--workers": asked.workers}
    least |= {} if asked.budget is None else {"--budget": asked.budget}
    found += [
        Problem(option, None, "", str(value), "a whole number from 1 is needed")
        for option, value in least.items()
        if value < 1
    ]
    if not 0 <= asked.sigma <= 5:
        found.append(Problem("--sigma", None, "", f"{asked.sigma:g}", "a number from 0 to 5 is needed"))
    if found:
        raise FileProblems(found)


def _configs(asked: Benchmark, table: Measured, registry: Registry) -> dict[str, LearnerConfig]:
    """The learners by their names; each is built once, so that one that cannot work is refused here."""
    configs: dict[str, LearnerConfig] = {}
    found: list[Problem] = []
    for name in asked.learners:
        try:
            if name in configs:
                raise FileProblems([Problem("--learner", None, "", f"{name!r} twice", "each learner once")])
            configs[name] = learner_named(name)
            learner_for(table, configs[name], Entry(name, asked.workers), asked.initial, 0, registry)
        except FileProblems as error:
            found += error.problems
        except PluginProblem as error:
            found.append(Problem("--learner", None, "", repr(name), str(error)))
    if not asked.learners:
        found.append(Problem("--learner", None, "", "none", "at least one learner is needed"))
    if found:
        raise FileProblems(found)
    return configs
