"""The latch of a lab: durable, known everywhere, cleared by a person only."""

import asyncio
import itertools
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from motet.api import estop as api
from motet.bus import Bus, MemoryBus
from motet.errors import EmergencyStop, NotFound
from motet.station.latch import Latch
from motet.station.latch_state import LatchState, latch_file, parsed, read, update
from motet_testing.mosquitto import StartMosquitto

PATIENCE_S = 10.0


class Lamp:
    """Shows what a station would do."""

    name = "lamp"

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.changed = asyncio.Event()

    async def estop(self, reason: str) -> None:
        self._show(reason)

    async def clear(self) -> None:
        self._show("cleared")

    def _show(self, what: str) -> None:
        self.seen.append(what)
        self.changed.set()

    async def until(self, count: int) -> None:
        """Wait until it has shown so many things."""
        while len(self.seen) < count:
            self.changed.clear()
            await self.changed.wait()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, PATIENCE_S))


def lab(folder: Path, broker: str = "none") -> Path:
    """A lab file with mistakes: the emergency stop does not care."""
    path = folder / "lab.yaml"
    path.write_text(f"lab: bench\nbroker: {broker}\nstations: {{wrong: 1}}\n")
    return path


def test_states_come_together_in_any_order_and_as_often_as_they_like() -> None:
    first = LatchState().pressed("smoke", "ann")
    second = LatchState().pressed("fire", "bob")
    cleared = first.released("eve")
    for order in itertools.permutations([first, second, cleared, first]):
        found = LatchState()
        for state in order:
            found = found.merged(state)
        assert [trip.reason for trip in found.trips] == ["fire"], "what nobody cleared stays"
        assert found == cleared.merged(second)


def test_the_file_reaches_a_running_process_and_holds_after_a_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Latch("bench", tmp_path) as latch:
            latch.check()
            lamp = Lamp()
            latch.guard(lamp)
            told = await api.estop(lab(tmp_path), tmp_path, "smoke", "ann")
            assert (told.missed, told.reached) == ((), (str(latch_file(tmp_path, "bench")),))
            await lamp.until(1)
            assert lamp.seen[0].startswith("e-stopped by ann at ")
            with pytest.raises(EmergencyStop, match=r"bench is e-stopped by ann at .*: smoke; .*`motet clear`"):
                latch.check()
        async with Latch("bench", tmp_path) as latch:
            late = Lamp()
            latch.guard(late)
            await late.until(1)
            await api.clear(lab(tmp_path), tmp_path, "bob")
            await late.until(2)
            assert late.seen[1] == "cleared"
            latch.check()
        with pytest.raises(NotFound):
            await api.clear(lab(tmp_path), tmp_path)

    run(scenario())


def test_those_who_write_the_file_at_once_lose_nothing_of_one_another(tmp_path: Path) -> None:
    path = latch_file(tmp_path, "bench")
    known = update(path, LatchState().pressed("smoke", "ann"))
    presses = [LatchState().pressed(f"fire {number}", "bob") for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(update, repeat(path), [*presses, known.released("eve")]))
    assert {trip.reason for trip in read(path).trips} == {f"fire {number}" for number in range(12)}
    assert [one.who for one in read(path).cleared] == ["eve"]


def test_what_somebody_who_knows_less_says_in_the_same_moment_does_not_stay_at_the_broker() -> None:
    topic = "motet/bench/estop"

    class Overtaken(MemoryBus):
        stale = True

        async def publish(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False) -> None:
            await super().publish(topic, payload, qos=qos, retain=retain)
            if self.stale and retain:
                self.stale = False
                await super().publish(topic, LatchState().model_dump_json(), retain=True)
                await asyncio.sleep(0)  # it arrives before the first one is acknowledged

    async def scenario() -> None:
        kept: list[LatchState] = []
        async with Overtaken() as bus, Latch("bench", None, bus) as latch:
            await latch.trip("smoke")
            assert latch.untold == ()
            await bus.subscribe(topic, lambda message: kept.append(parsed(message.payload)))
            await asyncio.sleep(0)
        assert [state.latched and state.latched.reason for state in kept] == ["smoke"]

    run(scenario())


def test_a_damaged_file_counts_as_pressed_until_it_is_cleared(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = latch_file(tmp_path, "bench")
        path.write_text('{"trips": [')
        async with Latch("bench", tmp_path) as latch:
            with pytest.raises(EmergencyStop, match="is damaged"):
                latch.check()
            await api.clear(lab(tmp_path), tmp_path)
            assert read(path).latched is None

    run(scenario())


def test_the_broker_carries_it_to_those_who_share_no_folder_and_keeps_it_for_those_who_come_later(
    tmp_path: Path, start_mosquitto: StartMosquitto
) -> None:
    broker = start_mosquitto()

    async def scenario() -> None:
        async with Bus(broker.url, client_id="far") as far, Latch("bench", tmp_path / "far", far) as latch:
            lamp = Lamp()
            latch.guard(lamp)
            told = await api.estop(lab(tmp_path, broker.url), tmp_path / "here", "smoke")
            assert not told.missed
            await lamp.until(1)
            async with Bus(broker.url, client_id="late") as bus, Latch("bench", None, bus) as late:
                assert late.latched is not None, "retained"
                await late.clear("bob")
                await lamp.until(2)
                assert lamp.seen[1] == "cleared"
        assert read(latch_file(tmp_path / "far", "bench")).latched is None

    run(scenario())


def test_what_was_pressed_while_the_broker_was_away_holds_everybody_when_it_is_back(
    tmp_path: Path, start_mosquitto: StartMosquitto
) -> None:
    broker = start_mosquitto()

    async def scenario() -> None:
        async with (
            Bus(broker.url, client_id="one") as first,
            Bus(broker.url, client_id="two") as second,
            Latch("bench", tmp_path / "one", first) as one,
            Latch("bench", tmp_path / "two", second) as two,
        ):
            here, there = Lamp(), Lamp()
            one.guard(here)
            two.guard(there)
            broker.kill()
            one.trip_soon("heartbeat: nothing was heard of the lab")
            await here.until(1)
            assert there.seen == []
            broker.start()
            await there.until(1)
            assert "heartbeat" in there.seen[0]

    run(scenario())


@pytest.mark.parametrize("payload", [b"", b"stop", b'{"trips": 5}', b'{"cleared": [{"id": "x"}]}', b"{" * 300_000])
def test_what_is_no_message_of_the_latch_neither_presses_nor_clears_it(
    tmp_path: Path, start_mosquitto: StartMosquitto, payload: bytes
) -> None:
    broker = start_mosquitto()

    async def scenario() -> None:
        async with (
            Bus(broker.url, client_id="other") as other,
            Bus(broker.url, client_id="one") as bus,
            Latch("bench", tmp_path, bus) as latch,
        ):
            lamp = Lamp()
            latch.guard(lamp)
            await latch.trip("smoke", "ann")
            await other.publish("motet/bench/estop", payload, retain=True)
            await api.estop(lab(tmp_path, broker.url), tmp_path, "more smoke", "bob")
            await lamp.until(2)
            assert latch.latched is not None
            assert latch.latched.reason == "smoke"
            assert "cleared" not in lamp.seen

    run(scenario())
