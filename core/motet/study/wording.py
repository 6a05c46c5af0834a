"""What can be said, in plain sentences."""

import math
from collections.abc import Sequence

from motet.report.text import duration, number, with_unit
from motet.study.comparison import FEWEST, Comparison, Measure, Verdict
from motet.study.question import Question
from motet.study.summary import StudySummary

INFINITE = "∞"


def headline(summary: StudySummary) -> str:
    """The one thing to know."""
    ran = [one for one in summary.combinations if one.trials]
    if not ran:
        return "No trial was run."
    first = ran[0]
    name = first.label if summary.question.varied else "The campaign"
    if not summary.milestones:
        best = with_unit(first.best.median, summary.question.objective.unit)
        of_all = "" if len(ran) == 1 else ", the best of all"
        return f"{name} ends with a {_best(summary.question)} of {best} (median){of_all}."
    clause, goal = summary.milestones[0].clause, first.reached[0]
    got_there = f"{goal.reached} of {goal.trials} trials got there"
    if goal.seconds.median is None:
        return f"Not half of the trials of any combination got so far that {clause}; of {first.label} {got_there}."
    needs = "needs" if len(ran) == 1 else "is the quickest: it needs"
    return (
        f"{name} {needs} a median of {duration(goal.seconds.median)} of lab time and"
        f" {number(goal.experiments.median)} experiments until {clause} ({got_there})."
    )


def conclusions(summary: StudySummary) -> list[tuple[Comparison, str]]:
    """Every comparison with its sentence."""
    clause = summary.milestones[0].clause if summary.milestones else ""
    return [(one, sentence(one, summary.question, clause)) for one in summary.comparisons]


def sentence(comparison: Comparison, question: Question, clause: str) -> str:
    """A comparison as a sentence; `clause` tells the goal of the study."""
    one, other = comparison.combination, comparison.reference
    until = f" until {clause}" if comparison.measure is not Measure.BEST else ""
    if comparison.got_there == (0, 0):
        what = "measured any value" if comparison.measure is Measure.BEST else f"got so far that {clause}"
        return f"Neither {one} nor {other} {what} in any of {_pairs(comparison)}."
    if comparison.verdict in (Verdict.BETTER, Verdict.WORSE):
        return f"{_difference(comparison, question, clause)} ({_numbers(comparison, question)}): {comparison.verdict}."
    about = f"{one} against {other}, {_measure(comparison, question)}{until}"
    if comparison.verdict is Verdict.TOO_FEW:
        needed = f"{_pairs(comparison)}, {FEWEST} are needed"
        return f"{about}: {comparison.verdict} ({needed}; {_effect(comparison, question)} so far)."
    text = f"{_effect(comparison, question)}, {_numbers(comparison, question)}"
    if comparison.pairs < comparison.needed:
        return f"{about}: {comparison.verdict} with so few seeds ({text}; {comparison.needed} pairs are needed)."
    return f"{about}: {comparison.verdict} ({text})."


def p_value(p: float | None) -> str:
    """`0.00031`, `< 0.0001`; a dash where nothing was tested."""
    if p is None:
        return number(None)
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def interval(low: float, high: float) -> str:
    """`0.55 to 0.71`."""
    return f"{brief(low)} to {brief(high)}"


def seeds(numbers: Sequence[int]) -> str:
    """`20 (0 to 19)`, or each one where they do not follow one another."""
    if not numbers:
        return "none"
    first, last = min(numbers), max(numbers)
    if len(numbers) == 1:
        return str(first)
    if len(set(numbers)) == last - first + 1:
        return f"{len(numbers)} ({first} to {last})"
    return f"{len(numbers)} ({', '.join(map(str, numbers))})"


def _difference(comparison: Comparison, question: Question, clause: str) -> str:
    one, other, effect = comparison.combination, comparison.reference, comparison.effect
    if comparison.measure is Measure.BEST:
        if math.isinf(effect) and effect * question.sign < 0:
            return f"{one} mostly ends without any value where {other} has one"
        if math.isinf(effect):
            return f"{one} ends with a value where {other} mostly has none"
        more = "higher" if effect > 0 else "lower"
        return f"{one} ends with a {_best(question)} that is {_amount(abs(effect), question)} {more} than with {other}"
    if math.isinf(effect):
        return f"{one} mostly never gets so far that {clause}, where {other} does"
    if effect == 0:
        return f"{one} gets so far that {clause}, where {other} mostly never does"
    return f"{one} needs {brief(effect)} x the {comparison.measure} of {other} until {clause}"


def _measure(comparison: Comparison, question: Question) -> str:
    return f"{_best(question)} at the end" if comparison.measure is Measure.BEST else str(comparison.measure)


def _best(question: Question) -> str:
    near = " distance from the target of" if question.objective.goal == "target" else ""
    return f"best{near} {question.objective_name}"


def _effect(comparison: Comparison, question: Question) -> str:
    if comparison.measure is Measure.BEST:
        return f"difference {_amount(comparison.effect, question)}"
    return f"ratio {brief(comparison.effect)}"


def _numbers(comparison: Comparison, question: Question) -> str:
    unit = question.objective.unit if comparison.measure is Measure.BEST else None
    reach = interval(comparison.low, comparison.high) + (f" {unit}" if unit else "")
    p = p_value(comparison.adjusted)
    return f"95 % interval {reach}, {_pairs(comparison)}{_shares(comparison)}, p {p if p[0] == '<' else f'= {p}'}"


def _shares(comparison: Comparison) -> str:
    """How many got there, where that were not all."""
    ours, theirs = comparison.got_there
    if comparison.pairs == ours == theirs:
        return ""
    return f", of which {ours} and {theirs} got there"


def _pairs(comparison: Comparison) -> str:
    return f"{comparison.pairs} pair{'' if comparison.pairs == 1 else 's'}"


def _amount(value: float, question: Question) -> str:
    return with_unit(brief(value), question.objective.unit)


def brief(value: float) -> str:
    """Two or three significant digits."""
    if math.isinf(value):
        return INFINITE if value > 0 else f"-{INFINITE}"
    return f"{value:.2f}" if 0.1 <= abs(value) < 10 else f"{value:.3g}"
