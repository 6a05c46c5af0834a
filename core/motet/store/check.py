"""Whether a store is sound: SQLite's own checks of the file, then what must be true of every campaign.

All of it reads one consistent view, so that a campaign may run meanwhile.
"""

import hashlib
import math
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from motet.model.events import CampaignState
from motet.model.experiment import State
from motet.model.queue import QueueState
from motet.store.queries import Record, select
from motet.store.reader import Reader
from motet.store.runs import runs
from motet.store.stories import stories

See = Callable[[int, int], object]
"""Called with how much is done, and how much there is."""

_JSON = {
    "campaigns": ("stations", "objectives", "parameters", "constraints"),
    "experiments": ("parameters", "values"),
    "suggestions": ("notes",),
    "documents": ("document",),
    "questions": ("form", "answer"),
    "events": ("data",),
    "queue": ("parameters",),
}
_EXACT = 1e-9
"""To which levels have to agree; adding up rounds."""
_ENDED = (CampaignState.FINISHED, CampaignState.STOPPED, CampaignState.ABORTED)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be: what it is about (an experiment, a file, a table), and what is wrong with it."""

    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.about}: {self.what}"


def check_store(path: Path, see: See = lambda done, total: None) -> list[Finding]:
    """Everything that is wrong with a store; empty for a sound one. Raises NotFound, and StoreError for a file that
    cannot be read as a store of this Motet at all."""
    with Reader(path).view() as db:
        try:
            found = [Finding(path.name, f"damaged: {what}") for what in damage(db.conn)]
            if found:
                return [*found, Finding(path.name, "is damaged, so nothing else was checked")]
            campaigns = list(select(db, "SELECT * FROM campaigns ORDER BY wall, serial"))
            total = len(campaigns) + 2
            see(1, total)
            findings = [*_references(db), *_json(db), *_files(db), *_levels(db)]
            see(2, total)
            for done, campaign in enumerate(campaigns, 3):
                findings += [Finding(about, what) for about, what in _campaign(db, campaign)]
                see(done, total)
        except sqlite3.Error as error:
            return [Finding(path.name, f"cannot be read: {error}")]
    return findings


def damage(connection: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with a file; empty when it is sound."""
    found: list[str] = []
    try:
        found.extend(what for (what,) in connection.execute("PRAGMA integrity_check") if what != "ok")
    except sqlite3.DatabaseError as error:  # so damaged that the check itself comes to an end
        found.append(str(error))
    return found


def _references(db: Database) -> Iterator[Finding]:
    for table, row, parent, _ in db.execute("PRAGMA foreign_key_check"):
        yield Finding(table, f"row {row} belongs to something that is not in {parent}")


def _json(db: Database) -> Iterator[Finding]:
    for table, columns in _JSON.items():
        for column in columns:
            sql = f'SELECT rowid FROM {table} WHERE "{column}" IS NOT NULL AND NOT json_valid("{column}")'  # noqa: S608
            for (row,) in db.execute(sql):
                yield Finding(table, f"row {row}: {column} is no JSON")


def _files(db: Database) -> Iterator[Finding]:
    for digest, text in db.execute("SELECT sha256, text FROM files"):
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            paths = [path for (path,) in db.execute("SELECT path FROM campaign_files WHERE sha256 = ?", [digest])]
            yield Finding(", ".join(dict.fromkeys(paths)) or "files", f"its text is not that of its sha256 {digest}")


def _levels(db: Database) -> Iterator[Finding]:
    """What is left of consumables follows from what was used and filled up."""
    sql = "SELECT lab, consumable, amount, unit, level FROM used WHERE lab != '' ORDER BY lab, consumable, id"
    last: Record = {"lab": "", "consumable": "", "unit": "", "level": 0.0}
    for row in select(db, sql):
        same = (row["lab"], row["consumable"]) == (last["lab"], last["consumable"])
        before = last["level"] if same else 0.0
        about = f"{row['consumable']} of the lab {row['lab']}"
        if row["level"] is None:
            yield Finding(about, "nothing is stored of how much is left")
            return
        counted = not same or row["unit"] == last["unit"]
        if counted and not math.isclose(row["level"], before + row["amount"], rel_tol=_EXACT, abs_tol=_EXACT):
            yield Finding(about, f"{row['level']:g} are left after {before:g} and a change of {row['amount']:g}")
        last = row


def _campaign(db: Database, campaign: Record) -> Iterator[tuple[str, str]]:
    key: str = campaign["id"]
    yield from _state(db, campaign)
    yield from _experiments(db, key, campaign["state"])
    yield from stories(db, key)
    yield from runs(db, key)
    yield from _queue(db, key)
    for found in select(
        db,
        "SELECT consumable, COUNT(DISTINCT unit) AS units FROM used"  # where a lab counts it, its level is converted
        " WHERE campaign = :key AND lab = '' GROUP BY consumable",
        key=key,
    ):
        if found["units"] > 1:
            yield key, f"{found['consumable']} is counted in {found['units']} units"


def _state(db: Database, campaign: Record) -> Iterator[tuple[str, str]]:
    sql = "SELECT state, reason FROM campaign_changes WHERE campaign = :key ORDER BY id DESC LIMIT 1"
    last = next(select(db, sql, key=campaign["id"]), None)
    if campaign["state"] not in set(CampaignState):
        yield campaign["id"], f"is {campaign['state']!r}, which no campaign can be"
    if last is None:
        yield campaign["id"], "nothing is stored of how it came to its state"
    elif (last["state"], last["reason"]) != (campaign["state"], campaign["reason"]):
        yield campaign["id"], f"is {campaign['state']}, but was last changed to {last['state']}"


def _experiments(db: Database, campaign: str, state: str) -> Iterator[tuple[str, str]]:
    sql = (
        'SELECT id, number, state, "values", suggestions.experiment AS suggested FROM experiments'
        " LEFT JOIN suggestions ON suggestions.experiment = experiments.id WHERE campaign = :key ORDER BY number"
    )
    expected = 1
    for row in select(db, sql, key=campaign):
        if row["number"] != expected:
            yield row["id"], f"its number follows {expected - 1}: there is a gap"
        expected = row["number"] + 1
        if row["id"] != f"{campaign}/{row['number']}":
            yield row["id"], f"is number {row['number']} of {campaign}"
        if row["suggested"] is None:
            yield row["id"], "nothing is stored of why it was suggested"
        if row["state"] == State.DONE and row["values"] in (None, "{}"):
            yield row["id"], "is done, without a value"
        if state in _ENDED and row["state"] not in (State.DONE, State.FAILED):
            yield row["id"], f"is {row['state']}, but its campaign is {state}"


def _queue(db: Database, campaign: str) -> Iterator[tuple[str, str]]:
    sql = (
        "SELECT queue.id AS number, queue.state, queue.experiment, experiments.campaign AS owner FROM queue"
        " LEFT JOIN experiments ON experiments.id = queue.experiment WHERE queue.campaign = :key"
    )
    for row in select(db, sql, key=campaign):
        about = f"{campaign}, entry {row['number']} of its queue"
        if (row["state"] == QueueState.BEGUN) != (row["experiment"] is not None):
            yield about, f"is {row['state']}, with {row['experiment'] or 'no experiment'}"
        elif row["experiment"] is not None and row["owner"] != campaign:
            yield about, f"began as {row['experiment']}, which is of another campaign"
