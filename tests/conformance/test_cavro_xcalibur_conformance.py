"""The conformance suite on the Cavro XCalibur, in both protocols."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from motet.errors import GarbledReply, LimitError
from motet_conformance import Call, Case, Conformance, survives_garbage
from motet_drivers.cavro_xcalibur import CavroXcalibur as Driver
from motet_drivers.cavro_xcalibur import protocol
from motet_simulators.cavro_xcalibur import CavroXcalibur

PORTS = {"water": "1", "salt": "2", "cell": "3"}


def truth(pump: CavroXcalibur) -> Mapping[str, Any]:
    pump.update()
    names = {position: name for name, position in PORTS.items()} | {"i": "input", "o": "output"}
    valve = pump.machine.valve
    return {"volume": pump.volume(), "port": names.get(valve, valve)}


def at_rest(pump: CavroXcalibur) -> bool:
    pump.update()
    return not pump.machine.busy


def transfer(verb: str, volume: float, port: str, rate: float) -> Call:
    return Call(verb, {"volume": volume, "port": port, "rate": rate}, fails=(LimitError,))


def move(volume: float, rate: float) -> Call:
    return Call("move_plunger", {"volume": volume, "rate": rate})


def calls() -> st.SearchStrategy[Call]:
    ports, volumes = st.sampled_from(["water", "salt", "cell"]), st.sampled_from([0.0, 0.01, 0.3333, 1.0, 2.0])
    rates = st.sampled_from([0.5, 12.0, 60.0, 100.0])
    transfers = st.builds(
        transfer,
        st.sampled_from(["aspirate", "dispense"]), volumes, ports, rates,
    )  # fmt: skip
    moves = st.builds(move, volumes, rates)
    return st.one_of(
        transfers,
        moves,
        ports.map(lambda port: Call("valve", {"port": port})),
        st.sampled_from([Call("initialize"), Call("read")]),
    )


class TestCavroXcalibur(Conformance):
    case = Case(
        driver="cavro_xcalibur",
        options={"address": 2, "syringe": 1.0, "ports": PORTS, "rate": 30.0, "home_from": "water", "home_to": "cell"},
        simulator={"valve_ports": 6, "ports": {"1": "water", "2": "salt"}, "vessel": "3"},
        prepare=(Call("initialize"),),
        harmless=Call("read"),
        moving=Call("aspirate", {"volume": 0.9, "port": "salt", "rate": 0.1}),
        own_faults=("error", "stuck", "stall"),
        at_rest=at_rest,
        beyond=(
            Call("aspirate", {"volume": 1.01, "port": "salt"}),
            Call("dispense", {"volume": -0.1, "port": "cell"}),
            Call("move_plunger", {"volume": 0.5, "rate": 61.0}),
            Call("move_plunger", {"volume": 0.5, "rate": 0.04}),
        ),
        truth=truth,
        tolerance={"volume": 1 / 24000},
        random=calls,
    )


@pytest.mark.slow
class TestCavroXcaliburOem(Conformance):
    case = Case(
        driver="cavro_xcalibur",
        options={"syringe": 0.25, "protocol": "oem"},
        simulator={"syringe": 0.25},
        prepare=(Call("initialize"),),
        harmless=Call("read"),
        moving=Call("aspirate", {"volume": 0.2, "port": "input", "rate": 0.02}),
        own_faults=("error", "stuck", "stall"),
        at_rest=at_rest,
        truth=truth,
        tolerance={"volume": 0.25 / 24000},
    )


def parse(middle: bytes) -> protocol.Answer:
    """As the driver does, with what each report's answer may hold."""
    answer = protocol.parse(middle)
    for read in (protocol.number, protocol.valve, protocol.firmware):
        try:
            read(answer.data)
        except GarbledReply:
            continue
    return answer


@pytest.mark.slow
def test_the_parsers_survive_garbage() -> None:
    middles = [b"0`", b"0@", b"0g", b"0`24000", b"0`i", b"0`733085-B"]
    blocks = [b"\x02" + middle + b"\x03" for middle in middles]
    examples = [b"/" + middle + b"\x03\r\n" for middle in middles]
    examples += [block + bytes([protocol.checksum(block)]) for block in blocks]
    survived = survives_garbage(parse, Driver.framing, examples=examples, terminator=b"\x03\r\n")
    assert survived.parsed
    assert survived.refused
