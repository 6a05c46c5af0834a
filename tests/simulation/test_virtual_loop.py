"""A loop of virtual time: the order of events, exact times, and the seams to other threads and to real time."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from motet.simulation.virtual import VirtualLoop

DAY_S = 86_400.0
YEAR_S = 365 * DAY_S


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop()
    yield made
    made.close()


@pytest.fixture
def paced() -> Iterator[Callable[[float], VirtualLoop]]:
    """Makes loops that run at so many virtual seconds a second."""
    made: list[VirtualLoop] = []

    def make(speed: float) -> VirtualLoop:
        made.append(VirtualLoop(speed))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_the_clock_begins_at_zero_and_stands_still_without_a_timer(loop: VirtualLoop) -> None:
    async def busy() -> list[float]:
        times = [loop.time()]
        for _ in range(1000):
            await asyncio.sleep(0)
        return [*times, loop.time()]

    assert loop.run_until_complete(busy()) == [0.0, 0.0]


def test_every_timer_finds_the_clock_exactly_at_its_time(loop: VirtualLoop) -> None:
    whens = [0.1, 0.1 + 0.2, 1 / 3, 7.7, 1e5 + 0.1, 3 * DAY_S + 1 / 7, 5 * YEAR_S / 7]
    found: list[float] = []

    async def main() -> None:
        for when in reversed(whens):
            loop.call_at(when, lambda: found.append(loop.time()))
        await asyncio.sleep(YEAR_S)

    loop.run_until_complete(main())
    assert found == whens


def test_timers_of_the_same_time_run_in_the_order_in_which_they_were_made(loop: VirtualLoop) -> None:
    found: list[int] = []

    async def main() -> None:
        for number in range(20):
            loop.call_later(1.0, found.append, number)
        await asyncio.sleep(2.0)

    loop.run_until_complete(main())
    assert found == list(range(20))


def test_tasks_go_on_in_the_order_of_their_times(loop: VirtualLoop) -> None:
    found: list[tuple[str, float]] = []

    async def every(name: str, seconds: float) -> None:
        for _ in range(3):
            await asyncio.sleep(seconds)
            found.append((name, loop.time()))

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(every("slow", 5.0))
            group.create_task(every("quick", 2.0))

    loop.run_until_complete(main())
    assert found == [("quick", 2), ("quick", 4), ("slow", 5), ("quick", 6), ("slow", 10), ("slow", 15)]


def test_what_is_ready_comes_before_any_timer(loop: VirtualLoop) -> None:
    found: list[str] = []

    def again(left: int) -> None:
        found.append("ready")
        if left:
            loop.call_soon(again, left - 1)

    async def main() -> None:
        loop.call_later(1e-6, found.append, "timer")
        loop.call_soon(again, 50)
        await asyncio.sleep(1.0)

    loop.run_until_complete(main())
    assert found == ["ready"] * 51 + ["timer"]


def test_a_cancelled_timer_neither_runs_nor_moves_the_clock(loop: VirtualLoop) -> None:
    found: list[str] = []

    async def main() -> float:
        loop.call_later(100.0, found.append, "cancelled").cancel()
        loop.call_later(1.0, loop.call_later(2.0, found.append, "cancelled by another").cancel)
        async with asyncio.timeout(1000.0):
            await asyncio.sleep(5.0)
        await asyncio.sleep(0)
        return loop.time()

    assert loop.run_until_complete(main()) == 5.0
    assert found == []


def test_a_timeout_ends_a_wait_at_its_time(loop: VirtualLoop) -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.25):
                await loop.create_future()
        return loop.time()

    assert loop.run_until_complete(main()) == 0.25


def test_months_pass_in_no_time_and_short_waits_are_exact_after_them(loop: VirtualLoop) -> None:
    async def main() -> float:
        for _ in range(12):
            await asyncio.sleep(30 * DAY_S)
        before = loop.time()
        await asyncio.sleep(0.001)
        return loop.time() - before

    began = time.perf_counter()
    assert loop.run_until_complete(main()) == pytest.approx(0.001, abs=1e-8)
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("years", [5, 100, 1e6])
def test_a_wait_that_was_meant_as_for_ever_comes_to_its_end(loop: VirtualLoop, years: float) -> None:
    """Far out a float cannot hold the loop's resolution any more."""

    async def main() -> None:
        await asyncio.sleep(years * YEAR_S)
        await asyncio.sleep(10.0)

    loop.run_until_complete(asyncio.wait_for(main(), 2 * years * YEAR_S))
    assert loop.time() == pytest.approx(years * YEAR_S + 10)


def test_work_for_a_thread_is_done_in_place_while_the_clock_stands(loop: VirtualLoop) -> None:
    def work(number: int) -> tuple[int, str, float]:
        return number, threading.current_thread().name, loop.time()

    async def main() -> list[tuple[int, str, float]]:
        await asyncio.sleep(3.0)
        loop.call_later(0.001, lambda: pytest.fail("the clock went on"))
        with ThreadPoolExecutor(1) as pool:
            return [
                await asyncio.to_thread(work, 1),
                await loop.run_in_executor(None, work, 2),
                await loop.run_in_executor(pool, work, 3),
            ]

    name = threading.current_thread().name
    assert loop.run_until_complete(main()) == [(number, name, 3.0) for number in (1, 2, 3)]


def test_what_such_work_raises_goes_to_whoever_awaits_it(loop: VirtualLoop) -> None:
    def work() -> None:
        raise ZeroDivisionError("no such luck")

    async def main() -> str:
        done = loop.run_in_executor(None, work)
        await asyncio.sleep(1.0)
        try:
            await done
        except ZeroDivisionError as error:
            return str(error)
        return "nothing was raised"

    assert loop.run_until_complete(main()) == "no such luck"


def test_while_the_clock_is_held_the_loop_waits_for_another_thread(loop: VirtualLoop) -> None:
    go = threading.Event()
    found: list[str] = []

    def elsewhere(done: "asyncio.Future[None]") -> None:
        assert go.wait(10)
        loop.call_soon_threadsafe(done.set_result, None)

    async def main() -> float:
        loop.call_later(1.0, found.append, "timer")
        done = loop.create_future()
        thread = threading.Thread(target=elsewhere, args=(done,))
        thread.start()
        with loop.held(), loop.held():
            loop.call_soon(go.set)
            await done
            assert found == [], "the clock must stand still"
        thread.join(10)
        await asyncio.sleep(2.0)
        return loop.time()

    assert loop.run_until_complete(main()) == 2.0
    assert found == ["timer"]


def test_a_loop_with_nothing_to_do_says_so_and_may_be_given_something(loop: VirtualLoop) -> None:
    forever: asyncio.Future[str] = loop.create_future()
    asked: list[float] = []

    def on_stuck() -> bool:
        asked.append(loop.time())
        forever.set_result("helped")
        return True

    async def main() -> str:
        await asyncio.sleep(4.0)
        return await forever

    loop.on_stuck = on_stuck
    assert loop.run_until_complete(main()) == "helped"
    assert asked == [4.0]


def test_a_loop_that_is_held_or_has_a_timer_is_not_stuck(loop: VirtualLoop) -> None:
    asked: list[float] = []
    loop.on_stuck = lambda: bool(asked.append(loop.time()))

    async def main() -> None:
        done = loop.create_future()
        with loop.held():
            timer = threading.Timer(0.02, loop.call_soon_threadsafe, [done.set_result, None])
            timer.start()
            await done
        timer.join(10)
        await asyncio.sleep(5.0)

    loop.run_until_complete(main())
    assert asked == []


def test_a_stuck_loop_that_nobody_helps_waits_for_another_thread(loop: VirtualLoop) -> None:
    asked = threading.Event()
    loop.on_stuck = lambda: bool(asked.set())
    done: asyncio.Future[None] = loop.create_future()

    def elsewhere() -> None:
        assert asked.wait(10)
        loop.call_soon_threadsafe(done.set_result, None)

    thread = threading.Thread(target=elsewhere)
    thread.start()

    async def main() -> float:
        await done
        return loop.time()

    assert loop.run_until_complete(main()) == 0.0
    thread.join(10)


def test_a_paced_loop_takes_its_real_time(paced: Callable[[float], VirtualLoop]) -> None:
    loop = paced(100.0)
    began = time.perf_counter()
    loop.run_until_complete(asyncio.sleep(20.0))
    assert loop.time() == 20.0
    assert 0.19 < time.perf_counter() - began < 10


def test_a_paced_loop_is_exact_at_its_timers(paced: Callable[[float], VirtualLoop]) -> None:
    loop = paced(1000.0)
    found: list[float] = []

    async def main() -> None:
        for number in range(5):
            loop.call_at(10.0 * number, lambda: found.append(loop.time()))
        await asyncio.sleep(45.0)

    loop.run_until_complete(main())
    assert found == [0.0, 10.0, 20.0, 30.0, 40.0]


def test_a_call_from_another_thread_reaches_a_paced_loop_at_once(paced: Callable[[float], VirtualLoop]) -> None:
    loop = paced(10.0)

    async def main() -> tuple[float, float]:
        called = asyncio.Event()
        threading.Timer(0.2, loop.call_soon_threadsafe, [called.set]).start()
        loop.call_later(600.0, lambda: pytest.fail("a minute of real time has passed"))
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        await called.wait()
        return time.perf_counter() - began, loop.time()

    real_s, virtual_s = loop.run_until_complete(main())
    assert real_s < 10.0
    assert 1.0 < virtual_s < 10.0 * (real_s + 1.0)


def test_a_paced_loop_does_not_hurry_after_it_stood_still(paced: Callable[[float], VirtualLoop]) -> None:
    """A fit of the learner, or a pause: what comes after it is played at the speed asked for."""
    loop = paced(100.0)

    async def main() -> float:
        await asyncio.sleep(1.0)
        await asyncio.to_thread(time.sleep, 0.5)
        began = time.perf_counter()
        await asyncio.sleep(30.0)
        return time.perf_counter() - began

    assert loop.run_until_complete(main()) > 0.25


def test_a_paced_loop_stands_still_while_nothing_can_happen(paced: Callable[[float], VirtualLoop]) -> None:
    loop = paced(100.0)

    async def main() -> float:
        await asyncio.sleep(1.0)
        called = asyncio.Event()
        threading.Timer(0.4, loop.call_soon_threadsafe, [called.set]).start()
        await called.wait()
        assert loop.time() == 1.0
        began = time.perf_counter()
        await asyncio.sleep(30.0)
        return time.perf_counter() - began

    assert loop.run_until_complete(main()) > 0.25


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        VirtualLoop(speed)
