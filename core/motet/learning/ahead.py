"""Suggestions computed ahead: the learner works in a thread of its own while stations measure."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from motet.errors import LearnerError
from motet.learning.at_work import AtWork, Order
from motet.learning.learner import Learner
from motet.learning.thread import Lasts
from motet.model.experiment import Outcome, Suggestion
from motet.model.values import Point, Value

PATIENCE_S = 1.0
"""Longest wait for a first model before one more point is taken from the start design, seconds."""

_Key = frozenset[tuple[str, Value]]


@dataclass(frozen=True, slots=True)
class _Job:
    """One visit to the learner: what it has to hear of, and what is wanted of it."""

    orders: list[Order]
    renews: bool
    wanted: int
    ready: tuple[Point, ...]

    def ask(self, learner: Learner, instead: str) -> list[Suggestion]:
        """In the learner's thread."""
        return learner.propose(self.wanted, self.ready, instead=instead)


class Suggester:
    """Keeps `ahead` suggestions ready for stations that become free. Lives on one event loop.

    The learner is called in one thread only, and never waits for the loop. After `tell` or `release` the
    ready suggestions are computed anew; several of them during one fit lead to one more fit. The old ones
    stay takable until the new ones are there, so that a free station never waits for a fit. Two exceptions:

    - Nothing else is in flight: with `wait_when_alone`, `take` waits for the fresh suggestion, so that a
      sequential campaign is exactly the classical loop.
    - What is ready comes from the start design and a result is on its way: `take` waits a little, so that
      the start design does not run on for want of milliseconds. With a station free and as many points in
      flight as there are stations, one of them must have ended.

    `ahead` is the number of stations. `another` makes a learner that takes the place of one that hangs.
    """

    def __init__(
        self,
        learner: Learner,
        ahead: int,
        *,
        wait_when_alone: bool = True,
        lasts: Lasts | None = None,
        longest_s: float | None = None,
        another: Callable[[], Learner] | None = None,
    ) -> None:
        self.wait_when_alone = wait_when_alone
        self._learner = learner
        self._ahead = max(1, ahead)
        self._visits = AtWork(learner, lasts, longest_s, another)
        self._ready: list[Suggestion] = []
        self._orders: list[Order] = []
        self._in_flight: Counter[_Key] = Counter()  # a learner that repeats points has one twice
        self._handed_out = learner.asked
        self._must_renew = True
        self._job: _Job | None = None
        self._taken_meanwhile: set[_Key] = set()
        self._told_meanwhile: set[_Key] = set()
        self._exhausted = False
        self._error: LearnerError | None = None
        self._closed = False
        self._interrupted = False
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @property
    def busy_s(self) -> float:
        """Seconds that the learner worked."""
        return self._visits.busy_s

    def waits_for_outcome(self, in_flight: int) -> bool:
        """Whether a station tells of its experiment before it takes the next point, with so many others running."""
        return self.wait_when_alone and in_flight == 0 and not self._is_starting()

    async def start(self) -> None:
        """Import what the plugins need and compute the first suggestions. Raises LearnerError."""
        self._visits.warm()
        await self.settled()

    async def settled(self) -> None:
        """Wait until the learner knows everything and enough is ready. Raises LearnerError."""
        self._wake()
        while self._task is not None and not self._closed and not self._interrupted:
            await self._change()
        self._raise_if_broken()

    async def take(self, told: int | None = None) -> Suggestion | None:
        """The best suggestion; its point is pending from now on. None when no point is left to suggest,
        or after `interrupt`. What was `told` need not be known yet.

        At once when one is ready, but for the exceptions above. Raises LearnerError when the learner has
        failed, now and ever after.
        """
        loop = asyncio.get_running_loop()
        patience = loop.time() + PATIENCE_S
        while True:
            self._raise_if_broken()
            alone = self.wait_when_alone and not self._in_flight and self._is_stale()
            hopeful = self._is_model_due() and loop.time() < patience
            if self._ready and not alone and not hopeful:
                return self._hand_out(self._ready.pop(0))
            if self._interrupted or (not self._ready and self._exhausted and self._task is None):
                return None
            self._wake()
            await self._change(patience if hopeful and not alone else None)

    def tell(self, outcome: Outcome) -> None:
        """The learner hears of an outcome as soon as it is free. Does not wait."""
        key = _key(outcome.experiment.parameters)
        self._land(key)
        self._told_meanwhile.add(key)
        self._ready = [suggestion for suggestion in self._ready if _key(suggestion.parameters) != key]
        self._order(lambda learner: learner.tell(outcome))

    def hold(self, suggestion: Suggestion) -> None:
        """A point that the learner did not propose, or not in this process, is being measured. Does not wait."""
        key = _key(suggestion.parameters)
        self._in_flight[key] += 1
        self._ready = [ready for ready in self._ready if _key(ready.parameters) != key]
        self._order(lambda learner: learner.hold(suggestion))

    def release(self, suggestion: Suggestion) -> None:
        """A taken suggestion is given back unmeasured. Does not wait."""
        self._land(_key(suggestion.parameters))
        self._order(lambda learner: learner.release(suggestion.id))

    def forgive(self) -> None:
        """Ask the learner again after it has failed: it is told first what it was not told then. One that hangs is not
        forgiven."""
        if not self._visits.hung:
            self._error = None

    def interrupt(self) -> None:
        """Nobody waits for the learner any longer: `take` gives None from now on, also where it waits already."""
        self._interrupted = True
        self._changed.set()

    async def close(self, timeout_s: float = 30.0) -> None:
        """Stop. A fit that is running is waited for, `timeout_s` at most: a thread cannot be interrupted."""
        self._closed = True
        self._changed.set()
        await self._visits.close(self._task, timeout_s)

    def _hand_out(self, suggestion: Suggestion) -> Suggestion:
        point = suggestion.parameters
        self._in_flight[_key(point)] += 1
        self._handed_out += 1
        if self._job is not None and self._job.renews:
            self._taken_meanwhile.add(_key(point))
        taken = replace(suggestion, id=str(self._handed_out))
        self._orders.append(lambda learner: learner.hold(taken))
        self._wake()
        return taken

    def _land(self, key: _Key) -> None:
        """One of the experiments at a point is no longer in flight."""
        self._in_flight[key] -= 1
        if self._in_flight[key] <= 0:
            del self._in_flight[key]

    def _order(self, order: Order) -> None:
        self._orders.append(order)
        self._exhausted = False
        if self._is_starting() and (self._in_flight or not self.wait_when_alone):
            return  # points of the start design do not depend on outcomes: the learner hears of it next time
        self._must_renew = True
        self._wake()

    def _is_stale(self) -> bool:
        """Whether the learner knows something that the ready suggestions do not."""
        return self._must_renew or (self._job is not None and self._job.renews)

    def _is_model_due(self) -> bool:
        """Whether a suggestion with a model will soon replace the ready ones, which have none."""
        has_model = any(suggestion.score is not None for suggestion in self._ready)
        is_result_due = self._in_flight.total() >= self._ahead or self._is_stale()
        return bool(self._ready) and not has_model and is_result_due and not self._is_starting()

    def _is_starting(self) -> bool:
        return self._handed_out < self._learner.start_count

    def _wake(self) -> None:
        if self._task is None and not self._closed and self._error is None:
            self._task = asyncio.get_running_loop().create_task(self._work(), name="motet-learner")

    async def _work(self) -> None:
        """Visit the learner until it knows everything and enough is ready."""
        try:
            while not self._closed and (self._must_renew or self._orders or self._is_short()):
                job = self._job = self._next_job()
                self._receive(job, await self._visits.visit(job.orders, job.ask))
                self._changed.set()
        except LearnerError as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - whatever went wrong in the thread surfaces in `take`
            failure = LearnerError(f"the learner failed: {type(error).__name__}: {error}")
            failure.__cause__ = error
            self._failed(failure)
        finally:
            self._job = None
            self._task = None
            self._changed.set()

    def _failed(self, error: LearnerError) -> None:
        self._error, self._must_renew = error, True
        if self._job is not None and not self._visits.hung:
            self._orders = [*self._job.orders, *self._orders]

    def _is_short(self) -> bool:
        return len(self._ready) < self._ahead and not self._exhausted

    def _next_job(self) -> _Job:
        """What to ask of the learner now. A renewal asks for more: some may be taken while it is computed."""
        orders, self._orders = self._orders, []
        renews, self._must_renew = self._must_renew, False
        self._taken_meanwhile.clear()
        self._told_meanwhile.clear()
        if renews:
            return _Job(orders, True, self._ahead + len(self._ready), ())
        ready = tuple(suggestion.parameters for suggestion in self._ready)
        return _Job(orders, False, max(0, self._ahead - len(ready)), ready)

    def _receive(self, job: _Job, found: list[Suggestion]) -> None:
        self._job = None
        if not self._must_renew:
            self._exhausted = len(found) < job.wanted
        barred = self._told_meanwhile if self._learner.repeats else self._told_meanwhile | self._taken_meanwhile
        left = [suggestion for suggestion in found if _key(suggestion.parameters) not in barred]
        if not job.renews:
            self._ready += left
            return
        self._ready = left[: self._ahead]
        # The fresh ones were chosen in ignorance of the points taken meanwhile: once more, knowing of them.
        self._must_renew = self._must_renew or (bool(self._taken_meanwhile) and not self._learner.repeats)

    async def _change(self, until: float | None = None) -> None:
        """Wait until something changed, or the loop's clock says `until`."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._changed.wait()

    def _raise_if_broken(self) -> None:
        if self._error is not None:
            raise LearnerError(str(self._error)) from self._error  # a new one each: several stations may raise it
        if self._closed:
            raise LearnerError("the suggester is closed")


def _key(point: Point) -> _Key:
    return frozenset(point.items())
