"""What the Bluesky documents of an attempt must be: whole runs, of an attempt that was made."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlite_utils import Database

from motet.store.queries import Record, select
from motet.store.records import Change


def runs(db: Database, campaign: str) -> Iterator[tuple[str, str]]:
    """Attempts whose documents are not those of whole runs, and why."""
    ended = _attempts(db, campaign)
    sql = (
        "SELECT experiment, attempt, sequence, name, uid,"
        " CASE WHEN json_valid(document) THEN json_extract(document, '$.run_start') END AS run FROM documents"
        " JOIN experiments ON experiments.id = documents.experiment WHERE campaign = :key"
        " ORDER BY number, attempt, sequence"
    )
    for (experiment, attempt), rows in groupby(select(db, sql, key=campaign), _owner):
        about = f"{experiment}, attempt {attempt}"
        if (experiment, attempt) not in ended:
            yield about, "has documents, but was never made"
            continue
        for what in _faults(list(rows), ended[experiment, attempt]):
            yield about, what


def _attempts(db: Database, campaign: str) -> Mapping[tuple[str, int], bool]:
    """Every attempt that was made, and whether it has ended."""
    sql = (
        "SELECT experiment, attempt, MAX(change <> :running) AS ended FROM transitions"
        " JOIN experiments ON experiments.id = transitions.experiment"
        " WHERE campaign = :key AND attempt > 0 GROUP BY experiment, attempt"
    )
    found = select(db, sql, key=campaign, running=Change.RUNNING)
    return {_owner(row): bool(row["ended"]) for row in found}


def _owner(row: Record) -> tuple[str, int]:
    return row["experiment"], row["attempt"]


def _faults(documents: Sequence[Record], ended: bool) -> Iterator[str]:
    if [row["sequence"] for row in documents] != list(range(len(documents))):
        yield "documents are missing between others"
    if documents[0]["name"] != "start":
        yield f"its documents begin with {documents[0]['name']}, not with start"
    starts = [row["uid"] for row in documents if row["name"] == "start"]
    stops = [row["run"] for row in documents if row["name"] == "stop"]
    yield from (f"run {uid} is there twice" for uid in _twice(starts))
    yield from (f"run {uid} has two ends" for uid in _twice(stops))
    yield from (f"has the end of run {uid}, not its start" for uid in set(stops) - set(starts))
    if ended:
        yield from (f"has ended, but its run {uid} has no stop" for uid in starts if uid not in stops)


def _twice(uids: Sequence[Any]) -> list[Any]:
    return [uid for uid in dict.fromkeys(uids) if uids.count(uid) > 1]
