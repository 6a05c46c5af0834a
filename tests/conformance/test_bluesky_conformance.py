"""The conformance suite on an object of the Bluesky protocols: the simulated one that stands in for it."""

from hypothesis import strategies as st

from motet_conformance import Call, Case, Conformance


def calls() -> st.SearchStrategy[Call]:
    moves = st.floats(-15, 15).map(lambda value: Call("set", {"value": value}))
    return st.one_of(moves, st.sampled_from([Call("measure"), Call("read")]))


class TestBluesky(Conformance):
    case = Case(
        driver="bluesky",
        options={
            "object": "no.hardware.here:stage",
            "sets": {"unit": "mm"},
            "signals": {"x": {"key": "stage", "unit": "mm"}},
            "outputs": {"current": {"key": "det", "unit": "mA"}},
        },
        simulator={"position": "stage", "speed": 0.1, "limits": [-10, 10], "takes": 2, "gives": {"det": 5}},
        prepare=(Call("set", {"value": 1.0}),),
        harmless=Call("measure"),
        moving=Call("set", {"value": -9.0}),
        at_rest=lambda simulator: not simulator.moving,
        beyond=(Call("set", {"value": 10.5}), Call("set", {"value": -11.0})),
        truth=lambda simulator: {"x": simulator.where()},
        tolerance={"x": 1e-9},
        random=calls,
    )
