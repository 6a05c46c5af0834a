"""`stop` and `safe`, at rest and in the middle of what takes long."""

import asyncio

import pytest

from motet.errors import InstrumentError
from motet_conformance.applies import long, watched, where
from motet_conformance.base import Part, outcome, within
from motet_conformance.rig import Rig, driver_of

BEGINS_S = 60.0
"""A call that takes long has set something in motion after so many virtual seconds."""
MEANWHILE_S = 0.5
"""It is left to itself for so long before it is stopped."""
ENDS_S = 30.0
"""A stopped verb has ended after so long, and the instrument is at rest."""
LOOK_S = 0.01
SILENCE_S, SILENCE_PART = 5.0, 0.1
"""While something moves, its driver asks at least so often, unless the instrument says by itself that it has ended:
virtual seconds, or part of how long it takes."""


async def until(made: Rig, at_rest: bool, longest: float) -> None:
    """Until the simulator is at rest, or is not any more. Fails after so many virtual seconds."""
    end = asyncio.get_running_loop().time() + longest
    while made.at_rest() is not at_rest:
        assert asyncio.get_running_loop().time() < end, f"{'still moves' if at_rest else 'at rest'} after {longest:g} s"
        await asyncio.sleep(LOOK_S)


class StoppingPart(Part):
    """`stop`, `safe`."""

    async def _moving(self, made: Rig) -> "asyncio.Task[object]":
        """The long call, under way."""
        task: asyncio.Task[object] = asyncio.create_task(made.do(self.moving))
        looking = asyncio.create_task(until(made, False, BEGINS_S))
        await asyncio.wait([task, looking], return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), f"{self.moving} ended before anything moved: {await outcome(task)}"
        await looking
        await asyncio.sleep(MEANWHILE_S)
        assert not task.done(), f"{self.moving} ended after less than {MEANWHILE_S:g} s: it is to take long"
        assert not made.at_rest()
        return task

    async def _ended(self, made: Rig, task: "asyncio.Task[object]") -> Exception | None:
        _, error = await within(ENDS_S, f"{self.moving}, after it was stopped", outcome(task))
        await until(made, True, ENDS_S)
        return error

    async def _usable(self, made: Rig) -> None:
        """It works as before."""
        await made.prepare()
        await made.do(self.case.harmless)
        again = await self._moving(made)
        await made.device.stop()
        await self._ended(made, again)

    @where(long)
    @pytest.mark.parametrize("how", ["stop", "safe"])
    def test_in_the_middle_of_a_verb_it_comes_to_rest_and_can_be_used_again(self, how: str) -> None:
        async def work(made: Rig) -> None:
            await made.ready()
            task = await self._moving(made)
            await within(ENDS_S, how, made.device.stop() if how == "stop" else made.device.safe())
            error = await self._ended(made, task)
            assert isinstance(error, InstrumentError), f"{self.moving} ended with {error!r}, not with InstrumentError"
            assert made.device.name in str(error)
            await self._usable(made)

        self.run(work)

    @where(long)
    def test_the_runengine_s_stop_ends_a_verb_without_an_error(self) -> None:
        async def work(made: Rig) -> None:
            await made.ready()
            task = await self._moving(made)
            await made.device.verbs[self.moving.verb].stop()
            error = await self._ended(made, task)
            assert error is None, repr(error)
            await self._usable(made)

        self.run(work)

    @where(watched)
    def test_a_verb_asks_its_instrument_or_waits_for_its_word_and_not_for_a_time(self) -> None:
        async def work(made: Rig) -> None:
            await made.ready()
            first = len(made.traffic.at)
            _, error = await outcome(made.do(self.moving))
            said: list[str] = [direction for direction, _ in made.traffic.said[first:]]
            assert said, f"{self.moving} sent nothing"
            said.append(">" if error is None else "<")  # one that waited in vain for a word may say so
            at = [*made.traffic.at[first:], asyncio.get_running_loop().time()]
            most = max(SILENCE_S, SILENCE_PART * (at[-1] - at[0]))
            for direction, before, after in zip(said[1:], at[:-1], at[1:], strict=True):
                silent = after - before
                assert direction == "<" or silent <= most, f"{self.moving}: its driver did not ask for {silent:g} s"

        self.run(work)

    def test_stop_twice_and_at_rest_does_no_harm(self) -> None:
        async def work(made: Rig) -> None:
            await made.ready()
            before = await made.do(self.case.harmless)
            for _ in range(2):
                await made.device.stop()
            assert made.at_rest()
            await made.prepare()
            assert (await made.do(self.case.harmless)).keys() == before.keys()
            await made.device.safe()
            await made.device.safe()
            assert made.at_rest()
            await made.prepare()
            assert (await made.do(self.case.harmless)).keys() == before.keys()

        self.run(work)

    def test_what_safe_does_is_written_down(self) -> None:
        device = driver_of(self.case).make
        told = f"{device.__doc__} {getattr(device, 'safe').__doc__}"  # noqa: B009 - any class may be a driver's
        assert "safe" in str(device.__doc__) or "safe" in vars(device), f"{told}: say what `safe` does"
