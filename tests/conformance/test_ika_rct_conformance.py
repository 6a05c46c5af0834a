"""The conformance suite on the IKA hot plate."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from motet_conformance import Call, Case, Conformance, survives_garbage
from motet_drivers.ika_rct import IkaRct, protocol


def truth(simulator: Any) -> dict[str, float]:
    return {
        "probe_temperature": simulator.probe_temperature(),
        "plate_temperature": simulator.plate_temperature(),
        "speed": simulator.speed(),
        "temperature_setpoint": simulator.plate.set_temperature,
        "speed_setpoint": simulator.plate.stirrer.target,
    }


def calls() -> st.SearchStrategy[Call]:
    heat = st.integers(30, 300).map(lambda to: Call("heat", {"temperature": float(to)}))
    stir = st.integers(50, 1500).map(lambda speed: Call("stir", {"speed": float(speed)}))
    return st.one_of(heat, stir, st.sampled_from([Call("heat_off"), Call("stir_off"), Call("read")]))


class TestIkaRct(Conformance):
    case = Case(
        driver="ika_rct",
        simulator={"temperature_noise": 0.0, "acceleration": 1e6},
        line={"bytesize": 8, "parity": "N"},  # glibc refuses 7E1 on a pseudo-terminal
        prepare=(Call("stir", {"speed": 300.0}),),
        harmless=Call("read"),
        beyond=(
            Call("heat", {"temperature": 311.0}),
            Call("stir", {"speed": 1501.0}),
            Call("stir", {"speed": 20.0}),
        ),
        truth=truth,
        tolerance={"probe_temperature": 0.3, "plate_temperature": 1.5, "speed": 0.6},
        random=calls,
    )


def value(frame: bytes) -> object:
    return protocol.value(frame, 1)


@pytest.mark.slow
@pytest.mark.parametrize("parse", [value, protocol.name])
def test_the_parsers_survive_garbage(parse: Callable[[bytes], object]) -> None:
    examples = [b"25.0 1 \r\n", b"-3.5 1 \r\n", b"RCT digital \r\n", b"60 \r\n"]
    survived = survives_garbage(parse, IkaRct.framing, examples=examples, terminator=b"\r\n")
    assert survived.parsed
    assert survived.refused
