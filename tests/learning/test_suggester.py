"""Suggestions computed ahead. Fits are held up by gates, never by sleeps."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest

from motet.contracts.belief import Array, Data, Predict, Prediction, View
from motet.contracts.learning import Beginning
from motet.errors import LearnerError
from motet.learning import Learner, Suggester
from motet.model.experiment import Outcome, Suggestion
from motet.model.space import Continuous, Space
from motet.model.values import Point

Measure = Callable[[Point], float]
MakeLearner = Callable[..., Learner]
End = Callable[[int, Point, float | None], Outcome]


class InOrder:
    """A start design that takes the first candidate."""

    def count(self, stations: int) -> int:
        return 1

    def choose(self, beginning: Beginning) -> int:
        return 0


class Nearest:
    """The value of the nearest point, a bit less for a higher x; a fit waits until the gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()
        self.fits: list[int] = []
        self.threads: set[str] = set()
        self.error: Exception | None = None

    def fit(self, data: Data, seed: int) -> Predict:
        x, y = data.x, data.y
        self.fits.append(len(y))
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
def model() -> Nearest:
    return Nearest()


@pytest.fixture
def line(model: Nearest, assemble: MakeLearner) -> Callable[[int], Learner]:
    """A learner on n points of a line, modelled by `model`."""

    def make(n: int) -> Learner:
        table: list[Point] = [{"x": float(i)} for i in range(n)]
        return assemble(Space({"x": Continuous(low=0, high=n)}, table), InOrder(), model)

    return make


@asynccontextmanager
async def running(suggester: Suggester) -> AsyncGenerator[Suggester]:
    async with asyncio.timeout(20):
        try:
            await suggester.start()
            yield suggester
        finally:
            await suggester.close()


async def took(suggester: Suggester) -> Point:
    suggestion = await suggester.take()
    assert suggestion is not None
    return suggestion.parameters


async def fitting(model: Nearest) -> None:
    """Wait until a fit has begun."""
    assert await asyncio.to_thread(model.began.wait, 10)


def is_at_once(taking: "asyncio.Task[Suggestion | None]") -> bool:
    return taking.done()


async def turn() -> None:
    """Let every task that can go on do so, without any thread getting a say."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_sequential_campaign_is_the_classical_loop(
    make_learner: MakeLearner, schwefel: Measure, end: End
) -> None:
    classical = make_learner()
    async with running(Suggester(make_learner(), ahead=1)) as suggester:
        for number in range(20):
            (expected,) = classical.ask()
            suggestion = await suggester.take()
            assert suggestion == expected
            outcome = end(number, expected.parameters, schwefel(expected.parameters))
            suggester.tell(outcome)
            classical.tell(outcome)

        assert suggester.busy_s > 0


async def test_a_free_station_takes_a_ready_point_while_a_fit_runs(
    line: Callable[[int], Learner], model: Nearest, end: End
) -> None:
    async with running(Suggester(line(20), ahead=2)) as suggester:
        suggester.tell(end(0, await took(suggester), 0.0))
        first, second = await took(suggester), await took(suggester)
        await suggester.settled()
        model.gate.clear()
        model.began.clear()
        suggester.tell(end(1, first, 1.0))
        await fitting(model)

        taking = asyncio.create_task(suggester.take())
        await turn()

        assert is_at_once(taking)
        model.gate.set()
        third = await taking
        assert third is not None
        assert third.parameters not in (first, second)


async def test_a_station_tells_before_it_takes_only_where_the_next_point_depends_on_it(
    line: Callable[[int], Learner], end: End
) -> None:
    async with running(Suggester(line(20), ahead=1)) as suggester:
        assert not suggester.waits_for_outcome(0)  # the next point is of the start design
        first = await took(suggester)
        assert (suggester.waits_for_outcome(0), suggester.waits_for_outcome(1)) == (True, False)
        suggester.tell(end(1, first, 1.0))
        assert suggester.waits_for_outcome(0)


async def test_alone_a_station_waits_for_the_fresh_suggestion(
    line: Callable[[int], Learner], model: Nearest, end: End
) -> None:
    async with running(Suggester(line(20), ahead=1)) as suggester:
        suggester.tell(end(1, await took(suggester), 1.0))
        second = await took(suggester)
        model.gate.clear()
        suggester.tell(end(2, second, 2.0))

        taking = asyncio.create_task(suggester.take())
        await turn()

        assert not is_at_once(taking)
        model.gate.set()
        suggestion = await taking
        assert suggestion is not None
        assert "on 2 values" in suggestion.why


async def test_alone_it_does_not_wait_when_told_not_to(
    line: Callable[[int], Learner], model: Nearest, end: End
) -> None:
    async with running(Suggester(line(20), ahead=3, wait_when_alone=False)) as suggester:
        first, second = await took(suggester), await took(suggester)
        suggester.tell(end(1, first, 1.0))
        await suggester.settled()
        model.gate.clear()
        suggester.tell(end(2, second, 2.0))

        taking = asyncio.create_task(suggester.take())
        await turn()

        assert is_at_once(taking)
        model.gate.set()


async def test_the_start_design_does_not_run_on_while_the_first_result_is_on_its_way(
    line: Callable[[int], Learner], end: End
) -> None:
    """Two stations, one free again and its outcome not told yet: its next point has a model behind it."""
    async with running(Suggester(line(20), ahead=2)) as suggester:
        first, _ = await took(suggester), await took(suggester)
        await suggester.settled()
        taking = asyncio.create_task(suggester.take())
        await turn()
        assert not is_at_once(taking)

        suggester.tell(end(1, first, 1.0))

        suggestion = await taking
        assert suggestion is not None
        assert suggestion.why.startswith("acquisition of surrogate on 1 values, 1 pending")


async def test_without_a_result_the_start_design_goes_on_after_a_moment(
    line: Callable[[int], Learner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motet.learning.ahead.PATIENCE_S", 0.01)
    async with running(Suggester(line(20), ahead=1)) as suggester:
        await suggester.take()
        suggestion = await suggester.take()

        assert suggestion is not None
        assert suggestion.why == "start start 2 (no value to model yet)"


async def test_points_taken_during_a_fit_are_neither_given_twice_nor_do_they_empty_the_buffer(
    line: Callable[[int], Learner], model: Nearest, end: End
) -> None:
    async with running(Suggester(line(20), ahead=2)) as suggester:
        suggester.tell(end(0, await took(suggester), 0.0))
        taken = [await took(suggester), await took(suggester)]
        await suggester.settled()
        model.gate.clear()
        model.began.clear()
        suggester.tell(end(1, taken[0], 1.0))
        await fitting(model)
        taken.append(await took(suggester))
        taken.append(await took(suggester))
        waiting = asyncio.create_task(suggester.take())
        await turn()
        assert not is_at_once(waiting)

        model.gate.set()
        last = await waiting

        assert last is not None
        assert "on 2 values" in last.why
        assert len({point["x"] for point in [*taken, last.parameters]}) == 5


async def test_several_outcomes_during_a_fit_lead_to_one_fit_more(
    line: Callable[[int], Learner], model: Nearest, end: End
) -> None:
    async with running(Suggester(line(20), ahead=4)) as suggester:
        points = [await took(suggester) for _ in range(4)]
        await suggester.settled()
        model.fits.clear()
        model.gate.clear()
        model.began.clear()
        suggester.tell(end(1, points[0], 1.0))
        await fitting(model)
        for number, point in enumerate(points[1:], 2):
            suggester.tell(end(number, point, 1.0))
        model.gate.set()
        suggestion = await suggester.take()

        assert suggestion is not None
        assert "on 4 values, 0 pending" in suggestion.why
        assert model.fits == [1, 4]


async def test_an_exhausted_pool_gives_none_until_a_point_comes_back(line: Callable[[int], Learner], end: End) -> None:
    async with running(Suggester(line(3), ahead=4)) as suggester:
        taken = [await suggester.take() for _ in range(3)]
        assert await suggester.take() is None
        first, second, _ = (each for each in taken if each is not None)
        suggester.tell(end(1, first.parameters, 1.0))
        assert await suggester.take() is None

        suggester.release(second)

        assert await suggester.take() is not None
        assert await suggester.take() is None


async def test_a_failing_learner_fails_this_take_and_all_later_ones(
    line: Callable[[int], Learner], model: Nearest, end: End
) -> None:
    async with running(Suggester(line(20), ahead=1)) as suggester:
        first = await took(suggester)
        model.error = ZeroDivisionError("no such luck")
        suggester.tell(end(1, first, 1.0))

        takes = await asyncio.gather(*(suggester.take() for _ in range(3)), return_exceptions=True)

        for raised in (*takes, *await asyncio.gather(suggester.take(), return_exceptions=True)):
            assert isinstance(raised, LearnerError)
            assert "raised ZeroDivisionError: no such luck" in str(raised)


async def test_a_bad_outcome_surfaces_at_the_next_take(line: Callable[[int], Learner], end: End) -> None:
    async with running(Suggester(line(20), ahead=1)) as suggester:
        suggester.tell(end(1, await took(suggester), float("nan")))

        with pytest.raises(LearnerError, match=r"campaign/1: value = nan; a finite number is needed"):
            await suggester.take()


async def test_a_broken_plugin_shows_before_the_first_experiment(
    line: Callable[[int], Learner], model: Nearest
) -> None:
    model.error = ImportError("no module named torch")
    suggester = Suggester(line(20), ahead=1)
    try:
        with pytest.raises(LearnerError, match="no module named torch"):
            await suggester.start()
    finally:
        await suggester.close()


async def test_the_learner_works_in_one_thread_that_ends_with_it(
    line: Callable[[int], Learner], model: Nearest, end: End
) -> None:
    before = set(threading.enumerate())
    async with running(Suggester(line(20), ahead=2)) as suggester:
        for number in range(4):
            suggester.tell(end(number, await took(suggester), float(number)))
        await suggester.take()

    assert len(model.threads) == 1
    assert threading.current_thread().name not in model.threads
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name in model.threads]


async def test_closing_waits_for_a_running_fit_and_ends_those_who_wait(
    line: Callable[[int], Learner], model: Nearest, end: End
) -> None:
    async with running(Suggester(line(20), ahead=1)) as suggester:
        model.gate.clear()
        model.began.clear()
        suggester.tell(end(1, await took(suggester), 1.0))
        taking = asyncio.create_task(suggester.take())
        await fitting(model)
        closing = asyncio.create_task(suggester.close())
        await turn()

        assert not closing.done()
        model.gate.set()
        await closing

        with pytest.raises(LearnerError, match="the suggester is closed"):
            await taking


async def test_closing_leaves_a_fit_that_never_ends_behind(
    line: Callable[[int], Learner], model: Nearest, end: End, caplog: pytest.LogCaptureFixture
) -> None:
    suggester = Suggester(line(20), ahead=1)
    await suggester.start()
    model.gate.clear()
    model.began.clear()
    suggester.tell(end(1, await took(suggester), 1.0))
    await fitting(model)

    await suggester.close(timeout_s=0.01)

    assert "the learner is still working" in caplog.text
    model.gate.set()


@pytest.mark.parametrize("pending", ["exclude", "believer"])
async def test_several_stations_share_the_pool_without_a_point_twice(
    make_learner: MakeLearner, schwefel: Measure, end: End, pending: str
) -> None:
    learner = make_learner(stations=3, pending=pending, trees=5)
    measured: list[Point] = []

    async def station(suggester: Suggester) -> None:
        while len(measured) < 40:
            point = await took(suggester)
            measured.append(point)
            number = len(measured)
            for _ in range(number % 5):
                await asyncio.sleep(0)
            suggester.tell(end(number, point, schwefel(point)))

    async with running(Suggester(learner, ahead=3)) as suggester, asyncio.TaskGroup() as stations:
        for _ in range(3):
            stations.create_task(station(suggester))

    assert len({(point["x"], point["y"]) for point in measured}) == len(measured) >= 40


async def test_interrupting_ends_those_who_wait_for_a_fit(
    line: Callable[[int], Learner], model: Nearest, end: End
) -> None:
    async with running(Suggester(line(20), ahead=1)) as suggester:
        suggester.tell(end(1, await took(suggester), 1.0))
        second = await took(suggester)
        model.gate.clear()
        suggester.tell(end(2, second, 2.0))
        taking = asyncio.create_task(suggester.take())
        await turn()
        assert not is_at_once(taking)

        suggester.interrupt()

        assert await taking is None
        assert await suggester.take() is None
        model.gate.set()
