"""The conformance suite finds what is wrong with a driver: each test spoils one that is right, and the suite tells."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from motet.devices import Device, Expected, Limit, Output, Verb, VerbSpec, verb, verbs_of
from motet.errors import ConnectionProblem, InstrumentError
from motet.lines import Line
from motet.simulation import Fault, SimulatedInstrument
from motet_conformance import Call, Case, Conformance
from motet_drivers import gsv3, ne1000


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


class Pump(Conformance):
    """One on a bus, that takes long."""

    case = Case(
        driver="ne1000",
        options={"address": 3, "diameter": 26.59, "capacity": 60.0},
        simulator={"contents": 30.0},
        harmless=Call("read"),
        moving=Call("dispense", {"volume": 20.0, "rate": 1.0}),
        own_faults=("error", "stuck", "stall"),
        at_rest=lambda simulator: simulator.program.motion is None,
    )


SUITE, PUMP = ForceSensor(), Pump()
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
    tells("DID NOT RAISE", SUITE.test_another_firmware_than_the_lab_file_s_is_refused)
    tells("DID NOT RAISE", SUITE.test_another_serial_number_than_the_lab_file_s_is_refused)
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


def test_a_limit_that_is_wider_than_the_instrument_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def wider(device: type[Device], options: object) -> Mapping[str, VerbSpec]:
        verbs = verbs_of(device)
        return {**verbs, "record": replace(verbs["record"], limits={"duration": Limit(0.0, 4000.0, "s")})}

    monkeypatch.setattr(gsv3.Gsv3, "verbs_for", classmethod(wider))
    tells(r"record\(duration=3601.0\): None", SUITE.test_calls_beyond_a_limit_are_refused_with_nothing_sent)


def test_a_verb_that_keeps_quiet_about_being_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    async def record(self: gsv3.Gsv3, duration: float) -> Mapping[str, Any]:
        try:
            return await right(self, duration)
        except InstrumentError:
            return {"time": [], "force": [], "lost": 0}

    right = gsv3.Gsv3.record
    spec = verbs_of(gsv3.Gsv3)["record"]
    declared = verb(units={"duration": "s"}, limits={"duration": (0.0, 3600.0)}, outputs=spec.outputs)
    monkeypatch.setattr(gsv3.Gsv3, "record", declared(record))
    test = SUITE.test_in_the_middle_of_a_verb_it_comes_to_rest_and_can_be_used_again
    tells(r"record\(duration=60.0\) ended with None, not with InstrumentError", test, "stop")


def test_a_driver_that_does_not_ask_who_is_there_after_a_pulled_cable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def trusting(self: gsv3.Gsv3) -> tuple[str, ...]:
        line = self.context.need_line()
        await line.close()
        await line.open()
        return self.forgets

    monkeypatch.setattr(gsv3.Gsv3, "recover", trusting)
    tells("`recover` asks who is there", SUITE.test_a_pulled_cable_is_told_and_when_it_is_back_all_is_well)
    tells("took another instrument for its own", SUITE.test_the_cable_is_put_back_into_another_instrument)


def test_a_driver_that_keeps_the_port_of_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    async def keep(self: Line) -> None:
        """Stays open."""

    monkeypatch.setattr(Line, "close", keep)
    with pytest.raises(ConnectionProblem, match=r"cell-next: .* is in use by cell-instrument"):
        SUITE.test_something_else_on_the_line_is_refused("nobody")


def test_a_driver_that_sleeps_until_it_should_be_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleepy(self: ne1000.Ne1000, *args: Any) -> None:
        await asyncio.sleep(20 * 60)
        await right(self, *args)

    right = ne1000.Ne1000._finish  # pyright: ignore[reportPrivateUsage] - it is spoiled
    monkeypatch.setattr(ne1000.Ne1000, "_finish", sleepy)
    tells(
        "its driver did not ask for 1200", PUMP.test_a_verb_asks_its_instrument_or_waits_for_its_word_and_not_for_a_time
    )


def test_a_driver_that_takes_a_stall_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def content(self: ne1000.Ne1000, *args: Any) -> float:
        with contextlib.suppress(InstrumentError):
            return await right(self, *args)
        return 0.0

    right = ne1000.Ne1000._deliver  # pyright: ignore[reportPrivateUsage] - it is spoiled
    monkeypatch.setattr(ne1000.Ne1000, "_deliver", content)
    tells("was done although its instrument had stall", PUMP.test_something_that_stops_on_its_way_is_told)


def test_a_simulator_that_does_not_know_of_other_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def know(self: SimulatedInstrument, *kinds: str) -> Fault | None:
        return right(self, *(kind for kind in kinds if kind != "wrong_address"))

    right = SimulatedInstrument.fault
    monkeypatch.setattr(SimulatedInstrument, "fault", know)
    tells("the simulator does not know of this fault", PUMP.test_an_answer_with_another_address_is_nobody_s)


def test_parts_that_do_not_apply_are_no_tests() -> None:
    """They are not there to be skipped; they are again where a class below states another case."""

    class Bus(ForceSensor):
        case = Pump.case

    own: set[str] = {name for name in dir(Conformance) if name.startswith("test_")}
    left_out = {name for name in own if getattr(ForceSensor, name) is None}
    assert "test_devices_on_one_bus_do_not_disturb_one_another" in left_out
    assert "test_an_answer_with_another_address_is_nobody_s" in left_out
    assert "test_after_any_calls_driver_and_simulator_agree" not in left_out
    assert callable(Bus.test_devices_on_one_bus_do_not_disturb_one_another)
    assert Bus.test_after_any_calls_driver_and_simulator_agree is None
    assert all(callable(getattr(Conformance, name)) for name in own)
