"""The conformance suite on the Keithley 2450."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from motet.errors import InstrumentError
from motet_conformance import Call, Case, Conformance, survives_garbage
from motet_drivers.keithley_2450 import Keithley2450, protocol
from motet_simulators import keithley_2450 as simulator


def truth(unit: simulator.Keithley2450) -> dict[str, Any]:
    point = unit.point()
    return {
        "voltage": point.voltage,
        "current": point.current,
        "output_on": unit.source.output,
        "limited": point.limited and unit.source.output,
    }


def at_rest(unit: simulator.Keithley2450) -> bool:
    unit.catch_up()
    return unit.run is None


def calls() -> st.SearchStrategy[Call]:
    volts = st.integers(-20, 20).map(lambda v: Call("source_voltage", {"voltage": float(v), "current_limit": 0.01}))
    amps = st.integers(-9, 9).map(lambda i: Call("source_current", {"current": i * 1e-3, "voltage_limit": 5.0}))
    sweep = {"start": 0.0, "stop": 2.0, "points": 5, "delay": 0.01, "current_limit": 0.01}
    others = [Call("output", {"on": True}), Call("output", {"on": False}), Call("sweep", sweep), Call("read")]
    return st.one_of(volts, amps, st.sampled_from([*others, Call("measure", fails=(InstrumentError,))]))


class TestKeithley2450(Conformance):
    case = Case(
        driver="keithley_2450",
        simulator={"noise": 0.0},
        prepare=(Call("source_voltage", {"voltage": 2.0, "current_limit": 0.01}), Call("output", {"on": True})),
        harmless=Call("measure"),
        moving=Call("sweep", {"start": 0.0, "stop": 5.0, "points": 100, "delay": 30.0, "current_limit": 0.01}),
        at_rest=at_rest,
        beyond=(
            Call("source_voltage", {"voltage": 211.0, "current_limit": 0.01}),
            Call("source_voltage", {"voltage": 30.0, "current_limit": 0.5}),
            Call("source_current", {"current": 1.0, "voltage_limit": 30.0}),
            Call("sweep", {"start": 0.0, "stop": 30.0, "points": 5, "delay": 0.0, "current_limit": 1.0}),
        ),
        truth=truth,
        tolerance={"voltage": 1e-5, "current": 1e-8, "resistance": 0.01},
        random=calls,
    )


@pytest.mark.slow
@pytest.mark.parametrize("parse", [protocol.point, protocol.refusal, protocol.identity, protocol.state])
def test_the_parsers_survive_garbage(parse: Callable[[bytes], object]) -> None:
    examples = [
        b'2.000000E+00,1.999999E-03;0;0,"No error;0;0 0"\n',
        b'-222,"Parameter data out of range;1;2026/01/01 08:00:00.000"\n',
        b"KEITHLEY INSTRUMENTS,MODEL 2450,04096331,1.7.12b\n",
        b"RUNNING;RUNNING;5\n",
    ]
    survived = survives_garbage(parse, Keithley2450.framing, examples=examples, terminator=b"\n")
    assert survived.parsed
    assert survived.refused
