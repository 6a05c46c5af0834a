"""A learner at work in its thread; where its file says so, another one takes the place of one that hangs."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from motet.errors import LearnerError
from motet.learning.learner import Learner
from motet.learning.state import Heard, LearnerState
from motet.learning.thread import Lasts, LearnerThread
from motet.model.experiment import Outcome, Suggestion

MOST_LEFT = 3
"""So many learners that hang are left behind, each in its thread, which nothing can end; then the model is asked no
more."""

_log = logging.getLogger(__name__)


class Hears(Protocol):
    """What hears of outcomes and of points that are being measured: a learner, and the record of one."""

    def tell(self, outcome: Outcome) -> None:
        """How an experiment ended."""
        ...

    def hold(self, suggestion: Suggestion) -> None:
        """A point is being measured."""
        ...

    def release(self, suggestion: str) -> None:
        """Nobody measures it."""
        ...


Order = Callable[[Hears], None]
"""What a learner has to hear of."""
Ask = Callable[[Learner, str], list[Suggestion]]
"""What is wanted of it; the text says why its model is not to be asked, empty where it is."""


class AtWork:
    """Visits to a learner. With `another`, which makes one that knows nothing yet, one that hangs is left behind: a new
    one that has heard the same goes on, whose start design chooses in place of the model this once.

    After MOST_LEFT of them the start design chooses until the process ends. When that hangs too, nothing is left.
    """

    def __init__(
        self,
        learner: Learner,
        lasts: Lasts | None = None,
        longest_s: float | None = None,
        another: Callable[[], Learner] | None = None,
    ) -> None:
        self._learner = learner
        self._lasts, self._longest_s = lasts, longest_s
        self._another = another
        self._heard = None if another is None else Heard.of(learner.state())
        self._thread = LearnerThread(lasts, longest_s)
        self._cold = False
        self._instead = ""
        self._left = 0
        self._busy_s = 0.0
        self._closed = False

    @property
    def busy_s(self) -> float:
        """Seconds that the learner worked."""
        return self._busy_s + self._thread.busy_s

    @property
    def hung(self) -> bool:
        """Whether it will never come back, and nothing stands in for it."""
        return self._thread.hung

    def warm(self) -> None:
        """With its next visit it imports what the plugins need."""
        self._cold = True

    async def visit(self, orders: list[Order], ask: Ask) -> list[Suggestion]:
        """Have it hear the orders, then `ask`. When that raises, what it has not heard is left in the list. Raises what
        the learner raises, LearnerError when it hangs."""
        passed, cold = tuple(orders), self._cold
        try:
            found = await self._thread.visit(self._carry_out, self._learner, cold, orders, ask, self._instead)
        except LearnerError as error:
            if not self.hung or self._another is None or self._left >= MOST_LEFT or self._closed:
                raise
            self._keep(passed)
            found = await self._replace(self._another, ask, str(error))
        else:
            self._keep(passed)
        self._cold = False
        return found

    def handed_out(self, found: Sequence[Suggestion]) -> None:
        """What it was asked for is pending there."""
        if self._heard is not None:
            for suggestion in found:
                self._heard.ask(suggestion)

    def _carry_out(self, learner: Learner, cold: bool, orders: list[Order], ask: Ask, instead: str) -> list[Suggestion]:
        """In its thread."""
        if cold:
            learner.warm_up()
        while orders:
            orders[0](learner)
            orders.pop(0)
        return ask(learner, instead)

    def _keep(self, orders: Sequence[Order]) -> None:
        if self._heard is not None:
            for order in orders:
                order(self._heard)

    async def _replace(self, another: Callable[[], Learner], ask: Ask, why: str) -> list[Suggestion]:
        """Another learner, in a thread of its own: that of the old one may go on for ever, and change what it has."""
        assert self._heard is not None, "kept where another one can be made"
        self._left += 1
        _log.warning("%s; it is left behind, and a new one has its place (number %d)", why, self._left)
        if self._left >= MOST_LEFT:
            self._instead = f"{why} ({self._left} times: its model is asked no more)"
        self._busy_s += self._thread.busy_s
        self._thread.give_up()
        self._thread = LearnerThread(self._lasts, self._longest_s)
        self._learner, found = await self._thread.visit(
            self._made, another, self._heard.state(), ask, self._instead or why
        )
        return found

    def _made(
        self, another: Callable[[], Learner], state: LearnerState, ask: Ask, instead: str
    ) -> tuple[Learner, list[Suggestion]]:
        """In the new thread."""
        learner = another()
        learner.replay(state)
        return learner, ask(learner, instead)

    async def close(self, working: "asyncio.Task[None] | None", timeout_s: float) -> None:
        """Stop. A visit that goes on is waited for, `timeout_s` at most: a thread cannot be interrupted. What comes to
        hang meanwhile gets no successor."""
        self._closed = True
        await self._thread.close(working, timeout_s)
