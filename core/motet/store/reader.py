"""The store's reading face: safe beside a running writer, from any thread."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from motet.errors import NotFound
from motet.model.events import StationState
from motet.model.experiment import Document
from motet.model.queue import MODE, QueueMode
from motet.store import queries
from motet.store.assemble import Columns, export_row
from motet.store.connect import open_reader
from motet.store.encode import loads
from motet.store.queries import Record, find, select
from motet.store.rows import (
    CampaignChange,
    CampaignDetail,
    CampaignSummary,
    EventRow,
    ExperimentRow,
    Level,
    QuestionRow,
    QueueRow,
    StationChange,
    Transition,
)


class Reader:
    """Reads a store. Each call opens a read-only connection of its own and sees the last commit.

    A campaign is named by its id (`NAME-N`) or by its bare name, which means the newest of that name. Every
    method raises NotFound when there is no such store or campaign, StoreError when the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NotFound(f"{path}: no such store")
        self.path = path

    def campaigns(self) -> list[CampaignSummary]:
        """All campaigns, the oldest first."""
        with self.view() as db:
            records = select(db, "SELECT * FROM campaigns ORDER BY wall, serial")
            return [queries.summary(db, record) for record in records]

    def campaign(self, campaign: str) -> CampaignDetail:
        """One campaign with what it was made of."""
        with self.view() as db:
            return queries.detail(db, find(db, self.path, campaign))

    def newest(self, name: str, lab: str) -> CampaignDetail | None:
        """The newest campaign of that name in that lab, None when there is none."""
        with self.view() as db:
            found = queries.newest(db, name, lab)
            return None if found is None else queries.detail(db, find(db, self.path, found))

    def unfinished(self, name: str, lab: str) -> CampaignDetail | None:
        """The newest campaign of that name in that lab that has no end state, as a program leaves it that was killed;
        None when there is none. Whether its program still runs, the writer's lock tells: see `Store.open`."""
        with self.view() as db:
            found = queries.unfinished(db, name, lab)
            return None if found is None else queries.detail(db, find(db, self.path, found))

    def experiments(self, campaign: str) -> list[ExperimentRow]:
        """All experiments of a campaign by number."""
        with self.view() as db:
            return queries.experiments(db, find(db, self.path, campaign)["id"])

    def transitions(self, campaign: str) -> list[Transition]:
        """Everything that happened to a campaign's experiments, in the order it was stored."""
        with self.view() as db:
            return list(queries.transitions(db, find(db, self.path, campaign)["id"]))

    def story(self, campaign: str) -> list[Transition]:
        """What a campaign that goes on replays: everything that happened to all its experiments, in the order in which
        it became durable, which is the order in which the learner heard of outcomes."""
        return self.transitions(campaign)

    def last_elapsed(self, campaign: str) -> float:
        """Seconds since the campaign's start at which the last thing was stored: where the time of a campaign that goes
        on begins."""
        with self.view() as db:
            return queries.last_elapsed(db, find(db, self.path, campaign)["id"])

    def events(self, campaign: str) -> list[EventRow]:
        """What happened beside experiments, stations and the campaign's state, in the order it was stored."""
        with self.view() as db:
            return list(queries.events(db, find(db, self.path, campaign)["id"]))

    def queue(self, campaign: str) -> list[QueueRow]:
        """Experiments that people added, also those begun and cancelled, in the order of their positions."""
        with self.view() as db:
            return list(queries.queue(db, find(db, self.path, campaign)["id"]))

    def queue_mode(self, campaign: str) -> QueueMode:
        """When queued experiments are run, as somebody said last."""
        modes = [event.about for event in self.events(campaign) if event.kind == MODE]
        return QueueMode(modes[-1]) if modes else QueueMode.BEFORE

    def used(self, campaign: str) -> dict[str, float]:
        """By consumable, how much more of it there is than at the campaign's start: negative when it was used."""
        with self.view() as db:
            return queries.used(db, find(db, self.path, campaign)["id"])

    def levels(self, lab: str) -> dict[str, Level]:
        """By consumable, what there is of it in a lab, as counted under that name; empty where nothing was yet."""
        with self.view() as db:
            return queries.levels(db, lab)

    def station_changes(self, campaign: str) -> list[StationChange]:
        """Every change of a station's state, in the order it was stored."""
        with self.view() as db:
            sql = "SELECT * FROM station_changes WHERE campaign = :key ORDER BY id"
            return [
                StationChange(row["station"], StationState(row["state"]), row["cause"], queries.stamp(row))
                for row in select(db, sql, key=find(db, self.path, campaign)["id"])
            ]

    def is_settled(self, job: str) -> bool:
        """Whether it is stored how a job ended, by its id `CAMPAIGN/NUMBER/ATTEMPT`; also False for one that is not
        known."""
        experiment, _, attempt = job.rpartition("/")
        if not (attempt.isascii() and attempt.isdecimal()):
            return False
        with self.view() as db:
            return queries.is_settled(db, experiment, int(attempt))

    def campaign_changes(self, campaign: str) -> list[CampaignChange]:
        """Every change of the campaign's state, in the order it was stored."""
        with self.view() as db:
            return list(queries.campaign_changes(db, find(db, self.path, campaign)["id"]))

    def questions(self, campaign: str) -> list[QuestionRow]:
        """Everything that was asked of people, in the order in which it was."""
        with self.view() as db:
            return list(queries.questions(db, find(db, self.path, campaign)["id"]))

    def documents(self, experiment: str, attempt: int | None = None) -> list[Document]:
        """The Bluesky documents of an experiment, whose id is `CAMPAIGN/NUMBER`: of one attempt, or of all in
        turn."""
        with self.view() as db:
            if not list(select(db, "SELECT id FROM experiments WHERE id = :key", key=experiment)):
                raise NotFound(f"{self.path}: no experiment {experiment!r}; an id is CAMPAIGN/NUMBER")
            sql = (
                "SELECT name, document FROM documents WHERE experiment = :key"
                " AND (:attempt IS NULL OR attempt = :attempt) ORDER BY attempt, sequence"
            )
            found = select(db, sql, key=experiment, attempt=attempt)
            return [(record["name"], loads(record["document"])) for record in found]

    def files(self, campaign: str) -> dict[str, str]:
        """The text of every file that the campaign ran from, by its path."""
        with self.view() as db:
            sql = "SELECT path, text FROM campaign_files JOIN files USING (sha256) WHERE campaign = :key"
            found = select(db, f"{sql} ORDER BY path", key=find(db, self.path, campaign)["id"])
            return {record["path"]: record["text"] for record in found}

    def export_rows(self, campaign: str) -> Iterator[Record]:
        """Each experiment as a flat record for `motet.contracts.results.Exporter`; all have the same columns.
        A parameter or value named like a column before it gets the prefix `parameter.` or `value.`. What only some
        campaigns have stands behind, see `Columns`."""
        detail = self.campaign(campaign)
        rows = self.experiments(detail.summary.id)
        columns = Columns.of(rows, tuple(detail.parameters), detail.wanted)
        return (export_row(row, columns) for row in rows)

    @contextmanager
    def view(self) -> Generator[Database]:
        """One consistent view of the store, for what no other method tells."""
        connection = open_reader(self.path)
        try:
            connection.execute("BEGIN")
            yield Database(connection, recursive_triggers=False, execute_plugins=False)
        finally:
            connection.close()
