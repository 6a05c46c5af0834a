"""The numbers of a benchmark as a reader wants them, and the one thing to know in a sentence."""

import math

from motet.report.text import NOTHING
from motet.study.cells import short
from motet.study.replay.figures_of_merit import Mean, Wait
from motet.study.replay.summary import EntrySummary, ReplaySummary
from motet.study.replay.top import Amount

MOST_DECIMALS = 3


def with_error(found: Mean) -> str:
    """`118.4 ± 3.1`: a mean with its standard error, to two digits of the error."""
    if found.mean is None:
        return NOTHING
    if found.error is None:
        return short(found.mean)
    digits = 1 - math.floor(math.log10(found.error)) if found.error > 0 else 1
    decimals = min(max(digits, 0), MOST_DECIMALS)
    return f"{found.mean:.{decimals}f} ± {found.error:.{decimals}f}"


def waited(found: Wait) -> str:
    """`118.4 ± 3.1`; `≥ 140 (17 of 20)` where some runs ended before it, the mean with what these did instead."""
    if found.mean is not None:
        return with_error(Mean(found.mean, found.error))
    if found.at_least is None:
        return NOTHING
    return f"≥ {short(found.at_least)} ({found.reached} of {len(found.each)})"


def accelerated(one: EntrySummary, summary: ReplaySummary) -> str:
    """AF at 80 %; its upper limit where not all runs got there."""
    if one.af.mean is not None or not one.n80.at_least:
        return with_error(one.af)
    return f"≤ {short(summary.random_n80 / one.n80.at_least)}"


def seconds(found: float | None) -> str:
    """`12 ms`, `1.5 s`."""
    if found is None:
        return NOTHING
    return f"{short(found)} s" if found >= 1 else f"{short(1000 * found)} ms"


def goal(summary: ReplaySummary) -> str:
    """What is looked for: `80 % of the top set (24 of 30 points)`."""
    return f"80 % of the top set ({summary.aim.wanted} of {summary.aim.size} points)"


def headline(summary: ReplaySummary) -> str:
    """The one thing to know."""
    ran = [one for one in summary.entries if one.runs]
    if not ran:
        return "No run was done."
    first = ran[0]
    if first.n80.mean is None:
        got_there = f"{first.n80.reached} of {len(first.runs)} runs got there"
        return f"No learner found {goal(summary)} in all of its runs; of {first.entry.label} {got_there}."
    many = "over 1 run" if len(first.runs) == 1 else f"mean and standard error over {len(first.runs)} runs"
    return (
        f"{first.entry.label} needs {waited(first.n80)} experiments ({many}) to find {goal(summary)};"
        f" random choice needs {summary.random_n80}."
    )


def remarks(summary: ReplaySummary) -> list[str]:
    """What a reader should not miss: a top set with equal points, runs that failed, suggestions without a model, runs
    that ended early."""
    found: list[str] = []
    asked = Amount.of(summary.question.top).count(summary.aim.points)
    if summary.aim.size > asked:
        found.append(f"The top set has {summary.aim.size} points for {asked}: all that are equal to the last of them.")
    for one in summary.entries:
        if one.errors:
            found.append(f"{one.entry.label}: {_runs(len(one.errors))} could not be done; {one.errors[0].error}")
        without = [judged.run for judged in one.runs if judged.run.problems]
        if without:
            many = sum(run.problems for run in without)
            points = "1 point was" if many == 1 else f"{many} points were"
            found.append(f"{one.entry.label}: {points} suggested without the model; {without[0].problem}")
        early = len(one.runs) - one.n80.reached
        if early:
            run = next(judged.run for judged in one.runs if judged.n80 is None)
            found.append(f"{one.entry.label}: {_runs(early)} ended before 80 % of the top set: {run.reason}")
    return found


def _runs(number: int) -> str:
    return f"{number} run{'' if number == 1 else 's'}"
