"""The store's writing face on the event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Concatenate, ParamSpec, TypeVar

from motet.errors import StoreError
from motet.model.events import CampaignState, StationState
from motet.model.experiment import Document, Experiment, Outcome
from motet.model.questions import Asked, Closed
from motet.store import statements
from motet.store.prompt import NoWriter, PromptWriter
from motet.store.records import CampaignRecord, Stamp
from motet.store.writer import Writer

P = ParamSpec("P")
R = TypeVar("R")


class Store:
    """The one writer of a store.

    Every call is queued at once, in the order of the calls, and gives an awaitable that is done when that
    write is on the disk. What is queued together is committed together: to await the last of several calls is
    enough, and costs one commit. Do not change what you passed in until then. After a write that failed (disk
    full, read-only, locked) nothing more is written: that call and all later ones raise StoreError; what was
    acknowledged stays stored.
    """

    def __init__(self, writer: Writer | PromptWriter | NoWriter) -> None:
        """Use `Store.open`."""
        self._writer = writer
        self._closing = False

    @classmethod
    async def open(cls, path: Path) -> "Store":
        """Open or make the store at `path`, folders too. Raises StoreError for a file that is not a store,
        one of a newer Motet, and one that another process is writing to."""
        writer = Writer(path)
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
        """Write what is queued and close; once closed, nothing more. Raises StoreError the first time when a
        write has failed."""
        first, self._closing = not self._closing, True
        if first:
            self._writer.stop()
        await asyncio.wait([self._writer.closed])  # `await closed` would be cancelled with its caller
        if first:
            self._writer.closed.result()

    def new_campaign(self, record: CampaignRecord) -> Awaitable[str]:
        """A campaign starts. Gives its id `NAME-N`; N counts the campaigns of that name in this store."""
        return self._put(statements.new_campaign, record)

    def planned(self, experiment: Experiment, at: Stamp) -> Awaitable[None]:
        """An experiment is going to run."""
        return self._put(statements.planned, experiment, at)

    def running(self, experiment: Experiment, station: str, attempt: int, at: Stamp) -> Awaitable[None]:
        """An experiment is dispatched to a station, for the first time as attempt 1."""
        return self._put(statements.running, experiment, station, attempt, at)

    def retried(self, experiment: Experiment, station: str, reason: str, at: Stamp) -> Awaitable[None]:
        """An attempt failed and another one follows."""
        return self._put(statements.retried, experiment, station, reason, at)

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

    def _put(
        self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[R]:
        self._check_open()
        return self._writer.put(function, *args, **kwargs)

    def _check_open(self) -> None:
        if self._closing:
            raise StoreError(f"{self._writer.path}: is closed, nothing more can be written")
