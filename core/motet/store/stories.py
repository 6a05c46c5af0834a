"""What the transitions of an experiment must be: a story that can have happened, with one end at most."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from sqlite_utils import Database

from motet.model.experiment import State
from motet.model.queue import TOLD_ID
from motet.store.queries import Record, select
from motet.store.records import Change

FOLLOWS = {
    "": (Change.PLANNED,),
    Change.PLANNED: (Change.RUNNING, Change.DONE, Change.FAILED),
    Change.RUNNING: (Change.STAGED, Change.RETRIED, Change.DONE, Change.FAILED),
    Change.STAGED: (Change.RUNNING, Change.FAILED),
    Change.RETRIED: (Change.RUNNING, Change.FAILED),
    Change.DONE: (),
    Change.FAILED: (),
}
"""What may come after what; an experiment that waits for another try or stage may be given up, and only a result that
nobody asked for is done without having run."""
_STATES = {
    Change.PLANNED: State.PLANNED,
    Change.RUNNING: State.RUNNING,
    Change.STAGED: State.RUNNING,
    Change.RETRIED: State.RUNNING,
    Change.DONE: State.DONE,
    Change.FAILED: State.FAILED,
}


def stories(db: Database, campaign: str) -> Iterator[tuple[str, str]]:
    """Experiments whose transitions cannot have happened, or do not give the state they are in, and why."""
    sql = (
        "SELECT experiments.id AS about, state, attempts, COALESCE(suggestion, '') AS suggestion, change,"
        " attempt, elapsed FROM experiments LEFT JOIN suggestions ON suggestions.experiment = experiments.id"
        " LEFT JOIN transitions ON transitions.experiment = experiments.id"
        " WHERE campaign = :key ORDER BY number, transitions.id"
    )
    for about, rows in groupby(select(db, sql, key=campaign), lambda row: str(row["about"])):
        for what in _faults(list(rows)):
            yield about, what


def _faults(story: Sequence[Record]) -> Iterator[str]:
    """What is wrong with the rows of one experiment; the first break of the order hides those behind it."""
    if story[0]["change"] is None:
        yield "nothing is stored of what happened to it"
        return
    before, attempt, elapsed = "", 0, story[0]["elapsed"]
    for row in story:
        if row["change"] not in FOLLOWS[before]:
            allowed = ", ".join(FOLLOWS[before]) or "nothing"
            yield f"{row['change']} follows {before or 'nothing'}; allowed is {allowed}"
            return
        if (before, row["change"]) == (Change.PLANNED, Change.DONE) and not row["suggestion"].startswith(TOLD_ID):
            yield "is done, but never ran"
            return
        attempt += row["change"] == Change.RUNNING
        if row["attempt"] != attempt:
            yield f"{row['change']} as attempt {row['attempt']}, which is its {attempt}."
            return
        if row["elapsed"] < elapsed:
            yield f"{row['change']} at {row['elapsed']:g} s, before {before} at {elapsed:g} s"
        before, elapsed = row["change"], row["elapsed"]
    state, attempts = story[0]["state"], story[0]["attempts"]
    if state != _STATES[Change(before)]:
        yield f"is {state}, but was last {before}"
    if attempts != attempt:
        yield f"is said to have {attempts} attempts, but has {attempt}"
