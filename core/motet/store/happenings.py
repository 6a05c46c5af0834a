"""The SQL behind what is no experiment's own story: events, the queue, what was used up, a campaign that goes on.

As in `statements`, values become JSON before anything is executed.
"""

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any

from motet.errors import StoreError
from motet.model.events import CampaignState
from motet.model.questions import QuestionState
from motet.model.queue import QueueEntry, QueueState
from motet.model.values import Point
from motet.store.encode import dumps
from motet.store.records import RESUMED, Stamp
from motet.store.statements import campaign_changed


def happened(
    db: Connection, campaign: str, kind: str, about: str, text: str, data: Mapping[str, Any], at: Stamp
) -> None:
    """Something happened that is no change of an experiment, a station or the campaign."""
    written = dumps(data)
    db.execute(
        "INSERT INTO events (campaign, kind, about, text, data, wall, elapsed) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (campaign, kind, about, text, written, at.wall, at.elapsed),
    )


def queued(db: Connection, campaign: str, entry: QueueEntry, at: Stamp) -> int:
    """Somebody adds an experiment. Gives the entry's number, which no other entry of the store has."""
    parameters = dumps(entry.parameters)
    cursor = db.execute(
        "INSERT INTO queue (campaign, position, parameters, why, who, state, wall, elapsed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (campaign, entry.position, parameters, entry.why, entry.who, QueueState.QUEUED, at.wall, at.elapsed),
    )
    number = cursor.lastrowid
    assert number is not None, "an INSERT has a row"
    return number


def queue_changed(
    db: Connection,
    campaign: str,
    number: int,
    position: float | None,
    parameters: Point | None,
    state: QueueState | None,
    experiment: str | None,
    at: Stamp,
) -> None:
    """An entry was moved, edited, begun or cancelled; what is None stays. Raises StoreError when there is none of that
    number, or it is not queued any more."""
    written = None if parameters is None else dumps(parameters)
    found = db.execute("SELECT state FROM queue WHERE id = ? AND campaign = ?", (number, campaign)).fetchone()
    if found is None:
        raise StoreError(f"{campaign}: the queue has no entry {number}")
    if found[0] != QueueState.QUEUED:
        raise StoreError(f"{campaign}: entry {number} of the queue is {found[0]}; only what is queued can be changed")
    db.execute(
        "UPDATE queue SET position = COALESCE(?, position), parameters = COALESCE(?, parameters),"
        " state = COALESCE(?, state), experiment = COALESCE(?, experiment), wall = ?, elapsed = ? WHERE id = ?",
        (position, written, state, experiment, at.wall, at.elapsed, number),
    )


def used(
    db: Connection,
    campaign: str | None,
    experiment: str | None,
    attempt: int,
    consumable: str,
    amount: float,
    unit: str,
    at: Stamp,
    lab: str,
    level: float | None,
    who: str,
) -> None:
    """A consumable became less (a negative amount) or more (refilled). `level` is what the lab has of it then."""
    db.execute(
        "INSERT INTO used (campaign, experiment, attempt, consumable, amount, unit, wall, elapsed, lab, level, who)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (campaign, experiment, attempt, consumable, float(amount), unit, at.wall, at.elapsed, lab, level, who),
    )


def resumed(db: Connection, campaign: str, at: Stamp) -> None:
    """A campaign goes on whose program ended in its midst. Nobody waits any more for an answer to what it asked. Raises
    StoreError when there is no such campaign."""
    found = db.execute("SELECT state FROM campaigns WHERE id = ?", (campaign,)).fetchone()
    if found is None:
        raise StoreError(f"no campaign {campaign!r} to go on with")
    text = f"goes on; it was {found[0]} when its program ended"
    happened(db, campaign, RESUMED, "", text, {"state": found[0]}, at)
    db.execute(
        "UPDATE questions SET state = ?, reason = ?, closed_wall = ?, closed_elapsed = ?"
        " WHERE campaign = ? AND state = ?",
        (
            QuestionState.WITHDRAWN,
            "the program that asked has ended",
            at.wall,
            at.elapsed,
            campaign,
            QuestionState.OPEN,
        ),
    )
    campaign_changed(db, campaign, CampaignState.STARTING, "goes on after its program ended", at)
