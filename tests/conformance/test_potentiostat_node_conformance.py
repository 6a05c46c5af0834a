"""The conformance suite on the potentiostat node, over a bus in memory."""

from typing import Any

from hypothesis import strategies as st

from motet_conformance import Call, Case, Conformance

QUICK = Call("measure", {"potential": 0.4, "duration": 0.5, "points": 5})


def calls() -> st.SearchStrategy[Call]:
    arguments = st.fixed_dictionaries(
        {"potential": st.integers(-3, 3).map(float), "duration": st.sampled_from([0.01, 1.0, 50.0, 4000.0])},
        optional={"points": st.integers(1, 20)},
    )
    return arguments.map(lambda given: Call("measure", given))


def at_rest(simulator: Any) -> bool:
    return simulator._running is None


class TestPotentiostatNode(Conformance):
    case = Case(
        driver="potentiostat_node",
        limits={"potential": ("-2 V", "2 V")},
        harmless=QUICK,
        moving=Call("measure", {"potential": 0.4, "duration": 120.0}),
        at_rest=at_rest,
        beyond=(
            Call("measure", {"potential": 2.5, "duration": 1.0}),
            Call("measure", {"potential": 0.5, "duration": 3601.0}),
            Call("measure", {"potential": 0.5, "duration": 1.0, "points": 1}),
        ),
        random=calls,
    )
