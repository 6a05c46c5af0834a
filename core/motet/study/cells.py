"""The table of the combinations as text, for the page and for the terminal."""

from collections.abc import Callable
from dataclasses import dataclass

from motet.report.text import NOTHING, label, time_unit
from motet.study.statistics import Spread
from motet.study.summary import CombinationSummary, StudySummary

Cell = Callable[[CombinationSummary], str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, what stands in it, and whether that is a number."""

    head: str
    cell: Cell
    numeric: bool = True


def columns(summary: StudySummary, brief: bool = False) -> list[Column]:
    """What is told of each combination: medians with quartiles, a time in one unit for the whole column. `brief` leaves
    out the quartiles and what matters less."""
    question = summary.question
    spread = median if brief else with_quartiles
    found = [_choice(name) for name in question.varied] or [Column("combination", lambda one: one.label, False)]
    found.append(Column("trials", lambda one: str(one.trials)))
    if summary.not_run:
        found.append(Column("failed", lambda one: str(one.failed)))
    for i, milestone in enumerate(summary.milestones):
        found += _milestone(summary, i, milestone.short, brief)
    near = "distance from target" if question.objective.goal == "target" else question.objective_name
    found.append(Column(label(f"best {near}", question.objective.unit), lambda one: spread(one.best, 1.0)))
    found.append(Column("utilization", lambda one: percent(one.utilization.median)))
    if any(one.cost.median is not None for one in summary.combinations):
        found.append(Column("cost", lambda one: spread(one.cost, 1.0)))
    if not brief:
        found.append(Column("failed experiments", lambda one: percent(one.failures if one.experiments else None)))
    return found


def _choice(name: str) -> Column:
    return Column(name, lambda one: one.combination[name], False)


def _milestone(summary: StudySummary, i: int, name: str, brief: bool) -> list[Column]:
    """The time to a milestone, with the share that got there; for the goal the experiments too."""
    medians = [one.reached[i].seconds.median for one in summary.combinations]
    per, unit = time_unit(max((one for one in medians if one is not None), default=0.0))
    spread = median if brief else with_quartiles
    time = Column(f"time to {name} ({unit})", lambda one: spread(one.reached[i].seconds, per))
    experiments = Column(f"experiments to {name}", lambda one: spread(one.reached[i].experiments, 1.0))
    there = Column(f"reached {name}", lambda one: f"{one.reached[i].reached}/{one.reached[i].trials}")
    if i:
        return [time] if brief else [time, there]
    return [time, experiments, there]


def median(found: Spread, per: float = 1.0) -> str:
    """`41`; a dash where it is not known."""
    return NOTHING if found.median is None else short(found.median / per)


def with_quartiles(found: Spread, per: float = 1.0) -> str:
    """`41 (36 to 50)`; a dash where the median is not known."""
    if found.median is None:
        return NOTHING
    low, high = (short(None if value is None else value / per) for value in (found.low, found.high))
    middle = median(found, per)
    return middle if low == middle == high else f"{middle} ({low} to {high})"


def short(value: float | None) -> str:
    """Three significant digits, never an exponent for what fits without; infinity for a quartile not reached."""
    if value is None:
        return "∞"
    return f"{value:.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}"


def percent(share: float | None) -> str:
    """A share in per cent, to two digits."""
    if share is None:
        return NOTHING
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.2g} %"
