"""Curves over the seeds on a grid that all combinations share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.study.course import Course
from motet.study.statistics import Floats, quantiles

POINTS = 400
"""A curve has at most so many points."""

SHARES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Band:
    """The median at each `x`, with the 10 % and the 90 % quantile; NaN where there is none."""

    x: Floats
    low: Floats
    median: Floats
    high: Floats


def experiment_grid(courses: Sequence[Course]) -> NDArray[np.int64]:
    """Numbers of experiments from 1 to the most that a trial did: each one, or evenly thinned."""
    most = max((course.ended_s.size for course in courses), default=0)
    return np.unique(np.linspace(1, most, min(most, POINTS)).round().astype(np.int64))


def time_grid(courses: Sequence[Course]) -> Floats:
    """Lab times in seconds from 0 to the end of the longest trial, evenly spaced."""
    longest = max((float(course.ended_s[-1]) for course in courses if course.ended_s.size), default=0.0)
    return np.linspace(0.0, longest, POINTS)


def best_by_experiments(courses: Sequence[Course], grid: NDArray[np.int64]) -> Band:
    """Best so far against the number of experiments. A campaign that has ended keeps its best, so every trial counts
    everywhere."""
    return _band(grid.astype(float), [course.at_experiments(grid) for course in courses])


def best_by_time(courses: Sequence[Course], grid: Floats) -> Band:
    """Best so far against lab time in seconds. A campaign that has ended keeps its best, so every trial counts
    everywhere."""
    return _band(grid, [course.at_times(grid) for course in courses])


def pace(courses: Sequence[Course]) -> Band:
    """Lab time in seconds at which so many experiments had ended, over the trials that did as many; it ends where fewer
    than half of the trials did."""
    sizes = sorted((course.ended_s.size for course in courses), reverse=True)
    most = sizes[(len(sizes) - 1) // 2] if sizes else 0
    grid = experiment_grid(courses)
    grid = grid[grid <= most]
    columns = [[c.ended_s[count - 1] for c in courses if c.ended_s.size >= count] for count in grid.tolist()]
    found = [quantiles(np.array(column)[:, None], SHARES)[:, 0] for column in columns]
    low, median, high = np.array(found).T if found else np.empty((3, 0))
    return Band(grid.astype(float), low, median, high)


def _band(grid: Floats, rows: Sequence[Floats]) -> Band:
    found = quantiles(np.array(rows), SHARES) if rows else np.full((3, grid.size), math.nan)
    found[~np.isfinite(found)] = math.nan
    return Band(grid, *found)
