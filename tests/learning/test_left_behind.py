"""Learners that hang, in their threads: how many are left behind, and what the end of a campaign waits for."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from motet.errors import LearnerError
from motet.learning import Learner
from motet.learning.at_work import MOST_LEFT, AtWork
from motet.model.experiment import Suggestion

LONGEST_S = 0.3
HANGS_S = 5.0

pytestmark = pytest.mark.timeout(20)


class Hanging:
    """An ask that hangs, until the test ends, at the calls that `hangs` says."""

    def __init__(self, hangs: Callable[[int], bool]) -> None:
        self.hangs = hangs
        self.calls = 0
        self.free = threading.Event()

    def __call__(self, learner: Learner, instead: str) -> list[Suggestion]:
        self.calls += 1
        if self.hangs(self.calls):
            self.free.wait(HANGS_S)
        return []


@pytest.fixture
def another(make_learner: Callable[..., Learner]) -> Callable[[], Learner]:
    """Made already: what hangs here is what is asked of them."""
    learners = [make_learner() for _ in range(MOST_LEFT + 2)]
    return learners.pop


@pytest.mark.parametrize("falls_back", [True, False])
async def test_one_that_comes_to_hang_while_it_is_closed_is_not_waited_for(
    another: Callable[[], Learner], falls_back: bool
) -> None:
    hanging, made = Hanging(lambda call: True), [another()]

    def one_more() -> Learner:
        made.append(another())
        return made[-1]

    visits = AtWork(made[0], None, LONGEST_S, one_more if falls_back else None)

    async def visit() -> None:
        with pytest.raises(LearnerError, match="has not come back"):
            await visits.visit([], hanging)

    began = time.monotonic()
    try:
        working = asyncio.create_task(visit())
        await visits.close(working, 3.0)
        await working
    finally:
        hanging.free.set()
    assert time.monotonic() - began < HANGS_S / 2, "its thread was waited for, with the event loop"
    assert len(made) == 1, "nobody needs one more"


async def test_no_more_are_left_behind_than_that(another: Callable[[], Learner]) -> None:
    hanging = Hanging(lambda call: call % 2 == 1)  # each one at its first visit; what has its place does not at first
    visits = AtWork(another(), None, LONGEST_S, another)
    try:
        for _ in range(MOST_LEFT):
            await visits.visit([], hanging)
        with pytest.raises(LearnerError, match="has not come back"):
            await visits.visit([], hanging)
        assert visits.hung
        assert hanging.calls == 2 * MOST_LEFT + 1
        await visits.close(None, 1.0)
    finally:
        hanging.free.set()
