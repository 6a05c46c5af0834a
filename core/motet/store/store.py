"""The store's writing face on the event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Concatenate, ParamSpec, TypeVar

from motet.errors import StoreError
from motet.model.events import CampaignState, StationState
from motet.model.experiment import Document, Experiment, Outcome
from motet.model.questions import Asked, Closed
from motet.model.queue import QueueEntry, QueueState
from motet.model.values import Point
from motet.store import happenings, statements
from motet.store.prompt import NoWriter, PromptWriter
from motet.store.records import CampaignRecord, Stamp
from motet.store.trouble import StoreTrouble
from motet.store.writer import Writer

P = ParamSpec("P")
R = TypeVar("R")


class Store:
    """The one writer of a store.

    Every call is queued at once, in the order of the calls, and gives an awaitable that is done when that
    write is on the disk. What is queued together is committed together: to await the last of several calls is
    enough, and costs one commit. Do not change what you passed in until then.

    What is called in one turn of the event loop is stored as a whole or not at all. While the disk is full, read-only,
    locked by another program or out of order, writes wait and are tried again, and whoever awaits them waits with them:
    see `on_trouble`. After a write that failed for good (the file is damaged, a defect) nothing more is written: that
    call and all later ones raise StoreError; what was acknowledged stays stored.
    """

    def __init__(self, writer: Writer | PromptWriter | NoWriter) -> None:
        """Use `Store.open`."""
        self._writer = writer
        self._closing = False

    @classmethod
    async def open(cls, path: Path, waiting: Callable[[StoreTrouble | None], object] | None = None) -> "Store":
        """Open or make the store at `path`, folders too. Raises StoreError for a file that is not a store,
        one of a newer Motet, one that another process is writing to, and one that is read-only.

        A disk without room, and another program's lock, are refused as well, unless there is somebody to tell of it:
        `waiting` is called as by `on_trouble`, and until it can be opened, or the caller is cancelled, it is tried
        again.
        """
        writer = Writer(path, waiting=waiting)
        try:
            await writer.opened
        except asyncio.CancelledError:
            writer.stop()
            raise
        return cls(writer)

    @classmethod
    def prompt(cls, path: Path | None) -> "Store":
        """For simulated campaigns: every call is carried out at once in this thread, and committed with many others.

        Keeps nothing at all without a path. Raises StoreError as `open` does.
        """
        return cls(NoWriter() if path is None else PromptWriter(path))

    async def close(self) -> None:
        """Write what is queued and close; once closed, nothing more. While the disk is in trouble it is tried once
        more. Raises StoreError the first time when writes were not stored, with their number."""
        first, self._closing = not self._closing, True
        if first:
            self._writer.stop()
        await asyncio.wait([self._writer.closed])  # `await closed` would be cancelled with its caller
        if first:
            self._writer.closed.result()

    def on_trouble(self, listener: Callable[[StoreTrouble | None], object]) -> None:
        """Call it on the event loop when writing has to wait, when the cause becomes another one, and with None when
        it goes on; soon, when it has to wait already. Never called by a store for simulated campaigns, where a write
        that fails is final."""
        self._writer.on_trouble(listener)

    def new_campaign(self, record: CampaignRecord) -> Awaitable[str]:
        """A campaign starts. Gives its id `NAME-N`; N counts the campaigns of that name in this store."""
        return self._put(statements.new_campaign, record)

    def planned(self, experiment: Experiment, at: Stamp) -> Awaitable[None]:
        """An experiment is going to run."""
        return self._put(statements.planned, experiment, at)

    def running(
        self, experiment: Experiment, station: str, attempt: int, at: Stamp, stage: str = ""
    ) -> Awaitable[None]:
        """An experiment is dispatched to a station, for the first time as attempt 1. Attempts are counted through all
        its stages, so that a run's documents belong to one of them."""
        return self._put(statements.running, experiment, station, attempt, at, stage)

    def staged(self, experiment: Experiment, station: str, at: Stamp, stage: str) -> Awaitable[None]:
        """A stage is done and another one follows."""
        return self._put(statements.staged, experiment, station, at, stage)

    def retried(self, experiment: Experiment, station: str, reason: str, at: Stamp, stage: str = "") -> Awaitable[None]:
        """An attempt failed and another one follows."""
        return self._put(statements.retried, experiment, station, reason, at, stage)

    def documents(self, experiment: Experiment, attempt: int, documents: Sequence[Document]) -> Awaitable[None]:
        """Bluesky documents of one attempt, in their order."""
        return self._put(statements.documents, experiment, attempt, documents)

    def ended(self, outcome: Outcome, station: str, at: Stamp) -> Awaitable[None]:
        """An experiment is done with its values or failed with its reason."""
        return self._put(statements.ended, outcome, station, at)

    def station_changed(
        self, campaign: str, station: str, state: StationState, cause: str, at: Stamp
    ) -> Awaitable[None]:
        """A station's state changed. Written along with the next call, or a little later by itself."""
        self._check_open()
        return self._writer.put_lazily(statements.station_changed, campaign, station, state, cause, at)

    def asked(self, campaign: str, asked: Asked, at: Stamp) -> Awaitable[None]:
        """A step asks a person."""
        return self._put(statements.asked, campaign, asked, at)

    def question_closed(self, campaign: str, number: int, closed: Closed, at: Stamp) -> Awaitable[None]:
        """A question was answered, or is withdrawn."""
        return self._put(statements.question_closed, campaign, number, closed, at)

    def campaign_changed(self, campaign: str, state: CampaignState, reason: str, at: Stamp) -> Awaitable[None]:
        """The campaign's state changed."""
        return self._put(statements.campaign_changed, campaign, state, reason, at)

    def resumed(self, campaign: str, at: Stamp) -> Awaitable[None]:
        """A campaign goes on whose program ended in its midst: it is starting again, and the questions that were open
        are withdrawn. `at.elapsed` goes on from `Reader.last_elapsed`."""
        return self._put(happenings.resumed, campaign, at)

    def happened(
        self, campaign: str, kind: str, about: str, text: str, data: Mapping[str, Any], at: Stamp
    ) -> Awaitable[None]:
        """Something happened that is no change of an experiment, a station or the campaign; `about` is what it happened
        to, `data` its facts in JSON's types."""
        return self._put(happenings.happened, campaign, kind, about, text, data, at)

    def queued(self, campaign: str, entry: QueueEntry, at: Stamp) -> Awaitable[int]:
        """Somebody adds an experiment. Gives the entry's number, unique in the store."""
        return self._put(happenings.queued, campaign, entry, at)

    def queue_changed(
        self,
        campaign: str,
        number: int,
        *,
        position: float | None = None,
        parameters: Point | None = None,
        state: QueueState | None = None,
        experiment: str | None = None,
        at: Stamp,
    ) -> Awaitable[None]:
        """An entry was moved, edited, begun (as that experiment) or cancelled; what is None stays as it is. Raises
        StoreError, from the awaitable, for one that is not there or not queued any more."""
        return self._put(happenings.queue_changed, campaign, number, position, parameters, state, experiment, at)

    def used(
        self,
        campaign: str | None,
        experiment: str | None,
        attempt: int,
        consumable: str,
        amount: float,
        unit: str,
        at: Stamp,
        *,
        lab: str = "",
        level: float | None = None,
        who: str = "",
    ) -> Awaitable[None]:
        """A consumable became less (a negative amount, in `unit`) in that attempt, or was refilled (a positive one) by
        `who`. `level` is what there is of it then, counted under `lab`; both are left out where it is not counted."""
        return self._put(happenings.used, campaign, experiment, attempt, consumable, amount, unit, at, lab, level, who)

    def _put(
        self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[R]:
        self._check_open()
        return self._writer.put(function, *args, **kwargs)

    def _check_open(self) -> None:
        if self._closing:
            raise StoreError(f"{self._writer.path}: is closed, nothing more can be written")
