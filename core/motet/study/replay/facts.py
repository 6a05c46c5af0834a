"""A benchmark as plain facts for programs: JSON, and a table with a line for each run."""

import csv
import io
import math
from dataclasses import asdict
from typing import Any

import numpy as np

from motet.study.replay.figures_of_merit import Curve, Mean, Wait
from motet.study.replay.judged import EF_AT, MOST_OF_IT, Judged
from motet.study.replay.random_choice import random_wait
from motet.study.replay.summary import EntrySummary, ReplaySummary, random_curve
from motet.study.replay.wording import headline, remarks
from motet.study.statistics import Floats

RUN_COLUMNS = (
    "learner",
    "workers",
    "seed",
    "experiments",
    "n80",
    "first_top",
    "first_best",
    f"share_{EF_AT}",
    f"ef_{EF_AT}",
    "makespan_80",
    "ask_median_s",
    "ask_95_s",
    "without_model",
    "ended",
    "error",
)


def facts(summary: ReplaySummary, curves: bool = True) -> dict[str, Any]:
    """Everything as JSON's own types: shares 0 to 1, seconds, None for what is not known. A `wait` counts experiments;
    a `makespan` is in mean durations of an experiment."""
    question, aim = summary.question, summary.aim
    first = int(aim.first.sum())
    by_chance = {
        "n80": summary.random_n80,
        "mean_wait_80": summary.random_wait,
        "first_top": random_wait(1, aim.size, aim.points),
        "first_best": random_wait(1, first, aim.points),
    }
    return {
        "table": question.table,
        "points": aim.points,
        "parameters": list(question.parameters),
        "objective": {"name": question.objective, "goal": question.goal},
        "top_set": {"asked": question.top, "points": aim.size, "for_80": aim.wanted},
        "first": {"asked": aim.first_words, "points": first},
        "protocol": {name: getattr(question, name) for name in _PROTOCOL},
        "workers": list(question.workers),
        "seeds": list(question.seeds),
        "versions": dict(question.versions),
        "runs": {"asked": question.runs, "run": summary.run, "failed": len(summary.failed)},
        "headline": headline(summary),
        "remarks": remarks(summary),
        "random": by_chance | ({"top_share": _plain(random_curve(summary))} if curves else {}),
        "learners": [_entry(one, summary, curves) for one in summary.entries],
    }


_PROTOCOL = ("repeats", "initial", "budget", "until", "durations", "sigma")


def _entry(one: EntrySummary, summary: ReplaySummary, curves: bool) -> dict[str, Any]:
    found = {
        "learner": one.entry.learner,
        "workers": one.entry.workers,
        "config": dict(summary.question.learners[one.entry.learner]),
        "runs": len(one.runs),
        "failed": len(one.errors),
        "n80": _wait(one.n80),
        "first_top": _wait(one.first_top),
        "first_best": _wait(one.first_best),
        f"share_{EF_AT}": _mean(one.share),
        f"ef_{EF_AT}": _mean(one.ef),
        f"af_{MOST_OF_IT:.0%}".rstrip("%"): _mean(one.af),
        "makespan_80": _wait(one.time),
        "ask_s": {"median": one.ask_s[0], "p95": one.ask_s[1]} if one.ask_s else None,
        "without_model": sum(judged.run.problems for judged in one.runs),
        "parallel": asdict(one.parallel) if one.parallel else None,
    }
    if not curves:
        return found
    seconds = {"first": summary.question.initial, "median_s": _plain(one.speeds)}
    return found | {"top_share": _curve(one.shares), "ask_s_by_experiments": seconds}


def _wait(found: Wait) -> dict[str, Any]:
    plain: dict[str, Any] = {name: getattr(found, name) for name in ("mean", "error", "median", "at_least", "reached")}
    return plain | {"each": list(found.each)}


def _mean(found: Mean) -> dict[str, float | None]:
    return asdict(found)


def _curve(found: Curve) -> dict[str, list[float | None]]:
    names = {"experiments": "x", "mean": "mean", "deviation": "deviation", "q10": "low", "q90": "high"}
    return {name: _plain(getattr(found, field)) for name, field in names.items()}


def _plain(values: Floats) -> list[float | None]:
    numbers: list[float] = values.tolist()
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in numbers]


def runs_csv(summary: ReplaySummary) -> str:
    """A line for each run; empty cells where there is nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(RUN_COLUMNS)
    for one in summary.entries:
        writer.writerows(_line(judged, summary) for judged in one.runs)
        blank = [""] * (len(RUN_COLUMNS) - 4)
        writer.writerows((run.entry.learner, run.entry.workers, run.seed, *blank, run.error) for run in one.errors)
    return text.getvalue()


def _line(judged: Judged, summary: ReplaySummary) -> tuple[Any, ...]:
    run, share = judged.run, judged.share
    seconds = np.array(run.ask_s)
    ask = [f"{number:.6g}" for number in np.quantile(seconds, (0.5, 0.95)).tolist()] if seconds.size else ["", ""]
    return (
        run.entry.learner,
        run.entry.workers,
        run.seed,
        len(run.order),
        judged.n80,
        judged.first_top,
        judged.first_best,
        "" if share is None else f"{share:.6g}",
        "" if share is None else f"{share * summary.aim.points / EF_AT:.6g}",
        "" if judged.time is None else f"{judged.time:.6g}",
        *ask,
        run.problems,
        run.reason,
        "",
    )
