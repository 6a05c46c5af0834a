"""What a study asks: which campaign is varied in which way, and what counts as success."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from motet.model.objective import Objective
from motet.store.encode import dumps

MOST_NAMED = 5
"""A message names so many differences of one sort."""


def key(combination: Mapping[str, str]) -> str:
    """A combination as canonical JSON text: the same for the same choices, in whatever order they are named."""
    return dumps(dict(sorted(combination.items())))


@dataclass(frozen=True, slots=True)
class Question:
    """One campaign, what is varied in it, and the seeds that every combination is tried with.

    `objective_name` and `objective` are the campaign's first objective. `varied` has the values of each name as they
    were written (`{"stations": ("1", "2")}`). `files` (path to text) and `versions` (distribution to version) are all
    that a trial's course depends on. `goal` tells as a clause when the campaign stops of itself (`all 5 given points
    are measured`); empty when only its budget ends it. `target` is a value of the objective, `percentile` how much of
    the space counts as its top, in per cent (1.0: the best hundredth), and `threshold` the value that this top begins
    at, None while it is not known.
    """

    campaign: str
    objective_name: str
    objective: Objective
    varied: Mapping[str, tuple[str, ...]]
    seeds: tuple[int, ...]
    files: Mapping[str, str]
    versions: Mapping[str, str]
    goal: str = ""
    target: float | None = None
    percentile: float = 1.0
    threshold: float | None = None

    def combinations(self) -> Iterator[dict[str, str]]:
        """Every combination of what is varied, the last name's values changing fastest; one empty when nothing is."""
        for values in itertools.product(*self.varied.values()):
            yield dict(zip(self.varied, values, strict=True))

    @property
    def trials(self) -> int:
        """How many trials answer it."""
        return len(self.seeds) * math.prod(len(values) for values in self.varied.values())

    @property
    def sign(self) -> int:
        """+1 where a higher value (as it is shown) is better, -1 where a lower one is."""
        return 1 if self.objective.goal == "maximize" else -1

    def plain(self) -> dict[str, Any]:
        """Its fields as JSON's own types."""
        return {
            "campaign": self.campaign,
            "objective_name": self.objective_name,
            "objective": self.objective.model_dump(),
            "varied": {name: list(values) for name, values in self.varied.items()},
            "seeds": list(self.seeds),
            "files": dict(self.files),
            "versions": dict(self.versions),
            "goal": self.goal,
            "target": self.target,
            "percentile": self.percentile,
            "threshold": self.threshold,
        }

    @classmethod
    def from_plain(cls, fields: Mapping[str, Any]) -> "Question":
        """What `plain` gave."""
        found = dict(fields)
        return cls(
            objective=Objective(**found.pop("objective")),
            varied={name: tuple(values) for name, values in found.pop("varied").items()},
            seeds=tuple(found.pop("seeds")),
            **found,
        )


def differences(kept: Question, asked: Question) -> list[str]:
    """Why results of the question `kept` are no results of the question `asked`; empty when they are.

    Values of what is varied and seeds may be added, and success may be judged anew (`goal`, `target`, `percentile`,
    `threshold`): the trials that are there stay what they are. Files, versions, campaign, objective and the names of
    what is varied must be the same.
    """
    found: list[str] = []
    if kept.campaign != asked.campaign:
        found.append(f"the campaign was {kept.campaign}, it is {asked.campaign}")
    if (kept.objective_name, kept.objective) != (asked.objective_name, asked.objective):
        found.append(f"the objective was {_objective(kept)}, it is {_objective(asked)}")
    found += _files(kept.files, asked.files)
    found += [
        f"{name} was {kept.versions.get(name, 'not there')}, it is {asked.versions.get(name, 'not there')}"
        for name in sorted({*kept.versions, *asked.versions})
        if kept.versions.get(name) != asked.versions.get(name)
    ]
    found += [f"{name} was varied, it is not" for name in kept.varied if name not in asked.varied]
    found += [f"{name} was not varied, it is" for name in asked.varied if name not in kept.varied]
    for name in kept.varied.keys() & asked.varied.keys():
        left = [value for value in kept.varied[name] if value not in asked.varied[name]]
        found += _left_out(f"{name} = ", left)
    return found + _left_out("seed ", [str(seed) for seed in kept.seeds if seed not in asked.seeds])


def _left_out(what: str, values: Sequence[str]) -> list[str]:
    more = f" and {len(values) - MOST_NAMED} more" if len(values) > MOST_NAMED else ""
    return [f"{what}{', '.join(values[:MOST_NAMED])}{more} was asked for, and is not any more"] if values else []


def _files(kept: Mapping[str, str], asked: Mapping[str, str]) -> list[str]:
    found = [f"{path} is missing" for path in kept if path not in asked]
    found += [f"{path} is new" for path in asked if path not in kept]
    return found + [
        _first_line(path, kept[path], asked[path]) for path in kept if asked.get(path, kept[path]) != kept[path]
    ]


def _first_line(path: str, kept: str, asked: str) -> str:
    """Where two texts first differ."""
    pairs = itertools.zip_longest(kept.splitlines(), asked.splitlines())
    for line, (was, now) in enumerate(pairs, 1):
        if was != now:
            return f"{path}:{line} was {_quoted(was)}, it is {_quoted(now)}"
    return f"{path} has other line ends"


def _quoted(line: str | None) -> str:
    if line is None:
        return "not there"
    text = line.strip()
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


def _objective(question: Question) -> str:
    objective = question.objective
    near = f" {objective.target}" if objective.target is not None else ""
    return f"{objective.goal} {question.objective_name}{near}{f' in {objective.unit}' if objective.unit else ''}"
