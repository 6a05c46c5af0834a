"""Persistence of a campaign: everything that happens goes to the store first, then to those who watch."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from motet.errors import StoreError
from motet.model.events import (
    CampaignChanged,
    CampaignState,
    Event,
    ExperimentEnded,
    ExperimentRetried,
    ExperimentStarted,
    InterlockCleared,
    InterlockTripped,
    LeaseWaited,
    QuestionAsked,
    QuestionClosed,
    StageEnded,
    StationChanged,
)
from motet.model.experiment import Experiment, Outcome, RunRecord
from motet.model.questions import Asked, Closed
from motet.model.queue import QueueEntry, QueueState
from motet.model.values import Point
from motet.stamps import wall
from motet.store import Stamp, Store
from motet.store.records import LEASE_WAITED

_log = logging.getLogger(__name__)

Sink = Callable[[Event], object]


class Recorder:
    """Writes one campaign to the store and tells the sinks. Sinks are called on the lab loop and must not block.

    The awaitables it gives are done when the write is durable. Writes become durable in the order of the calls, so that
    awaiting the last of several is enough, and costs one commit.
    """

    def __init__(
        self, store: Store, campaign: str, sinks: Sequence[Sink] = (), *, documents: bool = True, before_s: float = 0.0
    ) -> None:
        """`before_s` is how far an earlier process has brought the campaign's time, seconds."""
        self.campaign = campaign
        self._documents = documents
        self._store = store
        self._sinks = sinks
        self._start = asyncio.get_running_loop().time() - before_s

    def stamp(self) -> Stamp:
        """Now: wall clock, and seconds since the campaign started on the loop's clock."""
        return Stamp(wall(), self.elapsed())

    def elapsed(self) -> float:
        """Seconds since the campaign started, untouched by changes of the wall clock."""
        return asyncio.get_running_loop().time() - self._start

    def emit(self, event: Event) -> None:
        """Tell the sinks; changes of stations are stored too.

        Never raises, as stations tell of an abort before they carry it out: a store that failed says so at the next
        write that is awaited, and a sink that raises is logged.
        """
        self.keep(event)
        for sink in self._sinks:
            try:
                sink(event)
            except Exception:  # noqa: BLE001 - whoever watches must not end the campaign
                _log.exception("%r was not shown", event)

    def keep(self, event: Event) -> None:
        """Store what is stored of an event that comes from a station. Never raises, as `emit`."""
        with suppress(StoreError):
            self._keep(event)

    def _keep(self, event: Event) -> None:
        match event:
            case StationChanged(station, state, cause):
                self._store.station_changed(self.campaign, station, state, cause, self.stamp())
            case InterlockTripped(station, name, why):
                self.happened("interlock tripped", ".".join(filter(None, (station, name))), why)
            case InterlockCleared(station, name):
                self.happened("interlock cleared", ".".join(filter(None, (station, name))), "")
            case LeaseWaited(station, device, seconds):
                self.happened(LEASE_WAITED, f"{station}.{device}", f"{seconds:g} s", {"seconds": seconds})
            case _:
                pass

    def planned(self, experiment: Experiment) -> Awaitable[None]:
        """The experiment is going to run."""
        return self._store.planned(experiment, self.stamp())

    def running(self, experiment: Experiment, station: str, attempt: int, stage: str = "") -> Awaitable[None]:
        """The experiment is dispatched. To be awaited before anything moves."""
        self.emit(ExperimentStarted(experiment, station, attempt, stage))
        return self._store.running(experiment, station, attempt, self.stamp(), stage)

    def measured(self, experiment: Experiment, attempt: int, record: RunRecord) -> Awaitable[None]:
        """The Bluesky documents of one attempt."""
        return self._store.documents(experiment, attempt, record.documents if self._documents else ())

    def retried(self, experiment: Experiment, station: str, reason: str, stage: str = "") -> Awaitable[None]:
        """An attempt failed and another one follows."""
        self.emit(ExperimentRetried(experiment, station, reason))
        return self._store.retried(experiment, station, reason, self.stamp(), stage)

    def staged(self, experiment: Experiment, station: str, seconds: float, stage: str) -> Awaitable[None]:
        """A stage is done, and another one follows. To be awaited before that one begins."""
        self.emit(StageEnded(experiment, station, seconds, stage))
        return self._store.staged(experiment, station, self.stamp(), stage)

    def ended(self, outcome: Outcome, station: str, seconds: float) -> Awaitable[None]:
        """The experiment is done or failed. To be awaited before the learner is told."""
        self.emit(ExperimentEnded(outcome, station, seconds))
        return self._store.ended(outcome, station, self.stamp())

    def queued(self, entry: QueueEntry) -> Awaitable[int]:
        """A person adds an experiment; its number in the queue."""
        return self._store.queued(self.campaign, entry, self.stamp())

    def queue_changed(
        self,
        number: int,
        *,
        position: float | None = None,
        parameters: Point | None = None,
        state: QueueState | None = None,
        experiment: str | None = None,
    ) -> Awaitable[None]:
        """A queued experiment was moved or edited, begins, or is cancelled."""
        return self._store.queue_changed(
            self.campaign,
            number,
            position=position,
            parameters=parameters,
            state=state,
            experiment=experiment,
            at=self.stamp(),
        )

    def used(
        self,
        experiment: str | None,
        attempt: int,
        consumable: str,
        amount: float,
        unit: str,
        *,
        lab: str = "",
        level: float | None = None,
    ) -> Awaitable[None]:
        """An attempt uses up some of a consumable (below 0), or a person has filled it up; `level` is what the lab has
        of it then."""
        return self._store.used(
            self.campaign, experiment, attempt, consumable, amount, unit, self.stamp(), lab=lab, level=level
        )

    def happened(self, kind: str, about: str, text: str, data: Mapping[str, Any] | None = None) -> Awaitable[None]:
        """Something that is no change of an experiment, station or campaign."""
        return self._store.happened(self.campaign, kind, about, text, data or {}, self.stamp())

    def note(self, kind: str, about: str, text: str, data: Mapping[str, Any] | None = None) -> None:
        """The same for whoever cannot wait, as in an emergency: a store that failed says so at the next write that is
        awaited."""
        with suppress(StoreError):
            self.happened(kind, about, text, data)

    def asked(self, asked: Asked) -> Awaitable[None]:
        """A step asks a person."""
        self.emit(QuestionAsked(asked))
        return self._store.asked(self.campaign, asked, self.stamp())

    def closed(self, asked: Asked, closed: Closed) -> Awaitable[None]:
        """A question was answered, or is withdrawn."""
        self.emit(QuestionClosed(asked, closed))
        return self._store.question_closed(self.campaign, asked.number, closed, self.stamp())

    def campaign_changed(self, state: CampaignState, reason: str = "") -> Awaitable[None]:
        """The campaign's state changed."""
        self.emit(CampaignChanged(self.campaign, state, reason))
        return self._store.campaign_changed(self.campaign, state, reason, self.stamp())
