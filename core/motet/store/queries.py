"""The SELECTs of the reading face, each giving plain typed values of one consistent view."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from sqlite_utils import Database

from motet.errors import NotFound
from motet.model.events import ENDS, CampaignState
from motet.model.experiment import State
from motet.model.objective import Objective, OutcomeConstraint
from motet.model.questions import AnswerForm, Closed, Question, QuestionState
from motet.model.queue import QueueEntry, QueueState
from motet.model.standing import Wanted
from motet.store.assemble import best_of, busy_s, counts_of, experiment_rows, front_of, wall_s
from motet.store.encode import loads
from motet.store.records import Change, Stamp
from motet.store.rows import (
    CampaignChange,
    CampaignDetail,
    CampaignSummary,
    EventRow,
    ExperimentRow,
    Level,
    QuestionRow,
    QueueRow,
    Transition,
)

Record = dict[str, Any]


def select(db: Database, sql: str, **values: object) -> Iterator[Record]:
    """The rows of a SELECT, each by column name."""
    return cast("Iterator[Record]", db.query(sql, values))


def find(db: Database, path: Path, campaign: str) -> Record:
    """The campaign of that id, or the newest of that name. Raises NotFound with the nearest name."""
    sql = "SELECT * FROM campaigns WHERE id = :key OR name = :key ORDER BY id = :key DESC, serial DESC LIMIT 1"
    for record in select(db, sql, key=campaign):
        return record
    records = select(db, "SELECT id, name FROM campaigns ORDER BY wall, serial")
    known: list[str] = [name for record in records for name in record.values()]
    near = get_close_matches(campaign, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(dict.fromkeys(known)) or 'none'}"
    raise NotFound(f"{path}: no campaign {campaign!r}; {hint}")


def summary(db: Database, record: Record) -> CampaignSummary:
    """A row of `campaigns` with its figures."""
    rows = experiments(db, record["id"])
    changes = list(campaign_changes(db, record["id"]))
    state = CampaignState(record["state"])
    wanted = Wanted(objectives(record), constraints(record))
    return CampaignSummary(
        id=record["id"],
        name=record["name"],
        lab=record["lab"],
        state=state,
        reason=record["reason"],
        started=record["wall"],
        ended=changes[-1].at.wall if changes and state in ENDS else None,
        experiments=len(rows),
        done=sum(row.state is State.DONE for row in rows),
        failed=sum(row.state is State.FAILED for row in rows),
        best=best_of(rows, wanted),
        wall_s=wall_s(rows),
        busy_s=busy_s(rows),
        front=tuple(row.number for row in front_of(rows, wanted)),
        counts=counts_of(rows, wanted),
    )


def detail(db: Database, record: Record) -> CampaignDetail:
    """A row of `campaigns` with what the campaign was made of."""
    versions = select(db, "SELECT * FROM versions WHERE campaign = :key", key=record["id"])
    return CampaignDetail(
        summary(db, record),
        record["seed"],
        tuple(loads(record["stations"])),
        objectives(record),
        loads(record["parameters"]),
        {version["distribution"]: version["version"] for version in versions},
        constraints(record),
    )


def experiments(db: Database, campaign: str) -> list[ExperimentRow]:
    """All experiments by number."""
    sql = (
        "SELECT experiments.*, score, mean, std, why, suggestion, problem, notes FROM experiments"
        " JOIN suggestions ON suggestions.experiment = experiments.id WHERE campaign = :key ORDER BY number"
    )
    return experiment_rows(select(db, sql, key=campaign), transitions(db, campaign))


def transitions(db: Database, campaign: str) -> Iterator[Transition]:
    """Everything that happened to the experiments, in the order stored."""
    sql = (
        "SELECT transitions.* FROM transitions JOIN experiments ON experiments.id = transitions.experiment"
        " WHERE campaign = :key ORDER BY transitions.id"
    )
    for found in select(db, sql, key=campaign):
        yield Transition(
            found["experiment"],
            Change(found["change"]),
            found["station"],
            found["attempt"],
            found["reason"],
            stamp(found),
            found["stage"],
        )


def campaign_changes(db: Database, campaign: str) -> Iterator[CampaignChange]:
    """Every change of the campaign's state, in the order stored."""
    for found in select(db, "SELECT * FROM campaign_changes WHERE campaign = :key ORDER BY id", key=campaign):
        yield CampaignChange(CampaignState(found["state"]), found["reason"], stamp(found))


def questions(db: Database, campaign: str) -> Iterator[QuestionRow]:
    """Everything that was asked of people, with the experiments that waited."""
    sql = (
        "SELECT questions.*, experiments.number AS experiment_number, experiments.parameters FROM questions"
        " LEFT JOIN experiments ON experiments.id = questions.experiment"
        " WHERE questions.campaign = :key ORDER BY questions.number"
    )
    for found in select(db, sql, key=campaign):
        form = AnswerForm.model_validate(loads(found["form"]))
        answer = None if found["answer"] is None else form.check(loads(found["answer"]))
        ended = None if found["closed_wall"] is None else Stamp(found["closed_wall"], found["closed_elapsed"])
        yield QuestionRow(
            found["number"],
            Question(found["device"], found["text"], form, found["within"]),
            found["experiment_number"],
            {} if found["parameters"] is None else loads(found["parameters"]),
            Closed(QuestionState(found["state"]), answer, found["reason"]),
            stamp(found),
            ended,
        )


def events(db: Database, campaign: str) -> Iterator[EventRow]:
    """What happened beside experiments, in the order stored."""
    for found in select(db, "SELECT * FROM events WHERE campaign = :key ORDER BY id", key=campaign):
        yield EventRow(found["kind"], found["about"], found["text"], loads(found["data"]), stamp(found))


def queue(db: Database, campaign: str) -> Iterator[QueueRow]:
    """Experiments that people added, in the order in which they are begun."""
    for found in select(db, "SELECT * FROM queue WHERE campaign = :key ORDER BY position, id", key=campaign):
        entry = QueueEntry(loads(found["parameters"]), found["why"], found["who"], found["position"])
        yield QueueRow(found["id"], entry, QueueState(found["state"]), found["experiment"], stamp(found))


def used(db: Database, campaign: str) -> dict[str, float]:
    """The sum of each consumable's changes."""
    sql = "SELECT consumable, SUM(amount) AS amount FROM used WHERE campaign = :key GROUP BY consumable"
    return {found["consumable"]: found["amount"] for found in select(db, sql, key=campaign)}


def levels(db: Database, lab: str) -> dict[str, Level]:
    """The last level of each consumable that is counted under a lab's name."""
    sql = (
        "SELECT consumable, level, unit, wall, who, campaign FROM used"
        " WHERE id IN (SELECT MAX(id) FROM used WHERE lab = :lab GROUP BY consumable) ORDER BY consumable"
    )
    return {
        found["consumable"]: Level(
            found["level"], found["unit"], found["wall"], found["who"] or found["campaign"] or ""
        )
        for found in select(db, sql, lab=lab)
    }


def last_elapsed(db: Database, campaign: str) -> float:
    """The latest moment that anything of a campaign was stored at, seconds since its start."""
    own = ("campaign_changes", "station_changes", "events", "queue", "used", "questions")
    parts = [f"SELECT MAX(elapsed) AS latest FROM {table} WHERE campaign = :key" for table in own]  # noqa: S608 - ours
    parts += [
        "SELECT MAX(closed_elapsed) FROM questions WHERE campaign = :key",
        "SELECT MAX(elapsed) FROM transitions JOIN experiments ON experiments.id = experiment WHERE campaign = :key",
    ]
    (found,) = select(db, f"SELECT MAX(latest) AS latest FROM ({' UNION ALL '.join(parts)})", key=campaign)  # noqa: S608
    return 0.0 if found["latest"] is None else found["latest"]


def is_settled(db: Database, experiment: str, attempt: int) -> bool:
    """Whether it is stored how an attempt at an experiment ended."""
    sql = (
        "SELECT 1 FROM transitions WHERE experiment = :experiment AND attempt = :attempt"
        " AND change NOT IN (:planned, :running) LIMIT 1"
    )
    found = select(
        db, sql, experiment=experiment, attempt=attempt, planned=Change.PLANNED.value, running=Change.RUNNING.value
    )
    return next(found, None) is not None


def newest(db: Database, name: str, lab: str) -> str | None:
    """The id of the newest campaign of that name and lab."""
    sql = "SELECT id FROM campaigns WHERE name = :name AND lab = :lab ORDER BY serial DESC LIMIT 1"
    return next((record["id"] for record in select(db, sql, name=name, lab=lab)), None)


def unfinished(db: Database, name: str, lab: str) -> str | None:
    """The id of the newest campaign of that name and lab that has no end state."""
    sql = "SELECT id, state FROM campaigns WHERE name = :name AND lab = :lab ORDER BY serial DESC"
    found = select(db, sql, name=name, lab=lab)
    return next((record["id"] for record in found if CampaignState(record["state"]) not in ENDS), None)


def objectives(record: Mapping[str, Any]) -> dict[str, Objective]:
    """The objectives of a row of `campaigns`."""
    return {name: Objective.model_validate(fields) for name, fields in loads(record["objectives"]).items()}


def constraints(record: Mapping[str, Any]) -> dict[str, OutcomeConstraint]:
    """The constraints on outcomes of a row of `campaigns`."""
    return {name: OutcomeConstraint.model_validate(one) for name, one in loads(record["constraints"]).items()}


def stamp(found: Mapping[str, Any]) -> Stamp:
    """When a stored change happened."""
    return Stamp(found["wall"], found["elapsed"])
