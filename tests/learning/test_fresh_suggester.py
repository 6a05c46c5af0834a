"""Suggestions made when they are asked for: what they know follows from the order of calls, whatever a fit takes."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest

from motet.contracts.belief import Array, Data, Predict, Prediction, View
from motet.contracts.learning import Beginning
from motet.errors import LearnerError
from motet.learning import FreshSuggester, Learner
from motet.model.experiment import Outcome, Suggestion
from motet.model.space import Continuous, Space
from motet.model.values import Point
from motet.simulation.virtual import VirtualLoop

Measure = Callable[[Point], float]
MakeLearner = Callable[..., Learner]
End = Callable[[int, Point, float | None], Outcome]


class Slow:
    """A start design, surrogate, acquisition and pending strategy in one; each fit waits until the gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()
        self.error: Exception | None = None
        self.threads: set[str] = set()

    def count(self, stations: int) -> int:
        return 1

    def choose(self, beginning: Beginning) -> int:
        return 0

    def fit(self, data: Data, seed: int) -> Predict:
        x, y = data.x, data.y
        self.threads.add(threading.current_thread().name)
        self.began.set()
        if not self.gate.wait(10):
            raise TimeoutError("the test never opened the gate")
        if self.error is not None:
            raise self.error
        return lambda pool: Prediction(y[np.abs(pool - x.T).argmin(axis=1)] - pool[:, 0] / 1e3, 0 * pool[:, 0])

    def score(self, view: View) -> Array:
        return view.prediction.mean

    def stand_ins(self, model: Predict, x: Array, data: Data, rng: np.random.Generator) -> Array | None:
        return None


@pytest.fixture
def model() -> Slow:
    return Slow()


@pytest.fixture
def line(model: Slow, assemble: MakeLearner) -> Callable[[int], Learner]:
    """A learner on n points of a line, modelled by `model`."""

    def make(n: int) -> Learner:
        table: list[Point] = [{"x": float(i)} for i in range(n)]
        return assemble(Space({"x": Continuous(low=0, high=n)}, table), model, model)

    return make


@asynccontextmanager
async def running(learner: Learner) -> AsyncGenerator[FreshSuggester]:
    suggester = FreshSuggester(learner)
    async with asyncio.timeout(20):
        try:
            await suggester.start()
            yield suggester
        finally:
            await suggester.close()


async def took(suggester: FreshSuggester, told: int | None = None) -> Suggestion:
    suggestion = await suggester.take(told)
    assert suggestion is not None
    return suggestion


async def fitting(model: Slow) -> None:
    """Wait until a fit has begun."""
    assert await asyncio.to_thread(model.began.wait, 10)


async def turn() -> None:
    """Let every task that can go on do so, without any thread getting a say."""
    for _ in range(10):
        await asyncio.sleep(0)


def hold_up(model: Slow) -> None:
    """The next fit waits for the gate."""
    model.gate.clear()
    model.began.clear()


async def test_a_sequential_campaign_is_the_classical_loop(
    make_learner: MakeLearner, schwefel: Measure, end: End
) -> None:
    classical = make_learner()
    async with running(make_learner()) as suggester:
        told: int | None = None
        for number in range(20):
            (expected,) = classical.ask()
            assert await suggester.take(told) == expected
            outcome = end(number, expected.parameters, schwefel(expected.parameters))
            told = suggester.tell(outcome)
            classical.tell(outcome)
        assert suggester.busy_s > 0


async def test_every_suggestion_knows_all_that_was_told_before(line: Callable[[int], Learner], end: End) -> None:
    async with running(line(20)) as suggester:
        points = [(await took(suggester)).parameters for _ in range(3)]
        for number, point in enumerate(points, 1):
            suggester.tell(end(number, point, float(number)))
            suggestion = await took(suggester)
            assert f"on {number} values, {3 - number} pending" in suggestion.why
            suggester.release(suggestion)


async def test_a_ticket_hides_what_was_told_after_it(line: Callable[[int], Learner], end: End) -> None:
    async with running(line(20)) as suggester:
        points = [(await took(suggester)).parameters for _ in range(3)]
        tickets = [suggester.tell(end(number, point, 1.0)) for number, point in enumerate(points)]
        assert tickets == sorted(set(tickets))
        whys = [(await took(suggester, ticket)).why for ticket in tickets]
    for number, why in enumerate(whys, 1):
        assert f"on {number} values, 2 pending" in why


async def test_an_old_ticket_takes_nothing_back(line: Callable[[int], Learner], end: End) -> None:
    async with running(line(20)) as suggester:
        points = [(await took(suggester)).parameters for _ in range(2)]
        first, second = (suggester.tell(end(number, point, 1.0)) for number, point in enumerate(points))
        assert "on 2 values" in (await took(suggester, second)).why
        assert "on 2 values" in (await took(suggester, first)).why


async def test_what_is_taken_follows_from_the_order_of_calls_however_long_a_fit_lasts(
    line: Callable[[int], Learner], model: Slow, end: End
) -> None:
    """Two stations, the second one done while the first one's fit runs, or after it: both take the same points."""

    async def course(slow: bool) -> list[Suggestion]:
        async with running(line(30)) as suggester:
            one, two = (await took(suggester)).parameters, (await took(suggester)).parameters
            if slow:
                hold_up(model)
            first = asyncio.create_task(took(suggester, suggester.tell(end(1, one, 3.0))))
            await turn() if slow else await asyncio.wait([first])
            second = asyncio.create_task(took(suggester, suggester.tell(end(2, two, 1.0))))
            await turn()
            if slow:
                assert not first.done()
                assert not second.done()
            model.gate.set()
            return [await first, await second]

    assert await course(slow=True) == await course(slow=False)


async def test_stations_that_wait_get_their_points_in_the_order_in_which_they_asked(
    line: Callable[[int], Learner], model: Slow, end: End
) -> None:
    async with running(line(30)) as suggester:
        suggester.tell(end(1, (await took(suggester)).parameters, 1.0))
        hold_up(model)
        takes = [asyncio.create_task(took(suggester)) for _ in range(4)]
        await fitting(model)
        model.gate.set()
        whys = [(await take).why for take in takes]
    assert [f"{number} pending" in why for number, why in enumerate(whys)] == [True] * 4


async def test_no_point_is_given_twice_and_an_empty_pool_gives_none(line: Callable[[int], Learner], end: End) -> None:
    async with running(line(3)) as suggester:
        taken = [await took(suggester) for _ in range(3)]
        assert len({float(each.parameters["x"]) for each in taken}) == 3
        assert await suggester.take() is None
        suggester.tell(end(1, taken[0].parameters, 1.0))
        assert await suggester.take() is None

        suggester.release(taken[1])

        assert (await took(suggester)).parameters == taken[1].parameters
        assert await suggester.take() is None


async def test_whoever_takes_tells_first(line: Callable[[int], Learner]) -> None:
    async with running(line(3)) as suggester:
        assert all(suggester.waits_for_outcome(in_flight) for in_flight in (0, 1, 5))


async def test_interrupting_ends_those_who_wait_for_a_fit(
    line: Callable[[int], Learner], model: Slow, end: End
) -> None:
    async with running(line(20)) as suggester:
        suggester.tell(end(1, (await took(suggester)).parameters, 1.0))
        hold_up(model)
        takes = [asyncio.create_task(suggester.take()) for _ in range(2)]
        await fitting(model)
        assert not any(take.done() for take in takes)

        suggester.interrupt()

        assert await asyncio.gather(*takes) == [None, None]
        assert await suggester.take() is None
        suggester.interrupt()
        model.gate.set()


async def test_a_take_that_is_cancelled_does_not_disturb_the_next_one(
    line: Callable[[int], Learner], model: Slow, end: End
) -> None:
    async with running(line(20)) as suggester:
        suggester.tell(end(1, (await took(suggester)).parameters, 1.0))
        hold_up(model)
        cancelled = asyncio.create_task(suggester.take())
        await fitting(model)
        cancelled.cancel()
        following = asyncio.create_task(took(suggester))
        await turn()
        assert cancelled.cancelled()
        model.gate.set()
        assert "on 1 values" in (await following).why


async def test_a_failing_learner_fails_those_who_wait_and_all_later_ones(
    line: Callable[[int], Learner], model: Slow, end: End
) -> None:
    async with running(line(20)) as suggester:
        suggester.tell(end(1, (await took(suggester)).parameters, 1.0))
        model.error = ZeroDivisionError("no such luck")
        takes = await asyncio.gather(*(suggester.take() for _ in range(3)), return_exceptions=True)
        takes += await asyncio.gather(suggester.take(), return_exceptions=True)
    assert len({id(raised) for raised in takes}) == 4
    for raised in takes:
        assert isinstance(raised, LearnerError)
        assert "raised ZeroDivisionError: no such luck" in str(raised)


async def test_a_bad_outcome_surfaces_at_the_next_take(line: Callable[[int], Learner], end: End) -> None:
    async with running(line(20)) as suggester:
        suggester.tell(end(1, (await took(suggester)).parameters, float("nan")))
        with pytest.raises(LearnerError, match=r"campaign/1: value = nan; a finite number is needed"):
            await suggester.take()


async def test_a_broken_plugin_shows_before_the_first_experiment(line: Callable[[int], Learner], model: Slow) -> None:
    model.error = ImportError("no module named torch")
    suggester = FreshSuggester(line(20))
    try:
        with pytest.raises(LearnerError, match="no module named torch"):
            await suggester.start()
    finally:
        await suggester.close()


async def test_the_learner_works_in_one_thread_that_ends_with_it(
    line: Callable[[int], Learner], model: Slow, end: End
) -> None:
    before = set(threading.enumerate())
    async with running(line(20)) as suggester:
        for number in range(4):
            suggester.tell(end(number, (await took(suggester)).parameters, float(number)))
    assert len(model.threads) == 1
    assert threading.current_thread().name not in model.threads
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name in model.threads]


async def test_closing_waits_for_a_running_fit(line: Callable[[int], Learner], model: Slow, end: End) -> None:
    suggester = FreshSuggester(line(20))
    await suggester.start()
    suggester.tell(end(1, (await took(suggester)).parameters, 1.0))
    hold_up(model)
    taking = asyncio.create_task(suggester.take())
    await fitting(model)
    closing = asyncio.create_task(suggester.close())
    await turn()
    assert taking.done()
    assert not closing.done()
    model.gate.set()
    await closing
    assert await suggester.take() is None


async def test_closing_leaves_a_fit_that_never_ends_behind(
    line: Callable[[int], Learner], model: Slow, end: End, caplog: pytest.LogCaptureFixture
) -> None:
    suggester = FreshSuggester(line(20))
    await suggester.start()
    suggester.tell(end(1, (await took(suggester)).parameters, 1.0))
    hold_up(model)
    takes = [asyncio.create_task(suggester.take()) for _ in range(3)]
    await fitting(model)

    async with asyncio.timeout(5):
        await suggester.close(timeout_s=0.01)

    assert await asyncio.gather(*takes) == [None] * 3
    assert "the learner is still working" in caplog.text
    model.gate.set()


def test_in_virtual_time_the_learner_takes_as_long_as_is_said(line: Callable[[int], Learner], end: End) -> None:
    loop = VirtualLoop()

    async def main() -> list[float]:
        suggester = FreshSuggester(line(20), lasts=lambda seconds: 2.0)
        await suggester.start()
        times = [loop.time()]
        suggestions = await asyncio.gather(took(suggester), took(suggester))
        times.append(loop.time())
        suggester.tell(end(1, suggestions[0].parameters, 1.0))
        await took(suggester)
        times.append(loop.time())
        await suggester.close()
        return times

    try:
        assert loop.run_until_complete(main()) == [2.0, 6.0, 8.0]
    finally:
        loop.close()


@pytest.mark.parametrize("pending", ["exclude", "believer"])
async def test_several_stations_share_the_pool_without_a_point_twice(
    make_learner: MakeLearner, schwefel: Measure, end: End, pending: str
) -> None:
    measured: list[Point] = []

    async def station(suggester: FreshSuggester) -> None:
        told: int | None = None
        while len(measured) < 30:
            point = (await took(suggester, told)).parameters
            measured.append(point)
            number = len(measured)
            for _ in range(number % 5):
                await asyncio.sleep(0)
            told = suggester.tell(end(number, point, schwefel(point)))

    async with (
        running(make_learner(stations=3, pending=pending, trees=5)) as suggester,
        asyncio.TaskGroup() as stations,
    ):
        for _ in range(3):
            stations.create_task(station(suggester))

    assert len({(point["x"], point["y"]) for point in measured}) == len(measured) >= 30
