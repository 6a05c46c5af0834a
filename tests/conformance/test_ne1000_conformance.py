"""The conformance suite on the NE-1000, in basic and in safe mode."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from motet.errors import GarbledReply
from motet_conformance import Call, Case, Conformance, survives_garbage
from motet_drivers.ne1000 import Ne1000 as Driver
from motet_drivers.ne1000 import protocol
from motet_simulators.ne1000 import Ne1000
from motet_simulators.ne1000.program import RATE_UNITS

STATES = {"I": "infusing", "W": "withdrawing", "S": "stopped", "P": "paused"}


def truth(pump: Ne1000) -> Mapping[str, Any]:
    pump.update()
    phase, motion = pump.program.running_phase, pump.program.motion
    return {
        "dispensed": pump.program.dispensed[+1],
        "withdrawn": pump.program.dispensed[-1],
        "rate": phase.rate * RATE_UNITS[phase.units] if motion is None else motion.rate,
        "state": STATES[pump.program.state],
    }


def at_rest(pump: Ne1000) -> bool:
    pump.update()
    return pump.program.state in "SP"


def deliver(verb: str, volume: float, rate: float) -> Call:
    return Call(verb, {"volume": volume, "rate": rate})


def calls() -> st.SearchStrategy[Call]:
    volumes, rates = st.sampled_from([0.001, 0.01234, 0.5, 1.0, 70.0]), st.sampled_from([0.002, 0.5, 7.25, 500.0])
    deliveries = st.builds(
        deliver,
        st.sampled_from(["dispense", "withdraw"]),
        volumes,
        rates,
    )
    return st.one_of(
        deliveries,
        rates.map(lambda rate: Call("set_rate", {"rate": rate})),
        st.sampled_from([Call("clear"), Call("read")]),
    )


class TestNe1000(Conformance):
    case = Case(
        driver="ne1000",
        options={"address": 3, "diameter": 26.59, "capacity": 60.0},
        simulator={"contents": 30.0},
        harmless=Call("read"),
        moving=Call("dispense", {"volume": 20.0, "rate": 1.0}),
        own_faults=("error", "stuck", "stall"),
        at_rest=at_rest,
        beyond=(
            Call("dispense", {"volume": 60.5, "rate": 1.0}),
            Call("withdraw", {"volume": 0.0, "rate": 1.0}),
            Call("dispense", {"volume": 1.0, "rate": 29.0}),
            Call("set_rate", {"rate": 0.0003}),
        ),
        truth=truth,
        tolerance={"dispensed": 0.002, "withdrawn": 0.002, "rate": 0.002},
        random=calls,
    )


@pytest.mark.slow
class TestNe1000Safe(Conformance):
    case = Case(
        driver="ne1000",
        options={"address": 42, "diameter": 14.43, "capacity": 10.0, "mode": "safe"},
        simulator={"contents": 5.0, "capacity": 10.0},
        harmless=Call("read"),
        moving=Call("withdraw", {"volume": 4.0, "rate": 0.2}),
        own_faults=("error", "stuck", "stall"),
        at_rest=at_rest,
        truth=truth,
        tolerance={"dispensed": 0.0002, "withdrawn": 0.0002, "rate": 0.002},
    )


def parse(frame: bytes) -> protocol.Answer:
    """As the driver does, with what each command's answer may hold."""
    answer = protocol.parse(frame, 0)
    for read in (protocol.version, protocol.dispensed, protocol.rate, protocol.volume, protocol.diameter):
        try:
            read(answer.data)
        except GarbledReply:
            continue
    return answer


@pytest.mark.slow
def test_the_parsers_survive_garbage() -> None:
    texts = [b"00S", b"00A?S", b"00SI1.000W0.000ML", b"00S?OOR", b"00SNE1000V3.923", b"00S2.500MH"]
    safe = [bytes([2, len(text) + 4]) + text + protocol.crc(text) + b"\x03" for text in texts]
    examples = [*(b"\x02" + text + b"\x03" for text in texts), *safe]
    survived = survives_garbage(parse, Driver.framing, examples=examples, terminator=b"\x03")
    assert survived.parsed
    assert survived.refused
