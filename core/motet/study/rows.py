"""A trial's result as a row of a table, and back.

Times and values are a blob of IEEE 754 doubles each, little-endian: exact, and half the size of the same numbers as
text. An experiment without a value is a NaN there; a NaN cannot be a value.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlite_utils import Database

from motet.errors import StoreError
from motet.store.connect import Kind
from motet.store.encode import dumps, loads
from motet.study.question import key
from motet.study.result import Trial, TrialResult

_DOUBLES = np.dtype("<f8")

COLUMNS = (
    "combination",
    "seed",
    "state",
    "reason",
    "reached",
    "stations",
    "attempts",
    "ended_s",
    "measured",
    "wall_s",
    "busy_s",
    "learner_s",
    "cost",
    "consumed",
    "error",
)


def _first(db: Database) -> None:
    db.table("meta").create({"name": str, "value": str}, pk="name", not_null={"value"})
    types = {
        **dict.fromkeys(("combination", "state", "reason", "consumed", "error"), str),
        **dict.fromkeys(("seed", "reached", "stations", "attempts"), int),
        **dict.fromkeys(("wall_s", "busy_s", "learner_s", "cost"), float),
        **dict.fromkeys(("ended_s", "measured"), bytes),
    }
    columns = {name: types[name] for name in COLUMNS}
    db.table("trials").create({"id": int, **columns}, pk="id", not_null=set(COLUMNS) - {"cost"})
    db.table("trials").create_index(["combination", "seed"], unique=True)


STUDY = Kind("study", 0x4D4F5453, (_first,))
"""SQLite's mark of a study: `MOTS`."""


def row(result: TrialResult) -> tuple[Any, ...]:
    """A value for each of `COLUMNS`. Raises StoreError for a value or a time that is no number."""
    where = f"{result.trial.label}, seed {result.trial.seed}"
    if any(value is not None and math.isnan(value) for value in result.values):
        raise StoreError(f"{where}: a value is NaN; an experiment without a value has None")
    if len(result.values) != len(result.ended_s):
        raise StoreError(f"{where}: {len(result.ended_s)} experiments ended, but there are {len(result.values)} values")
    return (
        key(result.trial.combination),
        result.trial.seed,
        result.state,
        result.reason,
        result.reached,
        result.stations,
        result.attempts,
        _packed(result.ended_s),
        _packed([math.nan if value is None else value for value in result.values]),
        result.wall_s,
        result.busy_s,
        result.learner_s,
        result.cost,
        dumps(result.consumed),
        result.error,
    )


def result(row: Sequence[Any]) -> TrialResult:
    """What was stored in `COLUMNS`."""
    found = dict(zip(COLUMNS, row, strict=True))
    return TrialResult(
        trial=Trial(loads(found.pop("combination")), found.pop("seed")),
        reached=bool(found.pop("reached")),
        ended_s=tuple(_unpacked(found.pop("ended_s"))),
        values=tuple(None if math.isnan(value) else value for value in _unpacked(found.pop("measured"))),
        consumed=loads(found.pop("consumed")),
        **found,
    )


def _packed(numbers: Sequence[float]) -> bytes:
    return np.asarray(numbers, dtype=_DOUBLES).tobytes()


def _unpacked(blob: bytes) -> list[float]:
    return np.frombuffer(blob, dtype=_DOUBLES).tolist()
