"""The SQL behind each call of `Store`, run in the writer's thread inside its transaction.

Each function turns its values into JSON before it executes anything: a value that cannot be stored
(StoreError) then fails that call alone and leaves the transaction as it was.
"""

import hashlib
from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import Any

from motet.model.events import CampaignState, StationState
from motet.model.experiment import Document, Experiment, Outcome, State
from motet.model.questions import Asked, Closed, QuestionState
from motet.store.encode import dumps
from motet.store.records import CampaignRecord, Change, Stamp


def new_campaign(db: Connection, record: CampaignRecord) -> str:
    """Store a campaign with its files and versions; its id is `NAME-N`."""
    columns = [dumps(part) for part in (record.stations, record.objectives, record.parameters, record.constraints)]
    query = "SELECT COALESCE(MAX(serial), 0) + 1 FROM campaigns WHERE name = ?"
    (serial,) = db.execute(query, (record.name,)).fetchone()
    campaign = f"{record.name}-{serial}"
    db.execute(
        "INSERT INTO campaigns"
        " (id, name, serial, lab, seed, stations, objectives, parameters, constraints, state, reason, wall)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?)",
        (
            campaign,
            record.name,
            serial,
            record.lab,
            record.seed,
            *columns,
            CampaignState.STARTING,
            record.at.wall,
        ),
    )
    _campaign_change(db, campaign, CampaignState.STARTING, "", record.at)
    db.executemany(
        "INSERT INTO versions (campaign, distribution, version) VALUES (?, ?, ?)",
        [(campaign, distribution, version) for distribution, version in record.versions.items()],
    )
    _files(db, campaign, record.files)
    return campaign


def _files(db: Connection, campaign: str, files: Mapping[str, str]) -> None:
    """Each text is stored once, however many campaigns ran it."""
    digests = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()}
    db.executemany(
        "INSERT OR IGNORE INTO files (sha256, text) VALUES (?, ?)",
        [(digests[path], text) for path, text in files.items()],
    )
    db.executemany(
        "INSERT INTO campaign_files (campaign, path, sha256) VALUES (?, ?, ?)",
        [(campaign, path, digest) for path, digest in digests.items()],
    )


def planned(db: Connection, experiment: Experiment, at: Stamp) -> None:
    """Store an experiment with the learner's reason for it."""
    parameters = dumps(experiment.parameters)
    suggestion = experiment.suggestion
    notes = dumps(suggestion.notes)
    db.execute(
        "INSERT INTO experiments (id, campaign, number, state, parameters, reason, attempts)"
        " VALUES (?, ?, ?, ?, ?, '', 0)",
        (experiment.id, experiment.campaign, experiment.number, State.PLANNED, parameters),
    )
    db.execute(
        "INSERT INTO suggestions (experiment, score, mean, std, why, suggestion, problem, notes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            experiment.id,
            _number(suggestion.score),
            _number(suggestion.mean),
            _number(suggestion.std),
            suggestion.why,
            suggestion.id,
            suggestion.problem,
            notes,
        ),
    )
    _transition(db, experiment.id, Change.PLANNED, None, 0, "", at)


def running(db: Connection, experiment: Experiment, station: str, attempt: int, at: Stamp, stage: str) -> None:
    """The experiment was dispatched to a station."""
    db.execute(
        "UPDATE experiments SET state = ?, station = ?, attempts = ? WHERE id = ?",
        (State.RUNNING, station, attempt, experiment.id),
    )
    _transition(db, experiment.id, Change.RUNNING, station, attempt, "", at, stage)


def staged(db: Connection, experiment: Experiment, station: str, at: Stamp, stage: str) -> None:
    """A stage is done and another one follows."""
    _transition(db, experiment.id, Change.STAGED, station, _attempts(db, experiment), "", at, stage)


def retried(db: Connection, experiment: Experiment, station: str, reason: str, at: Stamp, stage: str) -> None:
    """An attempt failed and another one follows."""
    _transition(db, experiment.id, Change.RETRIED, station, _attempts(db, experiment), reason, at, stage)


def documents(db: Connection, experiment: Experiment, attempt: int, added: Sequence[Document]) -> None:
    """Bluesky documents of one attempt, after those that are there. One that is there, by its uid, is not stored again:
    a station delivers a result until it knows that it has come."""
    if not added:
        return
    query = "SELECT uid FROM documents WHERE experiment = ? AND attempt = ?"
    there = [uid for (uid,) in db.execute(query, (experiment.id, attempt))]
    known = {uid for uid in there if uid is not None}
    texts = [(name, _uid(document), dumps(document)) for name, document in added]
    new = [(name, uid, text) for name, uid, text in texts if uid not in known]
    db.executemany(
        "INSERT INTO documents (experiment, attempt, sequence, name, uid, document) VALUES (?, ?, ?, ?, ?, ?)",
        [(experiment.id, attempt, sequence, *row) for sequence, row in enumerate(new, len(there))],
    )


def _uid(document: Mapping[str, Any]) -> str | None:
    uid = document.get("uid")
    return uid if isinstance(uid, str) else None


def ended(db: Connection, outcome: Outcome, station: str, at: Stamp) -> None:
    """The experiment is done with its values, or failed with its reason."""
    values = dumps(outcome.values)
    experiment = outcome.experiment
    db.execute(
        'UPDATE experiments SET state = ?, "values" = ?, reason = ?, lost = ? WHERE id = ?',
        (outcome.state, values, outcome.reason, outcome.lost, experiment.id),
    )
    change = Change(outcome.state)
    _transition(db, experiment.id, change, station or None, _attempts(db, experiment), outcome.reason, at)


def station_changed(db: Connection, campaign: str, station: str, state: StationState, cause: str, at: Stamp) -> None:
    """A station's state changed."""
    db.execute(
        "INSERT INTO station_changes (campaign, station, state, cause, wall, elapsed) VALUES (?, ?, ?, ?, ?, ?)",
        (campaign, station, state, cause, at.wall, at.elapsed),
    )


def asked(db: Connection, campaign: str, asked: Asked, at: Stamp) -> None:
    """A step asks a person."""
    question, experiment = asked.question, asked.experiment
    form = dumps(question.form.model_dump(exclude_defaults=True))
    db.execute(
        "INSERT INTO questions"
        " (campaign, number, device, experiment, text, form, within, state, reason, wall, elapsed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?)",
        (
            campaign,
            asked.number,
            question.device,
            None if experiment is None else experiment.id,
            question.text,
            form,
            question.within,
            QuestionState.OPEN,
            at.wall,
            at.elapsed,
        ),
    )


def question_closed(db: Connection, campaign: str, number: int, closed: Closed, at: Stamp) -> None:
    """A question was answered, or is withdrawn."""
    answer = None if closed.answer is None else dumps(closed.answer)
    db.execute(
        "UPDATE questions SET state = ?, answer = ?, reason = ?, closed_wall = ?, closed_elapsed = ?"
        " WHERE campaign = ? AND number = ?",
        (closed.state, answer, closed.reason, at.wall, at.elapsed, campaign, number),
    )


def campaign_changed(db: Connection, campaign: str, state: CampaignState, reason: str, at: Stamp) -> None:
    """The campaign's state changed."""
    db.execute("UPDATE campaigns SET state = ?, reason = ? WHERE id = ?", (state, reason, campaign))
    _campaign_change(db, campaign, state, reason, at)


def _campaign_change(db: Connection, campaign: str, state: CampaignState, reason: str, at: Stamp) -> None:
    db.execute(
        "INSERT INTO campaign_changes (campaign, state, reason, wall, elapsed) VALUES (?, ?, ?, ?, ?)",
        (campaign, state, reason, at.wall, at.elapsed),
    )


def _transition(
    db: Connection,
    experiment: str,
    change: Change,
    station: str | None,
    attempt: int,
    reason: str,
    at: Stamp,
    stage: str = "",
) -> None:
    db.execute(
        "INSERT INTO transitions (experiment, change, station, attempt, reason, stage, wall, elapsed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (experiment, change, station, attempt, reason, stage, at.wall, at.elapsed),
    )


def _attempts(db: Connection, experiment: Experiment) -> int:
    row = db.execute("SELECT attempts FROM experiments WHERE id = ?", (experiment.id,)).fetchone()
    return 0 if row is None else row[0]


def _number(value: float | None) -> float | None:
    """A plain float: sqlite3 does not know numpy's other scalars."""
    return None if value is None else float(value)
