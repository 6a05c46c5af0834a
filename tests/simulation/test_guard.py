"""In virtual time nothing may really wait or reach out: each way to do so is found, and named with its place."""

import asyncio
import os
import pty
import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from time import sleep as nap
from typing import Any

import pytest
import serial

from motet.errors import SimulationError
from motet.learning.thread import LearnerThread
from motet.model.events import CampaignState
from motet.simulation.guard import computing, guarded
from motet.simulation.virtual import VirtualLoop

NOWHERE = ("127.0.0.1", 9)
LINE = "the line or bus that its context gives"


def sleeps() -> None:
    time.sleep(0.01)


def sleeps_by_another_name() -> None:
    nap(0.01)


def connects() -> None:
    with socket.socket() as made:
        made.connect(NOWHERE)


def creates_a_connection() -> None:
    socket.create_connection(NOWHERE).close()


def sends_a_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendto(b"?", NOWHERE)


def listens() -> None:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))


def looks_a_host_up() -> None:
    socket.getaddrinfo("localhost", 1883)


def looks_an_address_up() -> None:
    socket.gethostbyname("localhost")


def opens_a_port() -> None:
    os.close(os.open("/dev/ttyUSB0", os.O_RDWR))


def opens_a_port_by_its_path() -> None:
    Path("/dev/ttyUSB0").open("rb").close()


def opens_a_port_in_bytes() -> None:
    os.close(os.open(b"/dev/ttyUSB0", os.O_RDWR))


CULPRITS = {
    sleeps: r"really sleeps \(time\.sleep\(0\.01\)\); in virtual time use `await asyncio\.sleep\(\.\.\.\)`",
    sleeps_by_another_name: r"really sleeps \(time\.sleep\(0\.01\)\)",
    connects: rf"opens a real socket to \('127\.0\.0\.1', 9\); in virtual time use {LINE}",
    creates_a_connection: r"opens a real socket to '127\.0\.0\.1', port 9",
    sends_a_datagram: r"opens a real socket to \('127\.0\.0\.1', 9\)",
    listens: r"opens a real socket to \('127\.0\.0\.1', 0\)",
    looks_a_host_up: r"opens a real socket to 'localhost', port 1883",
    looks_an_address_up: r"opens a real socket to 'localhost'",
    opens_a_port: rf"opens the real port /dev/ttyUSB0; in virtual time use {LINE}",
    opens_a_port_by_its_path: r"opens the real port /dev/ttyUSB0",
    opens_a_port_in_bytes: r"opens the real port /dev/ttyUSB0",
}


@pytest.mark.parametrize("culprit", CULPRITS, ids=lambda culprit: culprit.__name__)
def test_whoever_waits_or_reaches_out_is_named_with_its_place(culprit: Callable[[], None]) -> None:
    line = culprit.__code__.co_firstlineno
    where = rf"test_guard\.{culprit.__name__} \({re.escape(__file__)}:({'|'.join(str(line + i) for i in (1, 2))})\) "
    with guarded() as guard, pytest.raises(SimulationError, match=where + CULPRITS[culprit]) as caught:
        culprit()
    assert guard.found == [str(caught.value)]


def test_what_neither_waits_nor_reaches_out_is_left_alone(tmp_path: Path) -> None:
    with guarded() as guard:
        time.sleep(0)
        nap(0.0)
        for name in ("/dev/null", "/dev/zero", "/dev/urandom"):
            Path(name).open("rb").close()
        (tmp_path / "notes").write_text("a file")
        one, other = socket.socketpair()
        one.send(b"within the process")
        one.close()
        other.close()
    assert guard.found == []


def test_other_threads_and_code_outside_of_a_simulation_are_left_alone() -> None:
    failed: list[BaseException] = []

    def elsewhere() -> None:
        try:
            sleeps()
        except SimulationError as error:
            failed.append(error)

    with guarded() as guard:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join(10)
    sleeps()
    assert (failed, guard.found) == ([], [])


def test_a_simulation_inside_of_another_one_leaves_the_outer_one_guarded() -> None:
    with guarded() as outer:
        with guarded() as inner, pytest.raises(SimulationError):
            sleeps()
        with pytest.raises(SimulationError):
            sleeps()
    assert (len(outer.found), len(inner.found)) == (1, 1)


def test_whoever_computes_may_sleep_but_not_reach_out() -> None:
    with guarded() as guard:
        with computing():
            sleeps()
            with pytest.raises(SimulationError):
                connects()
        with pytest.raises(SimulationError):
            sleeps()
    assert len(guard.found) == 2
    with computing():
        sleeps()


def test_a_learner_may_compute_in_several_threads() -> None:
    """A library that does so sleeps while it waits for them, as joblib does."""

    async def main() -> list[str]:
        with guarded() as guard:
            thread = LearnerThread()
            await thread.visit(sleeps)
            await thread.close(None, 1.0)
        return guard.found

    loop = VirtualLoop()
    try:
        assert loop.run_until_complete(main()) == []
    finally:
        loop.close()


@pytest.fixture
def on_a_loop() -> Callable[[Callable[[], Any]], list[str]]:
    """What is found while a coroutine runs in virtual time."""

    def run(work: Callable[[], Any]) -> list[str]:
        async def main() -> list[str]:
            with guarded() as guard, pytest.raises(SimulationError):
                await work()
            return guard.found

        loop = VirtualLoop()
        try:
            return loop.run_until_complete(main())
        finally:
            loop.close()

    return run


def test_work_for_a_thread_is_no_way_around(on_a_loop: Callable[[Any], list[str]]) -> None:
    async def driver() -> None:
        await asyncio.to_thread(time.sleep, 0.5)

    (found,) = on_a_loop(driver)
    assert "test_work_for_a_thread_is_no_way_around.<locals>.driver" in found
    assert "really sleeps (time.sleep(0.5))" in found


def test_a_connection_of_asyncio_is_found(on_a_loop: Callable[[Any], list[str]]) -> None:
    async def driver() -> None:
        await asyncio.open_connection("127.0.0.1", 9)

    (found,) = on_a_loop(driver)
    assert "test_a_connection_of_asyncio_is_found.<locals>.driver" in found
    assert "opens a real socket to ('127.0.0.1', 9)" in found


def test_a_library_on_the_way_does_not_hide_who_called_it(on_a_loop: Callable[[Any], list[str]]) -> None:
    host, instrument = pty.openpty()
    path = os.ttyname(instrument)

    def port() -> serial.Serial:
        return serial.Serial(path)

    async def driver() -> None:
        port().close()

    try:
        (found,) = on_a_loop(driver)
    finally:
        os.close(host)
        os.close(instrument)
    assert re.match(
        rf"\S*test_guard\.\S+<locals>\.port \({re.escape(__file__)}:\d+\) opens the real port {path};", found
    )


@pytest.mark.parametrize("fast", [False, True])
def test_a_driver_that_really_waits_ends_a_campaign_and_is_named(rig: Any, fast: bool) -> None:
    async def measured(x: float) -> float:
        await asyncio.sleep(1.0)
        time.sleep(0.25)  # noqa: ASYNC251 - what is to be found
        return x

    rig.measured = measured
    summary = rig.simulate(fast=fast)
    assert summary.state is CampaignState.FAILED
    assert re.match(
        r"SimulationError: \S*test_guard\.\S+<locals>\.measured \(\S+test_guard\.py:\d+\) really sleeps "
        r"\(time\.sleep\(0\.25\)\)",
        summary.reason,
    )
    assert summary.experiments == 1


@pytest.mark.parametrize("fast", [False, True])
def test_a_driver_that_swallows_the_error_is_found_all_the_same(rig: Any, fast: bool) -> None:
    async def measured(x: float) -> float:
        try:
            time.sleep(0.25)  # noqa: ASYNC251 - what is to be found
        except Exception:  # noqa: BLE001 - as careless drivers do
            return 0.0
        return x

    rig.measured = measured
    with pytest.raises(SimulationError, match=r"<locals>\.measured \(\S+test_guard\.py:\d+\) really sleeps"):
        rig.simulate(fast=fast)


def test_a_driver_that_turns_the_error_into_its_own_is_found_all_the_same(rig: Any) -> None:
    async def measured(x: float) -> float:
        try:
            connects()
        except SimulationError:
            raise OSError("no instrument at the other end") from None
        return x

    rig.measured = measured
    with pytest.raises(SimulationError, match=r"test_guard\.connects \(\S+test_guard\.py:\d+\) opens a real socket"):
        rig.simulate()


def test_a_driver_that_opens_a_real_port_never_gets_as_far_as_an_experiment(rig: Any) -> None:
    async def opened() -> None:
        serial.Serial("/dev/ttyUSB0").close()

    rig.opened = opened
    with pytest.raises(SimulationError, match=r"<locals>\.opened \(\S+test_guard\.py:\d+\) opens the real port"):
        rig.simulate()
