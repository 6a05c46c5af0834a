"""The latch when it is pressed more often, with stranger words and by worse clocks than anybody would think of."""

import asyncio
import resource
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from motet.api import estop as api
from motet.api.station import Hosting, Options
from motet.cli.app import app
from motet.model.events import StationState
from motet.station import LocalStation
from motet.station.latch import Latch
from motet.station.latch_state import KEPT, PRESSES, Cleared, LatchState, latch_file, parsed, read, update
from motet_testing.mosquitto import StartMosquitto

PATIENCE_S = 20.0
LAB = """\
lab: bench
broker: BROKER
hardware: simulated
simulation: {lines: memory}
stations:
  a:
    remote: true
    devices:
      function: {driver: benchmark_function, line: /dev/null}
"""


def test_however_often_it_is_pressed_it_can_be_read_and_cleared(tmp_path: Path) -> None:
    """The longest reasons that can be, of characters that take the most room."""
    path = latch_file(tmp_path, "bench")
    state = LatchState().pressed("smoke", "ann")
    for number in range(2 * PRESSES):
        state = state.pressed(5000 * "\1", f"{number} {500 * chr(1)}")
    assert update(path, state) == read(path) == parsed(state.model_dump_json().encode()) == state
    assert (len(state.trips), state.trips[0].reason) == (PRESSES, "smoke"), "the first one tells the cause"
    assert state.trips[-1].who.startswith(f"{2 * PRESSES - 1} "), "what nobody can have seen yet stays"
    assert update(path, state.released("ann")).trips == ()
    assert state.released("ann").merged(state).trips == ()


def test_presses_that_are_forgotten_are_the_same_ones_in_any_order() -> None:
    states = [LatchState().pressed("smoke", str(number)) for number in range(2 * PRESSES)]
    one = other = LatchState()
    for state, opposite in zip(states, reversed(states), strict=True):
        one, other = one.merged(state), opposite.merged(other)
    assert one == other


def test_a_clearing_counts_though_the_clock_was_years_ahead_before() -> None:
    ahead = LatchState(cleared=tuple(Cleared(id=str(number), who="eve", at=4e9 + number) for number in range(KEPT)))
    pressed = ahead.merged(LatchState().pressed("smoke", "ann"))
    cleared = pressed.released("bob")
    assert cleared.merged(pressed).trips == ()
    assert max(cleared.cleared, key=lambda one: one.at).who == "bob"


def test_a_disk_that_is_full_holds_the_lab_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motet.station.latch.AGAIN_S", 0.05)
    path = latch_file(tmp_path, "bench")
    update(path, LatchState().pressed("old", "ann").released("bob"))

    async def scenario() -> None:
        async with Latch("bench", tmp_path) as hearing, Latch("bench", tmp_path) as pressing:
            with full():
                told = await api.estop(api.Place(lab="bench"), tmp_path, "smoke")
                assert told.reached == (str(path),)
                await until(lambda: hearing.latched is not None)
                await pressing.trip("fire", "ann")
                assert [trip for trip in read(path).trips if "no room" in trip.reason]
                first = read(path)
                with pytest.raises(OSError, match="File too large"):
                    update(path, first.released("eve"))
                assert read(path) == first, "what cannot be kept is not cleared"
            await until(lambda: "fire" in [trip.reason for trip in read(path).trips])
            await api.clear(api.Place(lab="bench"), tmp_path, "eve")
            await until(lambda: hearing.latched is None)
            with full():
                await api.estop(api.Place(lab="bench"), tmp_path)
                await until(lambda: hearing.latched is not None)

    asyncio.run(scenario())


@contextmanager
def full() -> Generator[None]:
    """A file can be made and emptied, but nothing can be written to it: as on a disk that is full, for this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_reason_that_is_no_text_presses_all_the_same(tmp_path: Path) -> None:
    """As a terminal gives it whose encoding is another than this computer's."""
    place = api.Place(lab="bench")
    told = asyncio.run(api.estop(place, tmp_path, b"Rauch \xfcber der Zelle".decode(errors="surrogateescape")))
    assert told.reached
    assert read(latch_file(tmp_path, "bench")).trips[0].reason == "Rauch ?ber der Zelle"


def test_a_press_that_reaches_nobody_does_not_say_that_it_has_stopped_anything(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text("lab: bench\nbroker: none\n")
    latch_file(tmp_path / "data", "bench").mkdir(parents=True)  # nothing can be written there, whoever asks
    words = ["--lab", str(tmp_path / "lab.yaml"), "--data", str(tmp_path / "data")]
    for command, said in ((["estop", "smoke"], "NOT STOPPED"), (["clear", "--yes"], "not cleared")):
        done = CliRunner().invoke(app, [*command, *words])
        assert (done.exit_code, said in done.output) == (4, True), done.output
        assert not any(line.startswith(("cleared", "nothing moves")) for line in done.output.splitlines())


def test_a_broker_that_hangs_is_named_with_the_reason(tmp_path: Path, start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto()
    broker.freeze()
    try:
        place = api.Place.model_validate({"lab": "bench", "broker": {"url": broker.url, "keepalive": "1 s"}})
        told = asyncio.run(asyncio.wait_for(api.estop(place, tmp_path, "smoke"), PATIENCE_S))
    finally:
        broker.thaw()
    assert told.reached == (str(latch_file(tmp_path, "bench")),)
    assert len(told.missed) == 1
    assert told.missed[0].removeprefix(f"{broker.url}: ").strip()


def test_a_broker_that_may_not_pass_it_on_is_not_said_to_know(
    tmp_path: Path, start_mosquitto: StartMosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It acknowledges the message all the same."""
    monkeypatch.setattr(api, "CONFIRMED_S", 0.5)
    monkeypatch.setenv("ANN", "secret")
    broker = start_mosquitto(users={"ann": "secret"}, acl="user ann\ntopic read motet/#\ntopic motet/bench/estop/#\n")
    where = {"url": broker.url, "user": "ann", "password": {"env": "ANN"}}
    place = api.Place.model_validate({"lab": "other", "broker": where})
    told = asyncio.run(asyncio.wait_for(api.estop(place, tmp_path, "smoke"), PATIENCE_S))
    assert [one for one in told.missed if "do its rules forbid motet/other/estop?" in one]
    monkeypatch.undo()
    monkeypatch.setenv("ANN", "secret")
    told = asyncio.run(asyncio.wait_for(api.estop(api.Place(lab="bench", broker=place.broker), tmp_path), PATIENCE_S))
    assert broker.url in told.reached


def test_a_station_process_that_is_stopped_while_it_connects_comes_up_stopped(
    tmp_path: Path, mosquitto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(LAB.replace("BROKER", mosquitto))
    file = latch_file(tmp_path, "bench")
    connect = LocalStation.connect
    stations: list[LocalStation] = []

    async def stopped_meanwhile(station: LocalStation) -> None:
        stations.append(station)
        await asyncio.to_thread(update, file, LatchState().pressed("smoke", "ann"))
        await until(lambda: station.state is StationState.ESTOPPED)
        await connect(station)

    monkeypatch.setattr(LocalStation, "connect", stopped_meanwhile)
    hosting = Hosting(Options(["a"], path, tmp_path))
    try:
        hosting.ready.result(PATIENCE_S)
        assert stations[0].state is StationState.ESTOPPED
        update(file, read(file).released("ann"))
        asyncio.run(until(lambda: stations[0].state is StationState.IDLE))
        hosting.end("the test is over")
        hosting.wait(PATIENCE_S)
    finally:
        hosting.close()


async def until(come: Callable[[], bool]) -> None:
    """Wait for what the latch's own looks at the file bring about."""
    async with asyncio.timeout(PATIENCE_S):
        while not come():  # noqa: ASYNC110 - it is looked at, as a page does
            await asyncio.sleep(0.01)
