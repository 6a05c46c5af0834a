"""From stored records to experiments, and from experiments to the figures of a campaign."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from motet.model.experiment import State, Suggestion
from motet.model.objective import Objective
from motet.store.encode import loads
from motet.store.records import Change
from motet.store.rows import Attempt, Best, ExperimentRow, Transition

_BEFORE = ("number", "id", "state", "station", "attempts", "started_s", "ended_s")
_AFTER = ("score", "mean", "std", "why", "reason")


def experiment_rows(records: Iterable[Mapping[str, Any]], transitions: Iterable[Transition]) -> list[ExperimentRow]:
    """Experiments in the order of `records`, each with its transitions folded into attempts."""
    histories: defaultdict[str, list[Transition]] = defaultdict(list)
    for transition in transitions:
        histories[transition.experiment].append(transition)
    return [_row(record, histories[record["id"]]) for record in records]


def _row(record: Mapping[str, Any], history: Sequence[Transition]) -> ExperimentRow:
    ended = [t.at.elapsed for t in history if t.change in (Change.DONE, Change.FAILED)]
    return ExperimentRow(
        id=record["id"],
        number=record["number"],
        state=State(record["state"]),
        suggestion=Suggestion(
            loads(record["parameters"]), record["why"], record["score"], record["mean"], record["std"]
        ),
        values={} if record["values"] is None else loads(record["values"]),
        reason=record["reason"],
        station=record["station"],
        planned_s=next((t.at.elapsed for t in history if t.change is Change.PLANNED), 0.0),
        attempts=_attempts(history),
        ended_s=ended[-1] if ended else None,
    )


def _attempts(history: Sequence[Transition]) -> tuple[Attempt, ...]:
    """A `running` opens an attempt, the next change of the experiment closes it."""
    attempts: list[Attempt] = []
    for transition in history:
        elapsed = transition.at.elapsed
        if attempts and attempts[-1].ended_s is None:
            attempts[-1] = replace(attempts[-1], ended_s=elapsed, reason=transition.reason)
        if transition.change is Change.RUNNING:
            attempts.append(Attempt(transition.attempt, transition.station or "", elapsed))
    return tuple(attempts)


def best_of(rows: Iterable[ExperimentRow], objectives: Mapping[str, Objective]) -> Best | None:
    """The best finished experiment by the first objective; the earlier one of equals. None when there is
    none."""
    name, objective = next(iter(objectives.items()))
    best: Best | None = None
    for row in rows:
        value = row.values.get(name, math.nan)
        if row.state is not State.DONE or not math.isfinite(value):
            continue
        if best is None or objective.merit(value) > objective.merit(best.value):
            best = Best(row.id, row.number, row.parameters, name, value)
    return best


def wall_s(rows: Iterable[ExperimentRow]) -> float:
    """Seconds from the first dispatch to the last end of an attempt; 0 when none has ended."""
    attempts = [attempt for row in rows for attempt in row.attempts]
    ends = [attempt.ended_s for attempt in attempts if attempt.ended_s is not None]
    return max(ends) - min(attempt.started_s for attempt in attempts) if ends else 0.0


def busy_s(rows: Iterable[ExperimentRow]) -> float:
    """The sum of the times of all attempts that ended, seconds."""
    return sum(attempt.seconds or 0.0 for row in rows for attempt in row.attempts)


def export_row(row: ExperimentRow, parameters: Sequence[str], values: Sequence[str]) -> dict[str, Any]:
    """A flat record: number, state, times, parameters, values, the learner's prediction, reasons."""
    suggestion = row.suggestion
    before = (row.number, row.id, row.state.value, row.station, len(row.attempts), row.started_s, row.ended_s)
    after = (suggestion.score, suggestion.mean, suggestion.std, suggestion.why, row.reason)
    reserved = {*_BEFORE, *_AFTER}
    flat: dict[str, Any] = dict(zip(_BEFORE, before, strict=True))
    for name in parameters:
        flat[f"parameter.{name}" if name in reserved else name] = row.parameters.get(name)
    for name in values:
        flat[f"value.{name}" if name in reserved or name in parameters else name] = row.values.get(name)
    return flat | dict(zip(_AFTER, after, strict=True))
