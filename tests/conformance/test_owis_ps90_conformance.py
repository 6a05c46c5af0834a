"""The conformance suite on the OWIS PS10 / PS90."""

from typing import Any

from hypothesis import strategies as st

from motet_conformance import Call, Case, Conformance

LIMITS = {"x": ("-5 mm", "60 mm"), "y": ("-5 mm", "60 mm"), "z": ("-4 mm", "40 mm")}


def truth(simulator: Any) -> dict[str, float]:
    return dict(zip("xyz", simulator.position(), strict=True))


def calls() -> st.SearchStrategy[Call]:
    axes = {axis: st.integers(-8, 65).map(float) for axis in "xyz"}
    steps = {axis: st.integers(-40, 40).map(lambda tenths: tenths / 10) for axis in "xyz"}
    move = st.fixed_dictionaries({}, optional=axes).filter(bool).map(lambda to: Call("move", to))
    move_by = st.fixed_dictionaries({}, optional=steps).filter(bool).map(lambda by: Call("move_by", by))
    return st.one_of(move, move_by, st.just(Call("read")), st.just(Call("power", {"on": True})))


class TestOwisPs90(Conformance):
    case = Case(
        driver="owis_ps90",
        limits=LIMITS,
        harmless=Call("read"),
        moving=Call("move", {"x": 50.0, "y": 40.0}),
        own_faults=("error", "stuck", "stall"),
        at_rest=lambda simulator: simulator.at_rest,
        beyond=(
            Call("move", {"x": 61.0}),
            Call("move", {"x": 1.0, "z": -4.1}),
            Call("move_by", {"z": 30.0}),
        ),
        truth=truth,
        tolerance={"x": 1e-3, "y": 1e-3, "z": 1e-3},
        random=calls,
    )
