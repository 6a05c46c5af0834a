"""The conformance suite on the two described instruments of the examples."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from motet.errors import GarbledReply
from motet_conformance import Call, Case, Conformance, survives_garbage
from motet_drivers import ascii as driver
from motet_drivers.ascii.dialogue import Dialogue
from motet_simulators import ascii as simulator

EXAMPLES = Path(__file__).parents[2] / "examples" / "instruments"
PUMP, METER = str(EXAMPLES / "peristaltic_pump.yaml"), str(EXAMPLES / "conductivity_meter.yaml")


def pump_truth(unit: simulator.Ascii) -> dict[str, Any]:
    return {name: unit.value(name) for name in ("status", "delivered", "rate")}


def dispense(volume: float, rate: float, direction: str) -> Call:
    return Call("dispense", {"volume": volume, "rate": rate, "direction": direction})


def pump_calls() -> st.SearchStrategy[Call]:
    volumes = st.integers(1, 1000).map(lambda hundredths: hundredths / 100)
    rates, ways = st.sampled_from([0.5, 10.0, 60.0]), st.sampled_from(["forward", "backward"])
    others = [Call("read"), Call("calibrate", {"per_turn": 0.5})]
    return st.one_of(st.builds(dispense, volumes, rates, ways), st.sampled_from(others))


class TestDescribedPump(Conformance):
    case = Case(
        driver="ascii",
        options={"file": PUMP},
        simulator={"file": PUMP},
        harmless=Call("read"),
        moving=Call("dispense", {"volume": 50.0, "rate": 1.0}),
        own_faults=("error", "stuck", "stall"),
        at_rest=lambda unit: unit.state.at_rest,
        beyond=(
            Call("dispense", {"volume": 101.0}),
            Call("dispense", {"volume": 1.0, "rate": 61.0}),
            Call("calibrate", {"per_turn": 0.0}),
        ),
        truth=pump_truth,
        tolerance={"delivered": 0.001, "rate": 0.005},
        random=pump_calls,
    )


def meter_truth(unit: simulator.Ascii) -> dict[str, Any]:
    return {name: unit.value(name) for name in ("conductivity", "temperature", "compensated", "cell_constant")}


def meter_calls() -> st.SearchStrategy[Call]:
    constant = st.integers(1, 2000).map(
        lambda hundredths: Call("set_cell_constant", {"cell_constant": hundredths / 100})
    )
    compensate = st.booleans().map(lambda on: Call("compensate", {"compensated": on}))
    return st.one_of(constant, compensate, st.sampled_from([Call("read"), Call("measure")]))


class TestDescribedMeter(Conformance):
    case = Case(
        driver="ascii",
        options={"file": METER},
        simulator={"file": METER},
        harmless=Call("measure"),
        beyond=(Call("set_cell_constant", {"cell_constant": 21.0}),),
        truth=meter_truth,
        tolerance={"conductivity": 0.05, "temperature": 0.2, "cell_constant": 1e-4},
        random=meter_calls,
    )


@pytest.mark.slow
def test_the_parser_survives_garbage() -> None:
    options = driver.Options(file=Path(METER))
    described = options.described
    dialogue: Any = Dialogue(described, None, 1.0)  # pyright: ignore[reportArgumentType] - it parses only
    signal = described.signals["conductivity"]

    def parse(frame: bytes) -> object:
        found = dialogue.parse(signal, "conductivity", signal, frame)
        if not isinstance(found["conductivity"], float):
            raise GarbledReply("a number is expected")
        return found

    examples = [b"12.880 mS/cm\r\n", b"-1.5 mS/cm\r\n", b"ERR 02\r\n", b"OK\r\n"]
    survived = survives_garbage(parse, driver.Ascii.framing_for(options), examples=examples, terminator=b"\r\n")
    assert survived.parsed
    assert survived.refused
