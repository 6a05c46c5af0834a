"""What more stations bring: lab time against experiments, one line for each number of stations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from motet.study.curves import Band, pace
from motet.study.question import key
from motet.study.trials import Trials

STATIONS = "stations"
"""The name under which the number of stations is varied."""


@dataclass(frozen=True, slots=True)
class Line:
    """Campaigns on so many stations: lab time in seconds against experiments, and the point (`experiments`, `seconds`)
    at which lines are compared. `ratio` is the time of the line of fewest stations over this one's there."""

    stations: int
    pace: Band
    experiments: float
    seconds: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Parallel:
    """The lines, the fewest stations first; they share the choices `others`. They are compared at the goal
    (`at_goal`: medians over the trials), or where that is not reached everywhere at the last number of experiments that
    all of them have."""

    lines: tuple[Line, ...]
    others: Mapping[str, str]
    at_goal: bool


def parallel(everything: Sequence[Trials], has_goal: bool) -> Parallel | None:
    """The lines of the best combination that was run on several numbers of stations; None where none was.

    `everything` is ordered, the best first.
    """
    groups: dict[str, dict[int, Trials]] = {}
    for trials in everything:
        if STATIONS in trials.trial.combination and trials.experiments:
            groups.setdefault(key(_others(trials)), {}).setdefault(trials.stations, trials)
    found = next((group for group in groups.values() if len(group) > 1), None)
    if found is None:
        return None
    members = [found[stations] for stations in sorted(found)]
    bands = [pace(trials.courses) for trials in members]
    points = _goals(members) if has_goal else None
    at = points or _last_common(bands)
    lines = [
        Line(trials.stations, band, experiments, seconds, at[0][1] / seconds if seconds > 0 else 1.0)
        for trials, band, (experiments, seconds) in zip(members, bands, at, strict=True)
    ]
    return Parallel(tuple(lines), _others(members[0]), points is not None)


def _others(trials: Trials) -> dict[str, str]:
    return {name: value for name, value in trials.trial.combination.items() if name != STATIONS}


def _goals(members: Sequence[Trials]) -> list[tuple[float, float]] | None:
    """The median experiments and seconds to the goal of each; None unless all have them."""
    found: list[tuple[float, float]] = []
    for trials in members:
        goal = trials.reached(0)
        if goal.experiments.median is None or goal.seconds.median is None:
            return None
        found.append((goal.experiments.median, goal.seconds.median))
    return found


def _last_common(bands: Sequence[Band]) -> list[tuple[float, float]]:
    last = min(float(band.x[-1]) for band in bands)
    return [(last, float(np.interp(last, band.x, band.median))) for band in bands]
