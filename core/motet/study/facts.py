"""A study as plain facts, for programs."""

import math
from dataclasses import asdict
from typing import Any

from motet.study.comparison import Comparison
from motet.study.statistics import Spread
from motet.study.summary import CombinationSummary, StudySummary
from motet.study.wording import conclusions, headline


def facts(summary: StudySummary) -> dict[str, Any]:
    """What the page says, without its curves, as JSON's own types: times in seconds, shares 0 to 1, None for what is
    not known or not finite."""
    question = summary.question
    return {
        "campaign": question.campaign,
        "objective": {"name": question.objective_name, **question.objective.model_dump()},
        "varied": {name: list(values) for name, values in question.varied.items()},
        "seeds": list(question.seeds),
        "milestones": [{"name": one.short, "clause": one.clause} for one in summary.milestones],
        "trials": {"asked": question.trials, "run": summary.run, "failed": summary.not_run},
        "lab_s": summary.lab_s,
        "experiments": summary.experiments,
        "headline": headline(summary),
        "combinations": [_combination(one, summary) for one in summary.combinations],
        "reference": summary.reference,
        "comparisons": [_comparison(one) | {"sentence": text} for one, text in conclusions(summary)],
        "parallel": _parallel(summary),
        "failed": [asdict(one) for one in summary.failed],
    }


def _combination(one: CombinationSummary, summary: StudySummary) -> dict[str, Any]:
    return {
        "combination": dict(one.combination),
        "stations": one.stations,
        "trials": one.trials,
        "failed": one.failed,
        "reached": {
            milestone.short: {
                "trials": reached.reached,
                "share": reached.share,
                "experiments": _spread(reached.experiments),
                "seconds": _spread(reached.seconds),
            }
            for milestone, reached in zip(summary.milestones, one.reached, strict=True)
        },
        "best": _spread(one.best),
        "utilization": _spread(one.utilization),
        "cost": _spread(one.cost),
        "consumed": dict(one.consumed),
        "learner_s": _spread(one.learner_s),
        "experiments": one.experiments,
        "failures": one.failures,
    }


def _spread(spread: Spread) -> dict[str, float | None]:
    return asdict(spread)


def _comparison(one: Comparison) -> dict[str, Any]:
    found = asdict(one) | {"measure": str(one.measure), "verdict": str(one.verdict)}
    return {name: _finite(value) for name, value in found.items()}


def _parallel(summary: StudySummary) -> dict[str, Any] | None:
    found = summary.parallel
    if found is None:
        return None
    lines = [
        {"stations": one.stations, "experiments": one.experiments, "seconds": one.seconds, "ratio": one.ratio}
        for one in found.lines
    ]
    return {"others": dict(found.others), "at_goal": found.at_goal, "lines": lines}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
