"""The conformance suite on the Tasmota device, over a bus in memory."""

from typing import Any

from hypothesis import strategies as st

from motet_conformance import Call, Case, Conformance


def calls() -> st.SearchStrategy[Call]:
    relays = st.sampled_from(["pump", "lamp"])
    switch = st.fixed_dictionaries({"relay": relays, "on": st.booleans()}).map(lambda given: Call("switch", given))
    pulse = st.fixed_dictionaries({"relay": relays, "duration": st.sampled_from([0.1, 2.0, 30.0])})
    reading = st.sampled_from([Call("measure"), Call("read")])
    return st.one_of(switch, pulse.map(lambda given: Call("pulse", given)), reading)


def truth(simulator: Any) -> dict[str, Any]:
    return {"pump": simulator.unit.is_on(1), "lamp": simulator.unit.is_on(2), "temperature": 21.5}


class TestTasmota(Conformance):
    case = Case(
        driver="tasmota",
        topic="plug",
        options={
            "relays": {"pump": 1, "lamp": 2},
            "sensors": {"temperature": {"path": "SI7021.Temperature", "unit": "degC"}},
        },
        simulator={"relays": 2, "sensors": [{"path": "SI7021.Temperature", "value": 21.5}]},
        harmless=Call("measure"),
        moving=Call("pulse", {"relay": "pump", "duration": 600.0}),
        at_rest=lambda simulator: not simulator.unit.is_on(1),
        beyond=(
            Call("pulse", {"relay": "pump", "duration": 0.05}),
            Call("pulse", {"relay": "pump", "duration": 65_000.0}),
        ),
        truth=truth,
        random=calls,
    )
