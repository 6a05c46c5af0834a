"""The conformance suite finds what is wrong with a driver: each test spoils one that is right, and the suite tells."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from motet.devices import Device, Expected, Output, Verb, verb
from motet.lines import Line
from motet_conformance import Call, Case, Conformance
from motet_drivers import gsv3


class ForceSensor(Conformance):
    """Not collected by pytest: its tests are called here."""

    case = Case(
        driver="gsv3",
        simulator={"preload": 30.0},
        harmless=Call("measure"),
        moving=Call("record", {"duration": 60.0}),
        at_rest=lambda simulator: not simulator.transmitting,
        beyond=(Call("record", {"duration": 3601.0}),),
        truth=lambda simulator: {"force": simulator.force()},
        tolerance={"force": 525 / 0x8000},
        random=lambda: st.just(Call("measure")),
    )


SUITE = ForceSensor()
FAILURES = (AssertionError, pytest.fail.Exception)


async def idle(self: Any, *args: Any, **kwargs: Any) -> tuple[str, ...]:
    """What a driver's method does that does nothing."""
    return ()


def unchecked(self: Any, *args: Any) -> None:
    """What a check is that lets everything pass."""


def tells(message: str, test: Callable[..., None], *arguments: Any) -> None:
    with pytest.raises(FAILURES, match=message):
        test(*arguments)


@pytest.mark.parametrize("how", ["stop", "safe"])
def test_a_stop_that_does_nothing(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gsv3.Gsv3, "stop", idle)
    test = SUITE.test_in_the_middle_of_a_verb_it_comes_to_rest_and_can_be_used_again
    tells("after it was stopped: not over after 30 s", test, how)


def test_a_driver_that_takes_any_instrument_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Expected, "check", unchecked)
    tells("DID NOT RAISE", SUITE.test_another_instrument_than_the_lab_file_names_is_refused, "firmware")
    tells("took another instrument for its own", SUITE.test_the_cable_is_put_back_into_another_instrument)


def test_limits_that_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verb, "check", unchecked)
    tells(r"record\(duration=3601.0\)", SUITE.test_calls_beyond_a_limit_are_refused_with_nothing_sent)
    tells("DID NOT RAISE", SUITE.test_limits_of_the_lab_tighten_those_of_the_instrument)
    tells("DID NOT RAISE", SUITE.test_what_is_no_number_is_refused_with_nothing_sent)


def test_a_parser_that_believes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    def value(frame: bytes) -> int:
        return int.from_bytes(frame[-2:], "big")

    monkeypatch.setattr(gsv3, "_value", value)
    test = SUITE.test_a_fault_gives_the_right_value_or_an_error_and_then_passes
    tells("garble of answer 0: a wrong value", test, "garble")


def test_a_driver_that_stays_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Device, "recover", idle)
    tells("opened what is not there", SUITE.test_a_pulled_cable_is_told_and_when_it_is_back_all_is_well)


def test_a_signal_that_is_wrong_after_a_verb(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[float] = []

    async def measure(self: gsv3.Gsv3) -> Mapping[str, float]:
        measured.append(await self.get_force())
        return {"force": measured[-1]}

    def force(self: gsv3.Gsv3, raw: float) -> float:
        return right(self, raw) + len(measured)

    right = gsv3.Gsv3._force  # pyright: ignore[reportPrivateUsage] - it is spoiled
    monkeypatch.setattr(gsv3.Gsv3, "_force", force)
    monkeypatch.setattr(gsv3.Gsv3, "measure", verb(outputs={"force": Output("mN")})(measure))
    tells(r"measure\(\).*force is", SUITE.test_after_any_calls_driver_and_simulator_agree)


def test_a_driver_that_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def patient(self: Line, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        self.timeout = 1e6

    made = Line.__init__
    monkeypatch.setattr(Line, "__init__", patient)
    test = SUITE.test_a_fault_gives_the_right_value_or_an_error_and_then_passes
    tells("drop of answer 0: not over after 600 s", test, "drop")


def test_a_driver_that_leaves_a_task_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[asyncio.Task[None]] = []

    async def careless(self: gsv3.Gsv3) -> None:
        await close(self)
        left.append(asyncio.create_task(asyncio.sleep(1e6)))

    close = gsv3.Gsv3.close
    monkeypatch.setattr(gsv3.Gsv3, "close", careless)
    test = SUITE.test_connecting_identifies_the_instrument_and_moves_nothing
    tells("still running when everything is closed", test)
