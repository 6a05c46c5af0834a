"""The conformance suite on Elliptec modules: a linear one, a rotary one, a slider."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from motet.errors import LimitError
from motet_conformance import Call, Case, Conformance, survives_garbage
from motet_drivers.elliptec import protocol
from motet_simulators.elliptec import Elliptec


def truth(module: Elliptec) -> Mapping[str, Any]:
    return {"position": module.position()}


def at_rest(module: Elliptec) -> bool:
    return not module.moving


def slot(module: Elliptec) -> Mapping[str, Any]:
    return {"position": float(round(module.position() / 31))}


def calls() -> st.SearchStrategy[Call]:
    places, steps = st.integers(-3, 65).map(float), st.integers(-300, 300).map(lambda tenths: tenths / 10)
    return st.one_of(
        places.map(lambda at: Call("move", {"position": at}, fails=(LimitError,))),
        steps.map(lambda by: Call("move_by", {"position": by})),
        st.sampled_from([Call("home"), Call("read")]),
    )


class TestLinear(Conformance):
    case = Case(
        driver="elliptec",
        options={"address": "A", "speed": 0.5},
        simulator={"model": "ELL20", "speed": 0.5, "stops_moves": True},
        prepare=(Call("home"),),
        harmless=Call("read"),
        moving=Call("move", {"position": 50.0}),
        own_faults=("error", "stuck", "stall"),
        at_rest=at_rest,
        beyond=(
            Call("move", {"position": 60.1}),
            Call("move", {"position": -0.1}),
            Call("move_by", {"position": 61.0}),
        ),
        truth=truth,
        tolerance={"position": 0.001},
        random=calls,
        neighbour={"address": "2"},
    )


@pytest.mark.slow
class TestRotary(Conformance):
    case = Case(
        driver="elliptec",
        options={"address": "1", "kind": "rotary", "speed": 1.0},
        simulator={"model": "ELL14", "speed": 1.0, "stops_moves": True, "busy_every": 0.5},
        limits={"position": ("0 deg", "350 deg")},
        harmless=Call("read"),
        moving=Call("move", {"position": 300.0}),
        own_faults=("error", "stuck", "stall"),
        at_rest=at_rest,
        beyond=(Call("move", {"position": 351.0}), Call("move_by", {"position": -1.0})),
        truth=truth,
        tolerance={"position": 0.002},
    )


@pytest.mark.slow
class TestSlider(Conformance):
    case = Case(
        driver="elliptec",
        options={"kind": "slider", "speed": 0.02},
        simulator={"model": "ELL9", "speed": 0.5, "stops_moves": True},
        prepare=(Call("home"),),
        harmless=Call("read"),
        moving=Call("move", {"position": 3.0}),
        own_faults=("error", "stuck", "stall"),
        at_rest=at_rest,
        beyond=(Call("move", {"position": 4.0}),),
        truth=slot,
    )


@pytest.mark.slow
@pytest.mark.parametrize("parse", [protocol.information, protocol.position, protocol.status, protocol.moving])
def test_the_parsers_survive_garbage(parse: Callable[[bytes], object]) -> None:
    examples = [
        b"0IN14114005172021170100 3C00000400\r\n".replace(b" ", b""),
        b"0PO00002000\r\n",
        b"0GS09\r\n",
        b"1GS00\r\n",
    ]
    survived = survives_garbage(parse, protocol.ModuleFraming("0"), examples=examples, terminator=b"\r\n")
    assert survived.parsed
    assert survived.refused
