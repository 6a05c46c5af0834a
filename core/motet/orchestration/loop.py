"""The campaign loop: ask, dispatch, run, document, analyse, tell; one worker for each station."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from motet.contracts.results import Analysis
from motet.errors import CampaignError
from motet.learning import FreshSuggester, Suggester
from motet.model.events import CampaignState, ExperimentStarted
from motet.model.experiment import RunRecord, Suggestion
from motet.orchestration.asking import nobody
from motet.orchestration.control import Control
from motet.orchestration.crew import Crew
from motet.orchestration.floor import Alone, Floor
from motet.orchestration.goal import Goal
from motet.orchestration.judge import AskAgain, Judge, Next
from motet.orchestration.leaving import Leaving
from motet.orchestration.ledger import Ledger, Telling, all_of
from motet.orchestration.pipeline import Pipeline
from motet.orchestration.policy import first_of
from motet.orchestration.queue import Queue
from motet.orchestration.recorder import Recorder
from motet.orchestration.resume import Before
from motet.orchestration.summary import Summary
from motet.orchestration.supplies import Supplies
from motet.orchestration.work import Course, Work
from motet.station import Station

_log = logging.getLogger(__name__)


@dataclass
class CampaignLoop:
    """Runs one campaign over connected stations. It owns what happened so far; all else is frozen.

    `before` is what an earlier process left of the campaign; `floor` shares the stations with other campaigns;
    `ask_again` asks a person whether to repeat what must not be repeated by itself.
    """

    stations: Sequence[Station]
    course: Course
    suggester: Suggester | FreshSuggester
    analysis: Analysis
    goal: Goal
    recorder: Recorder
    control: Control
    queue: Queue | None = None
    supplies: Supplies | None = None
    before: Before | None = None
    floor: Floor = field(default_factory=Alone)
    ask_again: AskAgain = nobody

    def __post_init__(self) -> None:
        by_name = {station.name: station for station in self.stations}
        self._pipeline = Pipeline(self.course.stages, len(by_name), lambda name: bool(by_name[name].unavailable))
        self._judge = Judge(self.course, self.analysis, self.goal, self._asked_again)
        if self.supplies is not None:
            self.supplies.listen(self._pipeline.changed)
        given = self.course, self.suggester, self.goal, self.recorder, self.control, self._pipeline
        self._ledger = Ledger(*given, self.queue or Queue(self.recorder))
        self._intake = self._ledger.intake
        self._leaving = Leaving(self.recorder, self.goal.safe_within_s)
        self._crew = Crew(self.stations, self.floor, self._ledger, self._leaving)
        self.control.insist(self._leaving.insist)

    async def run(self) -> Summary:
        """Run until a stop rule holds, the budget or the pool is used up, or a person or a failure ends it.

        Stations are left in their safe state whatever happens. Raises only what is a defect of Motet itself.
        """
        ledger = self._ledger
        if self.before is not None and self.before.paused:
            self.control.pause(self.before.paused)
        self.control.listen(self._on_control)
        try:
            running = self.recorder.campaign_changed(CampaignState.RUNNING)
            if self.control.state is not CampaignState.RUNNING:  # paused before, or a command that came early
                self._on_control(self.control.state)
            await running
            if self.before is not None:
                ledger.take_up(self.before)
            ledger.progress()
            await self.suggester.start()
            async with asyncio.TaskGroup() as group:
                for station in self.stations:
                    group.create_task(self._work(station), name=f"worker-{station.name}")
        except CampaignError as error:
            ledger.fail(error)
        except BaseException as error:
            ledger.fail(first_of(error))
            raise
        finally:
            how = ledger.end()  # before the wait for devices that are not safe: to end that takes nothing back
            await self._crew.leave()
            for work in self._pipeline.unfinished:
                ledger.give_up(work)
            await ledger.settled()
            ledger.ended = True
            state, reason = ledger.end() if ledger.failure else how
            await self.recorder.campaign_changed(state, reason)
        return replace(ledger.summary(state, reason, len(self.stations)), unsafe=tuple(self._leaving.left))

    @property
    def over(self) -> str:
        """Why no further experiment begins, empty while one may."""
        if self._ledger.ended:
            return "it has ended"
        if not (self._ledger.failure or self._intake.is_over()):
            return ""
        return self._ledger.failure or self._intake.reason or self.control.reason

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can be told of."""
        return self._ledger.ended

    def look_again(self) -> None:
        """Something may have changed at a station."""
        self._pipeline.changed()

    def tell(self, suggestion: Suggestion, values: dict[str, float]) -> tuple[int, Awaitable[object]]:
        """Take in a result that nobody asked for: see `Ledger.take_in`."""
        return self._ledger.take_in(suggestion, values)

    async def _work(self, station: Station) -> None:
        """One station's worker: the next experiment, or stage of one, whenever it is free."""
        try:
            heard = await self._adopt(station)
            while await self._is_wanted(station):
                async with self._crew.turn(station, lambda: self._wants(station)) as mine:
                    while mine and self._wants(station):
                        work = self._pipeline.take(station.name) or await self._new(station, heard)
                        if work is not None:
                            heard = await self._perform(work, station)
                        if work is None or self.floor.gives_way(station):
                            break
        except CampaignError as error:
            self._ledger.fail(error)

    async def _adopt(self, station: Station) -> int | None:
        """Go on with what this station was doing for an earlier process, as far as it knows; what the learner's next
        suggestion has to know of."""
        works = () if self.before is None else self.before.at(station.name)
        if not works:
            return None
        heard: int | None = None
        async with self._crew.turn(station, lambda: not (self._ledger.failure or self.control.aborting)) as mine:
            for work in works if mine else ():
                job = work.job(self.course)
                self.recorder.emit(ExperimentStarted(work.experiment, station.name, job.attempt, job.stage))
                record = await station.recall(job)
                if record is None:
                    work.sent = True
                    if not await self._ledger.may_go_on():
                        self._ledger.give_up(work)  # it never began
                        continue
                else:
                    _log.info("experiment %s: taken over from an earlier process", work.experiment.id)
                    next_, told = await self._settle(work, station, record)
                    if next_ is not Next.AGAIN:
                        heard = heard if told is None else await told
                        continue
                heard = await self._perform(work, station)
        return heard

    async def _is_wanted(self, station: Station) -> bool:
        """Wait until there is something to do for a station; False when there will be nothing more."""
        while (wanted := self._wants(station)) is None:
            await self._change(station)
        return wanted

    def _wants(self, station: Station) -> bool | None:
        """Whether there is something to do for a station now; None when there may be later. Raises CampaignError."""
        if self._ledger.failure or self.control.aborting:
            return False
        more = not self._intake.is_over()
        if self.control.paused:
            return None
        if not more and not self._pipeline.may_come(station.name):
            return False
        if station.unavailable:
            # Whoever stops a campaign does not wait for a station to come back: what none can be sent is given up.
            for work in (stranded := self._pipeline.strand() if self.control.ending else ()):
                self._ledger.give_up(work)
            return False if stranded and not self._pipeline.may_come(station.name) else None
        waiting = self._pipeline.next(station.name)
        if waiting is None and not (more and self._begins(station)):
            return None
        stage = 0 if waiting is None else waiting.stage
        # When the campaign ends, what waits for a refill is taken all the same, and given up.
        return True if self.supplies is None or self._ledger.ends or self.supplies.suffice(stage) else None

    def _begins(self, station: Station) -> bool:
        """Whether a new experiment may begin at a station, as far as the others go."""
        return self._pipeline.begins(station.name) and self._pipeline.has_room and self._intake.has_any

    async def _change(self, station: Station) -> None:
        """Wait until something has changed, a station that was not available is, or the budget's time is used up."""
        left_s = self._intake.left_s
        if not station.unavailable:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._pipeline.change()
            return
        waits = [asyncio.ensure_future(wait) for wait in (self._pipeline.change(), station.available())]
        try:
            await asyncio.wait(waits, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _new(self, station: Station, heard: int | None) -> Work | None:
        """A new experiment for a station whose last outcome the learner has heard of; None where there is none now."""
        if not self._begins(station):
            return None
        with self._pipeline.room():
            work = await self._intake.next(heard)
            if work is not None:
                self._pipeline.begin(work)
            return work

    async def _perform(self, work: Work, station: Station) -> int | None:
        """All attempts at one stage of an experiment here; what the learner's next suggestion has to know of."""
        while True:
            if self._is_deprived(work):  # somebody else has had the last: the station is not kept while it waits
                self._pipeline.wait(work, first=True)
                return None
            if not (work.sent or await self._supplied(work)):
                self._ledger.give_up(work)
                return None
            cleared = self._begin(work, station.name)
            record = await station.run(work.job(self.course), cleared)
            next_, told = await self._settle(work, station, record)
            if next_ is Next.AGAIN:
                continue
            if told is None or not self.suggester.waits_for_outcome(self._pipeline.in_process):
                return None
            return await told

    def _is_deprived(self, work: Work) -> bool:
        """Whether there is too little for a stage that was not tried yet, which any of its stations may do later."""
        if self.supplies is None or work.sent or work.tries or self._ledger.ends:
            return False
        return not self.supplies.suffice(work.stage)

    async def _supplied(self, work: Work) -> bool:
        """Wait until there is enough for the present stage, where it is tried again; whether there is, before the
        campaign ends."""
        while self.supplies is not None and not self.supplies.suffice(work.stage):
            if self._ledger.ends:
                return False
            await self._pipeline.change()
        return True

    async def _asked_again(self, work: Work, station: str, record: RunRecord) -> bool:
        """Whether a person wants an attempt repeated; no when the campaign ends before the answer."""
        asking = asyncio.ensure_future(self.ask_again(work, station, record))
        goes_on = await self._pipeline.reached(asking, lambda: not self._ledger.ends, "the campaign ends")
        return goes_on and asking.result()

    def _begin(self, work: Work, station: str) -> "asyncio.Future[Any] | None":
        """One more attempt, stored as running; durable when the future is done, None when it is already."""
        if work.sent:
            work.sent = False
            return None
        work.attempts, work.tries = work.attempts + 1, work.tries + 1
        stage = self.course.stages[work.stage].name
        if self.supplies is not None:
            self.supplies.use(work.experiment, work.attempts, work.stage)
        running = self.recorder.running(work.experiment, station, work.attempts, stage)
        planned, work.planned = work.planned, None
        return all_of(running) if planned is None else all_of(planned, running)

    async def _settle(self, work: Work, station: Station, record: RunRecord) -> tuple[Next, Telling | None]:
        """What follows from an attempt."""
        return await self._ledger.settle(work, station, record, await self._judge.verdict(work, station.name, record))

    def _on_control(self, state: CampaignState) -> None:
        if self._ledger.ended:
            return  # too late: the last state is being stored, and must stay the last
        if self.control.aborting:
            self._leaving.hurry()
        if self.control.ending:
            self.suggester.interrupt()
            if self.supplies is not None:
                self.supplies.close(self.control.reason)
        self._pipeline.changed()
        self._crew.heed(state)
        self._ledger.spawn(self._record(state, self.control.reason))

    async def _record(self, state: CampaignState, reason: str) -> None:
        """After the stations were told: a store that cannot be written must not keep them from it."""
        try:
            await self.recorder.campaign_changed(state, reason)
        except CampaignError as error:
            self._ledger.fail(error)
