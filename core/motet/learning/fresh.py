"""Suggestions made when they are asked for: each knows every outcome told before."""

import asyncio
from collections.abc import Callable

from motet.errors import LearnerError
from motet.learning.at_work import AtWork, Order
from motet.learning.learner import Learner
from motet.learning.thread import Lasts
from motet.model.experiment import Outcome, Suggestion


class FreshSuggester:
    """Has the learner propose a point whenever a station wants one; the station waits for the fit meanwhile.

    What `take` gives follows from the order in which outcomes were told and points taken, never from how long a fit
    or the way to it takes: a station that takes after its own outcome sees what was told up to there, and nothing that
    came later. `another` makes a learner that takes the place of one that hangs. Lives on one event loop.
    """

    def __init__(
        self,
        learner: Learner,
        *,
        lasts: Lasts | None = None,
        longest_s: float | None = None,
        another: Callable[[], Learner] | None = None,
    ) -> None:
        self._learner = AtWork(learner, lasts, longest_s, another)
        self._orders: list[Order] = []
        self._passed_on = 0
        self._last: asyncio.Task[None] | None = None
        self._error: LearnerError | None = None
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def busy_s(self) -> float:
        """Seconds that the learner worked."""
        return self._learner.busy_s

    def waits_for_outcome(self, in_flight: int) -> bool:
        """A station tells of its experiment before it takes the next point."""
        return True

    async def start(self) -> None:
        """Import what the plugins need. Raises LearnerError."""
        self._learner.warm()
        await self._visited(0)

    async def take(self, told: int | None = None) -> Suggestion | None:
        """The best point, knowing what was told up to the outcome whose `tell` gave `told`, or everything.

        It is pending from now on. None when none is left, or after `interrupt`. Raises LearnerError when the learner
        has failed, until `forgive`.
        """
        found = await self._visited(1, told)
        return found[0] if found and not self._stopped.done() else None

    def tell(self, outcome: Outcome) -> int:
        """The learner hears of an outcome before a point is taken; how many things it hears of until then."""
        self._orders.append(lambda learner: learner.tell(outcome))
        return self._passed_on + len(self._orders)

    def hold(self, suggestion: Suggestion) -> None:
        """A point that the learner did not propose, or not in this process, is being measured."""
        self._orders.append(lambda learner: learner.hold(suggestion))

    def release(self, suggestion: Suggestion) -> None:
        """A taken suggestion is given back unmeasured."""
        self._orders.append(lambda learner: learner.release(suggestion.id))

    def forgive(self) -> None:
        """Ask the learner again after it has failed: it is told first what it was not told then. One that hangs is not
        forgiven."""
        if not self._learner.hung:
            self._error = None

    def interrupt(self) -> None:
        """Nobody waits for the learner any longer: `take` gives None from now on, also where it waits already."""
        if not self._stopped.done():
            self._stopped.set_result(None)

    async def close(self, timeout_s: float = 30.0) -> None:
        """Stop. A fit that is running is waited for, `timeout_s` at most."""
        self.interrupt()
        await self._learner.close(self._last, timeout_s)

    async def _visited(self, wanted: int, told: int | None = None) -> list[Suggestion]:
        """A visit after all that were asked for before; when nobody waits any longer, it ends by itself."""
        if self._stopped.done():
            return []
        cut = len(self._orders) if told is None else max(0, told - self._passed_on)
        orders, self._orders = self._orders[:cut], self._orders[cut:]
        self._passed_on += len(orders)
        found: list[Suggestion] = []
        visit = asyncio.create_task(self._visit(self._last, orders, wanted, found), name="motet-learner")
        self._last = visit
        await asyncio.wait((visit, self._stopped), return_when=asyncio.FIRST_COMPLETED)
        if self._error is not None:
            raise LearnerError(str(self._error)) from self._error  # a new one each: several stations may raise it
        return found

    async def _visit(
        self, before: asyncio.Task[None] | None, orders: list[Order], wanted: int, found: list[Suggestion]
    ) -> None:
        if before is not None and not before.done():
            await asyncio.wait([before])
        if self._error is not None:
            return
        try:
            asked = await self._learner.visit(
                orders, lambda learner, instead: learner.ask(wanted, instead=instead) if wanted else []
            )
            self._learner.handed_out(asked)
            found += asked
            return
        except LearnerError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - whatever went wrong in the thread surfaces in `take`
            self._error = LearnerError(f"the learner failed: {type(error).__name__}: {error}")
            self._error.__cause__ = error
        if not self._learner.hung:
            self._orders, self._passed_on = [*orders, *self._orders], self._passed_on - len(orders)
