"""The jobs of a station: each begins once, ever, and its record is kept until somebody has it."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from motet.devices import Device
from motet.errors import Aborted, StoreError
from motet.model.experiment import RunRecord
from motet.model.job import Job
from motet.remote.bodies import text_of
from motet.remote.journal import MOST_ENDED, Fate, Journal, Key
from motet.remote.messages import Said
from motet.remote.outbox import Outbox
from motet.station import Station
from motet.station.marks import marked

_log = logging.getLogger(__name__)


class Jobs:
    """Runs one at a time. `told` hears of results that cannot be kept."""

    def __init__(
        self,
        station: Station,
        devices: Mapping[str, Device],
        journal: Journal,
        outbox: Outbox,
        told: Callable[[str], object],
    ) -> None:
        self._station, self._devices = station, devices
        self._journal, self._outbox, self._told = journal, outbox, told
        self._performing: asyncio.Task[None] | None = None
        self._cleared: asyncio.Future[None] | None = None
        self.running: Key | None = None
        """The job that runs."""

    def known(self, key: Key) -> Said:
        """What has become of a job; its result, where there is one, is sent again soon."""
        match self._journal.fate(key):
            case Fate.BEGUN:
                return Said.ACCEPTED
            case Fate.ENDED:
                self._outbox.poke(key.orchestrator)
                return Said.ENDED
            case Fate.SETTLED:
                return Said.SETTLED
            case None:
                return Said.UNKNOWN

    def begin(self, key: Key, job: Job) -> None:
        """Run a job that is not known yet, while none runs."""
        begun = self._journal.begin(key)
        self.running = key
        self._cleared = cleared = asyncio.get_running_loop().create_future()
        begun.add_done_callback(lambda done: _pass_on(done, cleared))
        self._performing = asyncio.create_task(self._perform(key, job, cleared), name=f"job {key.job}")

    def settle(self, key: Key) -> None:
        """The record of a job is not needed any more; one that never began never will."""
        self._outbox.forget(key)
        if self._journal.fate(key) in (None, Fate.ENDED):
            self._journal.settle(key)

    async def drop(self, key: Key) -> None:
        """Nobody wants it: end it, forget it."""
        if self.running == key:
            await self._abort(f"experiment {key.job} is not wanted any more")
            await self._ended()
        self.settle(key)

    async def abort(self, key: Key, reason: str) -> Said:
        """End it, if it runs; one that is still on its way shall not begin when it comes."""
        if self.running == key:
            await self._abort(reason)
            return Said.DONE
        known = self.known(key)
        if known is Said.UNKNOWN:
            self._journal.settle(key)
        return known

    async def stop(self, cause: str) -> None:
        """End what runs; its record is kept."""
        if self.running is not None:
            await self._abort(cause)
        await self._ended()

    async def _abort(self, reason: str) -> None:
        """End the job that runs; one that waits for the disk, which may be full, does not wait any longer."""
        if self._cleared is not None and not self._cleared.done():
            self._cleared.set_exception(Aborted(reason))
            self._cleared.exception()  # seen: its plan may end before it looks
        await self._station.abort(reason)

    async def _ended(self) -> None:
        if self._performing is not None:
            await asyncio.wait([self._performing])

    async def _perform(self, key: Key, job: Job, cleared: "asyncio.Future[None]") -> None:
        """Run it: nothing moves before the journal says so on the disk; the result leaves while it is written there."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            with marked(self._devices, job, self):
                record = await self._station.run(job, cleared)
        except Exception as error:  # noqa: BLE001 - handed to the orchestrator's failure policy, whatever it is
            _log.exception("%s: experiment %s", self._station.name, job.id)
            record = RunRecord((), started, loop.time(), error)
        try:
            text = text_of(record)
        except StoreError as error:  # a document holds what has no place in JSON
            text = text_of(RunRecord((), record.started, record.ended, error, record.unrepeatable))
        self.running = None
        kept = self._journal.end(key, text)
        kept.add_done_callback(lambda done: self._on_kept(key, done))
        self._outbox.add(key, text)
        for old in self._journal.ended[:-MOST_ENDED]:
            _log.warning("%s: nobody has asked for the result of %s; it is forgotten", self._station.name, old.job)
            self.settle(old)

    async def begins(self, job: Job, step: str) -> None:
        """A step that must not be repeated is about to begin. Written also when it is stopped before it has."""
        await asyncio.shield(self._journal.mark(job.id, step))

    def _on_kept(self, key: Key, done: "asyncio.Future[None]") -> None:
        """Nobody waits for the disk: the process has to end also when that is full."""
        if not done.cancelled() and (error := done.exception()) is not None:
            self._told(f"{self._station.name}: the result of experiment {key.job} is not kept here: {error}")


def _pass_on(done: "asyncio.Future[None]", to: "asyncio.Future[None]") -> None:
    """What came of a write, to whoever has not given up waiting for it."""
    if to.done() or done.cancelled():
        return
    if (error := done.exception()) is None:
        to.set_result(None)
    else:
        to.set_exception(error)
        to.exception()  # seen: the job may have ended already
