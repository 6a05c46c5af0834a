"""The conformance suite on the Grbl gantry."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from motet.errors import LimitError
from motet_conformance import Call, Case, Conformance, survives_garbage
from motet_drivers.grbl import protocol
from motet_simulators.grbl import Grbl

ORIGIN = {"x": -300.0, "y": -200.0, "z": -80.0}


def truth(gantry: Grbl) -> Mapping[str, Any]:
    return {axis: at - ORIGIN[axis] for axis, at in zip("xyz", gantry.position(), strict=True)}


def at_rest(gantry: Grbl) -> bool:
    return not gantry.moving


def calls() -> st.SearchStrategy[Call]:
    axes = {axis: st.integers(-8, 310).map(float) for axis in "xyz"}
    steps = {axis: st.integers(-400, 400).map(lambda tenths: tenths / 10) for axis in "xyz"}
    feed = {"feed": st.sampled_from([300.0, 2500.0])}
    move = st.fixed_dictionaries({}, optional=axes | feed).filter(lambda to: set(to) - {"feed"})
    move_by = st.fixed_dictionaries({}, optional=steps).filter(bool)
    return st.one_of(
        move.map(lambda to: Call("move", to, fails=(LimitError,))),
        move_by.map(lambda by: Call("move_by", by)),
        st.sampled_from([Call("home"), Call("read"), Call("output", {"on": True})]),
    )


class TestGrbl(Conformance):
    case = Case(
        driver="grbl",
        options={"origin": ORIGIN},
        prepare=(Call("home"),),
        harmless=Call("read"),
        moving=Call("move", {"x": 50.0, "y": 20.0, "feed": 200.0}),
        own_faults=("error", "stall"),
        at_rest=at_rest,
        beyond=(
            Call("move", {"x": 301.0}),
            Call("move", {"x": 5.0, "z": -0.1}),
            Call("move_by", {"y": 5.0}),
            Call("move", {"x": 5.0, "feed": 0.0}),
        ),
        truth=truth,
        tolerance={"x": 0.005, "y": 0.005, "z": 0.005},
        random=calls,
    )


@pytest.mark.slow
@pytest.mark.parametrize("parse", [protocol.status, protocol.done, protocol.build, protocol.settings, protocol.banner])
def test_the_parsers_survive_garbage(parse: Callable[[bytes], object]) -> None:
    settings = "".join(f"${number}=250.000\r\n" for base in (110, 120, 130) for number in range(base, base + 3))
    examples = [
        b"<Idle|MPos:0.000,-1.000,2.500|FS:0,0|WCO:0.000,0.000,1.000>\r\n", b"ok\r\n", b"error:20\r\n",
        b"[VER:1.1h.20190825:]\r\n[OPT:V,15,128]\r\nok\r\n", b"ALARM:1\r\n[MSG:Reset to continue]\r\n",
        b"\r\nGrbl 1.1h ['$' for help]\r\n", f"{settings}ok\r\n".encode("ascii"),
    ]  # fmt: skip
    survived = survives_garbage(parse, protocol.GrblFraming(), examples=examples, terminator=b"\r\n")
    assert survived.parsed
    assert survived.refused
