"""One holder at a time, everybody in turn, nobody for ever; in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.errors import ProcedureError
from motet.simulation.virtual import VirtualLoop
from motet.station.leases import MOST_PASSED, Leases


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run to its end in virtual time; a deadlock fails instead of hanging."""
    with closing(VirtualLoop()) as loop:
        task = loop.create_task(work())
        stuck: list[float] = []

        def give_up() -> bool:
            stuck.append(loop.time())
            for one in asyncio.all_tasks(loop):
                one.cancel()
            return True

        loop.on_stuck = give_up
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pytest.fail(f"nothing could go on after {stuck} s")
        assert not stuck


@dataclass
class Use:
    """What one task of a random schedule does, and when it came, got and left."""

    who: str
    start: float
    resources: Sequence[str]
    seconds: float
    priority: int
    step: bool
    cancelled_after: float | None
    raises: bool
    got: float | None = None
    left: float | None = None


uses = st.builds(
    Use,
    who=st.sampled_from(["x", "y", "z"]),
    start=st.integers(0, 4).map(float),
    resources=st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True),
    seconds=st.integers(0, 4).map(float),
    priority=st.integers(0, 1),
    step=st.booleans(),
    cancelled_after=st.none() | st.integers(0, 6).map(float),
    raises=st.booleans(),
)


@dataclass
class Seen:
    """Who holds what, as those who hold it say."""

    now: dict[str, int] = field(default_factory=dict[str, int])

    def begin(self, resources: Sequence[str]) -> None:
        for name in resources:
            assert not self.now.get(name), f"two hold {name}"
            self.now[name] = 1

    def end(self, resources: Sequence[str]) -> None:
        for name in resources:
            self.now[name] = 0


async def _use(use: Use, leases: Leases, seen: Seen) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(use.start)
    try:
        async with leases.hold(use.resources, use.who, priority=use.priority) as held:
            use.got = held.since
            resources = held.resources
            assert sorted(resources) == sorted(use.resources)
            seen.begin(resources)
            try:
                if use.step:
                    async with leases.hold(("step",), use.who):
                        seen.begin(["step"])
                        try:
                            await asyncio.sleep(use.seconds)
                        finally:
                            seen.end(["step"])
                else:
                    await asyncio.sleep(use.seconds)
                if use.raises:
                    raise RuntimeError("of the schedule")
            finally:
                seen.end(resources)
    finally:
        use.left = loop.time()


@given(st.lists(uses, min_size=1, max_size=8))
@settings(deadline=None, max_examples=150)
def test_no_schedule_locks_up_or_has_two_holders_or_passes_a_higher_priority_over(plan: list[Use]) -> None:
    async def all_of_them() -> None:
        leases, seen = Leases(), Seen()
        tasks = [asyncio.create_task(_use(use, leases, seen)) for use in plan]
        for use, task in zip(plan, tasks, strict=True):
            if use.cancelled_after is not None:
                asyncio.get_running_loop().call_later(use.cancelled_after, task.cancel)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError) or "schedule" in str(result), result
        assert [leases.holder(name) for name in ("a", "b", "c", "step")] == [None] * 4
        assert not any(leases.waiting(name) for name in ("a", "b", "c", "step"))

    run(all_of_them)
    single = [use for use in plan if len(use.resources) == 1]
    for served in single:
        for passed in single:
            if served.got is None or passed.priority <= served.priority or passed.resources != served.resources:
                continue
            waited_before = served.start < served.got and passed.start < served.got
            still_waits = (passed.got is None or passed.got > served.got) and (passed.left or 0) > served.got
            assert not (waited_before and still_waits), f"{served} came before {passed}"


def test_who_has_used_least_for_its_share_is_served_first() -> None:
    counts = {"twice": 0, "once": 0}

    async def work() -> None:
        leases = Leases()

        async def again(who: str, share: float) -> None:
            while asyncio.get_running_loop().time() < 299.5:
                async with leases.hold(("cell",), who, share=share):
                    counts[who] += 1
                    await asyncio.sleep(1)

        await asyncio.gather(again("once", 1.0), again("twice", 2.0), again("twice", 2.0))

    run(work)
    assert counts["twice"] + counts["once"] in range(298, 304)
    assert counts["twice"] == pytest.approx(2 * counts["once"], abs=4)


def test_in_turn_a_higher_priority_goes_first_and_nobody_is_passed_for_ever() -> None:
    order: list[str] = []

    async def work() -> None:
        leases = Leases(in_turn=True)

        async def use(who: str, start: float, priority: int, seconds: float = 10) -> None:
            await asyncio.sleep(start)
            async with leases.hold(("robot",), who, priority=priority):
                order.append(who)
                await asyncio.sleep(seconds)

        async def again() -> None:
            await asyncio.sleep(6)
            while len(order) < 20:
                await use("high", 0, 5)

        low = [use(f"low{number}", 1 + number, 0) for number in (1, 2)]
        await asyncio.gather(use("first", 0, 0), *low, use("middle", 5, 1), again(), again())

    run(work)
    assert order[:10] == ["first", *["high"] * MOST_PASSED, "low1", "low2", "middle", *["high"] * 3]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=12))
@settings(deadline=None, max_examples=100)
def test_in_turn_who_came_first_is_passed_a_few_times_at_most_and_only_by_a_higher_priority(
    plan: list[tuple[int, int, int]],
) -> None:
    came: list[int] = []
    got: list[int] = []

    async def work() -> None:
        leases = Leases(in_turn=True)

        async def use(number: int, start: int, priority: int, seconds: int) -> None:
            await asyncio.sleep(start + number / 1000)
            came.append(number)
            async with leases.hold(("robot",), str(number), priority=priority):
                got.append(number)
                await asyncio.sleep(seconds)

        await asyncio.gather(*(use(number, *one) for number, one in enumerate(plan)))

    run(work)
    assert sorted(got) == list(range(len(plan)))
    for number, (_, priority, _) in enumerate(plan):
        passed_by = [one for one in got[: got.index(number)] if came.index(one) > came.index(number)]
        assert all(plan[one][1] > priority for one in passed_by) or len(passed_by) <= MOST_PASSED
        assert len(passed_by) <= MOST_PASSED


def test_a_latecomer_has_its_share_from_then_on_and_does_not_make_up_for_the_time_before() -> None:
    order: list[str] = []

    async def work() -> None:
        leases = Leases()

        async def again(who: str, start: float) -> None:
            await asyncio.sleep(start)
            while asyncio.get_running_loop().time() < 110:
                async with leases.hold(("cell",), who):
                    order.append(who)
                    await asyncio.sleep(1)

        await asyncio.gather(again("early", 0), again("early", 0), again("late", 100.5))

    run(work)
    together = order[order.index("late") :]
    assert together.count("early") >= 3
    assert together.count("late") <= 7


def test_leases_of_no_length_do_not_keep_others_waiting() -> None:
    async def work() -> None:
        leases = Leases()
        served = asyncio.Event()

        async def idle() -> None:
            while not served.is_set():
                async with leases.hold(("cell",), "idle"):
                    await asyncio.sleep(0)

        async def once() -> None:
            async with leases.hold(("cell",), "once"):
                await asyncio.sleep(5)
            async with leases.hold(("cell",), "once"):
                served.set()

        await asyncio.gather(once(), idle(), idle())

    run(work)


def test_waiting_is_told_with_its_time_also_when_it_was_given_up() -> None:
    waits: list[tuple[str, str, float]] = []

    async def work() -> None:
        leases = Leases(lambda resource, who, seconds: waits.append((resource, who, seconds)))

        async def use(who: str, seconds: float) -> None:
            async with leases.hold(("robot",), who):
                await asyncio.sleep(seconds)

        first, second, third = (asyncio.create_task(use(who, 3)) for who in ("first", "second", "third"))
        await asyncio.sleep(2)
        assert (leases.holder("robot"), leases.waiting("robot")) == ("first", ("second", "third"))
        third.cancel()
        await asyncio.wait([first, second, third])

    run(work)
    assert waits == [("robot", "third", 2.0), ("robot", "second", 3.0)]


def test_a_lease_given_in_the_moment_of_a_cancellation_is_free_again() -> None:
    async def work() -> None:
        leases = Leases()
        held = await leases.acquire(("robot",), "first")
        second = asyncio.create_task(leases.acquire(("robot",), "second"))
        third = asyncio.create_task(leases.acquire(("robot",), "third"))
        await asyncio.sleep(1)
        held.release()
        held.release()
        assert leases.holder("robot") == "second"
        second.cancel()
        (await third).release()
        assert second.cancelled()
        assert leases.holder("robot") is None

    run(work)


def test_who_holds_too_long_is_cancelled_and_the_next_goes_on() -> None:
    async def work() -> None:
        leases = Leases()

        async def stuck() -> None:
            async with leases.hold(("robot",), "stuck", longest=10):
                await asyncio.Event().wait()

        first = asyncio.create_task(stuck())
        await asyncio.sleep(0)
        async with asyncio.timeout(11), leases.hold(("robot",), "next", longest=10):
            assert asyncio.get_running_loop().time() == 10
        with pytest.raises(ProcedureError, match="stuck held robot for 10 s"):
            await first
        told: list[Exception] = []
        held = await leases.acquire(("robot",), "plan", longest=5, too_long=told.append)
        await asyncio.sleep(6)
        assert [str(error) for error in told] == ["plan held robot for 5 s, the longest time that is allowed"]
        assert leases.holder("robot") == "plan"
        held.release()

    run(work)


def test_a_timeout_of_the_holders_own_stays_one() -> None:
    async def impatient() -> None:
        async with Leases().hold(("robot",), "cell", longest=10), asyncio.timeout(1):
            await asyncio.Event().wait()

    async def work() -> None:
        with pytest.raises(TimeoutError):
            await impatient()

    run(work)


def test_a_lease_of_nothing_or_without_a_share_is_refused() -> None:
    async def work() -> None:
        for resources, share in (((), 1.0), (("robot",), 0.0)):
            with pytest.raises(ValueError, match="a share above 0"):
                await Leases().acquire(resources, "cell", share=share)

    run(work)
