"""Which parameters matter most for the objective."""

import numpy as np
from numpy.typing import NDArray

from motet.report.material import Material

_BINS = 5


def influence(material: Material, objective: str) -> list[str]:
    """The varied parameters, the most influential first, by the correlation ratio of the objective: the part
    of its variance that lies between groups of like values (Fisher, Statistical Methods for Research Workers,
    1925). Unlike a linear correlation it sees a maximum in the middle, and it takes categories. Of classes it is the
    part of their Gini impurity (Goodman and Kruskal's tau, J. Am. Stat. Assoc. 49, 732 (1954))."""
    measured = material.measured(objective)
    y = np.array([[value] for _, value in measured]).reshape(-1, 1)
    if classes := material.classes(objective):
        y = (y == np.arange(len(classes))).astype(np.float64)

    def ratio(name: str) -> float:
        return _ratio(_groups([row.parameters.get(name) for row, _ in measured], material.is_numeric(name)), y)

    return sorted(material.varied, key=ratio, reverse=True)


def _groups(values: list[object], numeric: bool) -> NDArray[np.intp]:
    """The group of each value: up to five of equal count for numbers, one for each category."""
    if not numeric:
        return np.unique(np.array([str(value) for value in values]), return_inverse=True)[1]
    numbers = np.array(values, dtype=float)
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(numbers) else numbers
    return np.searchsorted(edges, numbers, side="right")


def _ratio(groups: NDArray[np.intp], y: NDArray[np.float64]) -> float:
    """For values (n, k): one column, or one for each class."""
    total = float(np.sum((y - y.mean(axis=0)) ** 2)) if len(y) else 0.0
    if total == 0.0:
        return 0.0
    parts = [y[groups == group] for group in np.unique(groups)]
    return float(sum(len(part) * np.sum((part.mean(axis=0) - y.mean(axis=0)) ** 2) for part in parts)) / total
