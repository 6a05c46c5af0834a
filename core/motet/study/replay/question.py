"""What a benchmark asks: which table, what counts as its top, and under which terms learners search it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from motet.store.encode import dumps
from motet.study.replay.choices import Durations, Repeats
from motet.study.replay.run import Entry

_NAMES = {
    "points": "number of points",
    "parameters": "parameters",
    "objective": "objective",
    "repeats": "value of rows with equal parameters",
    "top": "top set",
    "until": "share of the top set at which a run ends",
    "initial": "number of first points",
    "budget": "budget of experiments",
    "durations": "durations of experiments",
    "sigma": "spread of durations",
}


@dataclass(frozen=True, slots=True)
class ReplayQuestion:
    """A table, its top set, and the terms of every run; then the learners, numbers of workers and seeds that are run.

    `digest` stands for the points and values of the table. `top` and `until` are as they were written (`5 %`, `30`).
    `learners` has the configuration of each by the name that it was given. `budget` is the largest number of
    experiments of a run, None for as many as there are points. `sigma` is None where durations are all equal.
    `versions` (distribution to version) are those of Motet and of what brought plugins.
    """

    table: str
    digest: str
    points: int
    parameters: tuple[str, ...]
    objective: str
    goal: str
    repeats: Repeats
    top: str
    until: str
    initial: int
    budget: int | None
    durations: Durations
    sigma: float | None
    versions: Mapping[str, str]
    learners: Mapping[str, Mapping[str, Any]]
    workers: tuple[int, ...] = (1,)
    seeds: tuple[int, ...] = field(default=())

    @property
    def entries(self) -> list[Entry]:
        """What is run with every seed: each learner, with one worker and with more where that is asked."""
        return [Entry(learner, workers) for learner in self.learners for workers in self.workers]

    @property
    def runs(self) -> int:
        """How many runs answer it."""
        return len(self.entries) * len(self.seeds)

    def plain(self) -> dict[str, Any]:
        """Its fields as JSON's own types."""
        tuples = {name: list(getattr(self, name)) for name in ("parameters", "workers", "seeds")}
        return {**asdict(self), **tuples}

    @classmethod
    def from_plain(cls, fields: Mapping[str, Any]) -> "ReplayQuestion":
        """What `plain` gave."""
        tuples: dict[str, Any] = {name: tuple(fields[name]) for name in ("parameters", "workers", "seeds")}
        return cls(**{**fields, **tuples})


def differences(kept: ReplayQuestion, asked: ReplayQuestion) -> list[str]:
    """Why runs of the question `kept` are no runs of the question `asked`; empty when they are.

    Learners, numbers of workers and seeds may be added and left out. All else must be the same, the name of the table's
    file excepted.
    """
    found: list[str] = []
    for name, words in _NAMES.items():
        was, now = (_shown(getattr(question, name)) for question in (kept, asked))
        if was != now:
            found.append(f"the {words} was {was}, it is {now}")
    if kept.goal != asked.goal:
        found.append(f"the goal was to {kept.goal}, it is to {asked.goal}")
    if kept.digest != asked.digest and not found:
        found.append(f"{asked.table} holds other numbers than {kept.table} did")
    found += [
        f"{name} was {kept.versions.get(name, 'not there')}, it is {asked.versions.get(name, 'not there')}"
        for name in sorted({*kept.versions, *asked.versions})
        if kept.versions.get(name) != asked.versions.get(name)
    ]
    return found + [
        f"the learner {name} was {_config(kept.learners[name])}, it is {_config(asked.learners[name])}"
        for name in asked.learners
        if kept.learners.get(name, asked.learners[name]) != asked.learners[name]
    ]


def together(kept: ReplayQuestion | None, asked: ReplayQuestion) -> dict[str, Any]:
    """What is noted of a question: the learners of before stay known, so that one that has changed is noticed."""
    learners = dict(asked.learners) if kept is None else {**kept.learners, **asked.learners}
    return {**asked.plain(), "learners": learners}


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, cast("tuple[object, ...]", value)))
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _config(config: Mapping[str, Any]) -> str:
    return f"`{dumps(config)}`"
