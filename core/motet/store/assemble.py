"""From stored records to experiments, and from experiments to the figures of a campaign."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from motet.model.experiment import State, Suggestion
from motet.model.standing import Wanted, count_by_class
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
            loads(record["parameters"]),
            record["why"],
            record["score"],
            record["mean"],
            record["std"],
            record["suggestion"],
            record["problem"],
            loads(record["notes"]),
        ),
        values={} if record["values"] is None else loads(record["values"]),
        reason=record["reason"],
        station=record["station"],
        planned_s=next((t.at.elapsed for t in history if t.change is Change.PLANNED), 0.0),
        attempts=_attempts(history),
        ended_s=ended[-1] if ended else None,
        lost=bool(record["lost"]),
    )


def _attempts(history: Sequence[Transition]) -> tuple[Attempt, ...]:
    """A `running` opens an attempt, the next change of the experiment closes it."""
    attempts: list[Attempt] = []
    for transition in history:
        elapsed = transition.at.elapsed
        if attempts and attempts[-1].ended_s is None:
            attempts[-1] = replace(attempts[-1], ended_s=elapsed, reason=transition.reason)
        if transition.change is Change.RUNNING:
            station = transition.station or ""
            attempts.append(Attempt(transition.attempt, station, elapsed, stage=transition.stage))
    return tuple(attempts)


def best_of(rows: Iterable[ExperimentRow], wanted: Wanted) -> Best | None:
    """The best finished experiment by the first objective that meets the constraints on outcomes; the earlier one of
    equals. None when there is none, and for classes."""
    row = wanted.best(_done(rows), _values)
    return None if row is None else Best(row.id, row.number, row.parameters, wanted.first, row.values[wanted.first])


def front_of(rows: Iterable[ExperimentRow], wanted: Wanted) -> list[ExperimentRow]:
    """The Pareto front of the finished experiments that have all objectives and meet the constraints, the best by the
    first objective first; empty with one objective."""
    if not wanted.several:
        return []
    found = wanted.front(_done(rows), _values)
    merit = wanted.objectives[wanted.first].merit
    return sorted(found, key=lambda row: -merit(row.values[wanted.first]))


def counts_of(rows: Iterable[ExperimentRow], wanted: Wanted) -> dict[str, int]:
    """How many experiments found each class; empty when the first objective is a number."""
    values = [row.values[wanted.first] for row in _done(rows) if wanted.first in row.values]
    return count_by_class(wanted.classes, values) if wanted.classes else {}


def _done(rows: Iterable[ExperimentRow]) -> list[ExperimentRow]:
    return [row for row in rows if row.state is State.DONE]


def _values(row: ExperimentRow) -> Mapping[str, float]:
    return row.values


def wall_s(rows: Iterable[ExperimentRow]) -> float:
    """Seconds from the first dispatch to the last end of an attempt; 0 when none has ended."""
    attempts = [attempt for row in rows for attempt in row.attempts]
    ends = [attempt.ended_s for attempt in attempts if attempt.ended_s is not None]
    return max(ends) - min(attempt.started_s for attempt in attempts) if ends else 0.0


def busy_s(rows: Iterable[ExperimentRow]) -> float:
    """The sum of the times of all attempts that ended, seconds."""
    return sum(attempt.seconds or 0.0 for row in rows for attempt in row.attempts)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the records of one campaign have besides the columns that every campaign has.

    The columns of the learner, `suggestion.id`, `suggestion.problem` and `suggestion.note.NAME`, are there when an
    experiment has something in them; `NAME.class` names the class of an objective; `constraints.broken` is there with
    constraints on outcomes. No parameter or value can be called like that.
    """

    parameters: Sequence[str]
    values: Sequence[str]
    wanted: Wanted
    ids: bool
    problems: bool
    notes: Sequence[str]

    @classmethod
    def of(cls, rows: Sequence[ExperimentRow], parameters: Sequence[str], wanted: Wanted) -> "Columns":
        """Those of a campaign's experiments."""
        suggestions = [row.suggestion for row in rows]
        return cls(
            parameters,
            tuple(dict.fromkeys([*wanted.objectives, *wanted.constraints, *(n for row in rows for n in row.values)])),
            wanted,
            any(suggestion.id for suggestion in suggestions),
            any(suggestion.problem for suggestion in suggestions),
            tuple(dict.fromkeys(name for suggestion in suggestions for name in suggestion.notes)),
        )


def export_row(row: ExperimentRow, columns: Columns) -> dict[str, Any]:
    """A flat record: number, state, times, parameters, values, the learner's prediction, reasons, and what else the
    campaign has."""
    suggestion = row.suggestion
    before = (row.number, row.id, row.state.value, row.station, len(row.attempts), row.started_s, row.ended_s)
    after = (suggestion.score, suggestion.mean, suggestion.std, suggestion.why, row.reason)
    reserved = {*_BEFORE, *_AFTER}
    flat: dict[str, Any] = dict(zip(_BEFORE, before, strict=True))
    for name in columns.parameters:
        flat[f"parameter.{name}" if name in reserved else name] = row.parameters.get(name)
    for name in columns.values:
        flat[f"value.{name}" if name in reserved or name in columns.parameters else name] = row.values.get(name)
    return flat | dict(zip(_AFTER, after, strict=True)) | _more(row, columns)


def _more(row: ExperimentRow, columns: Columns) -> dict[str, Any]:
    suggestion, wanted = row.suggestion, columns.wanted
    found: dict[str, Any] = {}
    for name, objective in wanted.objectives.items():
        if objective.classes:
            found[f"{name}.class"] = objective.classes[int(row.values[name])] if name in row.values else None
    if wanted.constraints:
        broken = wanted.broken(row.values) if row.state is State.DONE else ()
        found["constraints.broken"] = " ".join(broken)
    if columns.ids:
        found["suggestion.id"] = suggestion.id
    if columns.problems:
        found["suggestion.problem"] = suggestion.problem
    return found | {f"suggestion.note.{name}": suggestion.notes.get(name) for name in columns.notes}
