"""Synthetic studies: campaigns that search a surface with more or less skill, on one or several stations."""

import heapq
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from motet.model.objective import Objective
from motet.study.question import Question
from motet.study.result import Trial, TrialResult
from motet.study.summary import StudySummary, summarize

SKILL = {"rf+lcb": 0.9, "gp+ei": 1.5, "random": 0.0}
CAMPAIGN = "campaign: twin_sdc\nlab: lab.yaml\nbudget: {experiments: 100}\n"
QUESTION = Question(
    campaign="twin_sdc",
    objective_name="current",
    objective=Objective(goal="maximize", unit="mA"),
    varied={"learner": ("rf+lcb", "gp+ei"), "stations": ("1", "2", "4"), "pending": ("none", "believer")},
    seeds=tuple(range(12)),
    files={"campaign.yaml": CAMPAIGN, "lab.yaml": "lab: twin\n"},
    versions={"motet": "0.1.0", "numpy": "2.4.6"},
    goal="all 5 given points are measured",
    percentile=1.0,
    threshold=0.9,
)


def campaign(trial: Trial, budget: int = 100, wanted: int = 5) -> TrialResult:
    """A campaign over 200 points, whose learner finds good ones the sooner the more it knows, until the `wanted` best
    ones are measured."""
    rng = random.Random(f"{trial.seed} {trial.label}")
    world = random.Random(trial.seed)
    stations = int(trial.combination.get("stations", "1"))
    skill = SKILL[trial.combination.get("learner", "rf+lcb")]
    if stations > 1 and trial.combination.get("pending") == "none":
        skill *= 0.6
    surface = sorted((world.random() for _ in range(200)), reverse=True)
    best = set(surface[:wanted])
    free = [(0.0, station) for station in range(stations)]
    ends: list[tuple[float, float | None]] = []
    busy = 0.0
    while len(ends) < budget and best:
        start, station = heapq.heappop(free)
        spread = 200 / (1 + skill * max(0, len(ends) - stations) / 4)
        value = surface.pop(min(int(abs(rng.gauss(0, spread))), len(surface) - 1))
        end = start + rng.uniform(50.0, 70.0)
        failed = rng.random() < 0.02
        busy += end - start
        ends.append((end, None if failed else value))
        best.discard(value)
        heapq.heappush(free, (end, station))
    ends.sort(key=lambda one: one[0])
    return TrialResult(
        trial,
        "finished",
        "all 5 given points are measured" if not best else "the budget of 100 experiments is used up",
        not best,
        stations,
        tuple(end for end, _ in ends),
        tuple(value for _, value in ends),
        max((end for end, _ in ends), default=0.0),
        busy,
        0.02 * len(ends),
        1.5 * len(ends),
        {"tip": float(len(ends)), "electrolyte": 0.4 * len(ends)},
    )


def trials(question: Question) -> Iterator[Trial]:
    """Every trial that answers a question."""
    for combination in question.combinations():
        for seed in question.seeds:
            yield Trial(combination, seed)


def study(question: Question) -> Iterator[TrialResult]:
    """The results of a whole study."""
    return map(campaign, trials(question))


def result(
    values: Sequence[float | None],
    seed: int = 0,
    reached: bool = False,
    combination: Mapping[str, str] | None = None,
    every_s: float = 10.0,
    **fields: Any,
) -> TrialResult:
    """A campaign on one station with these values, one every `every_s` seconds."""
    ended = tuple(every_s * number for number in range(1, len(values) + 1))
    made = TrialResult(
        Trial(combination or {}, seed),
        "finished",
        "",
        reached,
        1,
        ended,
        tuple(values),
        ended[-1] if ended else 0.0,
        ended[-1] if ended else 0.0,
    )
    return replace(made, **fields)


@pytest.fixture
def question() -> Question:
    """Two learners on 1, 2 and 4 stations, with and without care for pending points."""
    return QUESTION


@pytest.fixture(scope="session")
def summary() -> StudySummary:
    """What the whole study comes to: the same for every test, and not changed by any."""
    return summarize(study(QUESTION), QUESTION)


@pytest.fixture
def results() -> Callable[[Question], Iterator[TrialResult]]:
    """Gives the results of every trial of a question."""
    return study


@pytest.fixture
def trial() -> Callable[..., TrialResult]:
    """Makes a trial from its values: see `result`."""
    return result
