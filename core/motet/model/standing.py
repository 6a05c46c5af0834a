"""How experiments stand against what a campaign wants: which count, which is the best, which make the Pareto front."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from motet.model.objective import Objective, OutcomeConstraint

T = TypeVar("T")

Rows = NDArray[np.float64]

Merits = tuple[float, ...]
"""One merit for each objective: higher is better."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a campaign wants of an experiment's values: its objectives, and the bounds that other numbers must keep."""

    objectives: Mapping[str, Objective]
    constraints: Mapping[str, OutcomeConstraint] = field(default_factory=dict[str, OutcomeConstraint])

    @property
    def first(self) -> str:
        """The first objective: `best` is about it."""
        return next(iter(self.objectives))

    @property
    def several(self) -> bool:
        """Whether there are several objectives, so that a front stands in place of one best experiment."""
        return len(self.objectives) > 1

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the first objective; empty when it is a number. No class is better than another."""
        return self.objectives[self.first].classes

    @property
    def others(self) -> tuple[str, ...]:
        """The numbers that have to keep bounds and are no objectives."""
        return tuple(name for name in self.constraints if name not in self.objectives)

    def broken(self, values: Mapping[str, float]) -> tuple[str, ...]:
        """The constraints that an experiment with these values does not meet."""
        return tuple(name for name, one in self.constraints.items() if not one.allows(values.get(name, np.nan)))

    def merit(self, values: Mapping[str, float]) -> float | None:
        """The first objective's merit; None for an experiment that lacks it or does not count, and for classes."""
        value = values.get(self.first, np.nan)
        if self.classes or not np.isfinite(value) or self.broken(values):
            return None
        return self.objectives[self.first].merit(value)

    def merits(self, values: Mapping[str, float]) -> Merits | None:
        """Every objective's merit; None for an experiment that lacks one or does not count."""
        found = [objective.merit(values.get(name, np.nan)) for name, objective in self.objectives.items()]
        return tuple(found) if np.isfinite(found).all() and not self.broken(values) else None

    def best(self, items: Iterable[T], values: Callable[[T], Mapping[str, float]]) -> T | None:
        """The best item by the first objective, the earlier one of equals; None when none counts."""
        best: tuple[float, T] | None = None
        for item in items:
            merit = self.merit(values(item))
            if merit is not None and (best is None or merit > best[0]):
                best = merit, item
        return None if best is None else best[1]

    def front(self, items: Iterable[T], values: Callable[[T], Mapping[str, float]]) -> list[T]:
        """The items that no other is at least as good as in all objectives and better in one, in their order."""
        counting = [(merits, item) for item in items if (merits := self.merits(values(item))) is not None]
        return [counting[number][1] for number in non_dominated([merits for merits, _ in counting])]


def pareto_front(rows: Rows) -> Rows:
    """Those of the rows (n, m) that no other dominates, each once and sorted."""
    distinct = np.unique(rows, axis=0)
    return distinct[non_dominated(distinct)]


def non_dominated(merits: Sequence[Merits] | Rows) -> list[int]:
    """The numbers of the rows that no other dominates, rising; equal rows stand or fall together."""
    if not len(merits):
        return []
    rows = np.array(merits, dtype=float)
    kept = np.empty_like(rows)
    found: list[int] = []
    for number in np.lexsort(rows.T[::-1])[::-1]:  # the first objective falls: nothing dominates what stands before it
        row, before = rows[number], kept[: len(found)]
        if not np.any(np.all(before >= row, axis=1) & np.any(before > row, axis=1)):
            kept[len(found)] = row
            found.append(int(number))
    return sorted(found)


def count_by_class(classes: Sequence[str], values: Iterable[float]) -> dict[str, int]:
    """How many values there are of each class, in the order of the campaign file; values are the numbers of classes."""
    counts = [0] * len(classes)
    for value in values:
        if value in range(len(classes)):
            counts[int(value)] += 1
    return dict(zip(classes, counts, strict=True))
