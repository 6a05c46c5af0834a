"""The conformance suite on the GSV-3."""

from hypothesis import strategies as st

from motet_conformance import Call, Case, Conformance

RESOLUTION = 525 / 0x8000
"""Of a frame, mN."""


def calls() -> st.SearchStrategy[Call]:
    recorded = st.sampled_from([0.5, 2.0, -1.0]).map(lambda duration: Call("record", {"duration": duration}))
    return st.one_of(recorded, st.sampled_from([Call("measure"), Call("tare"), Call("read")]))


class TestGsv3(Conformance):
    case = Case(
        driver="gsv3",
        simulator={"preload": 30.0},
        harmless=Call("measure"),
        moving=Call("record", {"duration": 60.0}),
        own_faults=(),
        at_rest=lambda simulator: not simulator.transmitting,
        beyond=(Call("record", {"duration": 3601.0}), Call("record", {"duration": -1.0})),
        truth=lambda simulator: {"force": simulator.force()},
        tolerance={"force": RESOLUTION},
        random=calls,
    )
