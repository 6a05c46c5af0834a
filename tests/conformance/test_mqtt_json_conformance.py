"""The conformance suite on a JSON node, over a bus in memory."""

from typing import Any

from hypothesis import strategies as st

from motet_conformance import Call, Case, Conformance

DEVICE: dict[str, Any] = {
    "request_id": "id",
    "availability": {},
    "identity": {"request": {"payload": {"cmd": "who"}}, "model": "model", "serial_number": "sn", "firmware": "fw"},
    "verbs": {
        "dose": {
            "arguments": {"volume": {"unit": "mL", "limits": [0, 10]}},
            "publish": {"payload": {"cmd": "dose", "ml": "{volume}"}},
            "reply": {"path": "state", "done": "ok", "failed": "error", "message": "why"},
            "outputs": {"dosed": {"path": "ml", "unit": "mL"}},
            "longest": 700,
        },
        "stir": {
            "arguments": {"speed": {"unit": "rpm", "limits": [0, 2000]}},
            "publish": {"payload": {"cmd": "stir", "speed": "{speed}"}},
            "reply": {"path": "state", "done": "ok", "failed": "error"},
        },
    },
    "signals": {
        "level": {
            "topic": "{topic}/reply",
            "path": "level",
            "unit": "mL",
            "request": {"payload": {"cmd": "level"}},
        },
        "speed": {"path": "speed", "unit": "rpm", "max_age": 5},
    },
    "stop": {"payload": {"cmd": "stop"}},
}


def calls() -> st.SearchStrategy[Call]:
    dose = st.integers(-1, 11).map(lambda volume: Call("dose", {"volume": float(volume)}))
    stir = st.integers(-1, 21).map(lambda speed: Call("stir", {"speed": speed * 100.0}))
    return st.one_of(dose, stir, st.just(Call("read")))


def truth(simulator: Any) -> dict[str, Any]:
    return {name: simulator.shown(name) for name in ("level", "speed")}


class TestMqttJson(Conformance):
    case = Case(
        driver="mqtt_json",
        options=DEVICE,
        simulator={
            "device": DEVICE,
            "does": {"dose": {"per": {"volume": 60.0}, "gives": {"dosed": "{volume}"}, "sets": {"level": "{volume}"}}},
            "stops": {"speed": 0.0},
        },
        harmless=Call("read"),
        moving=Call("dose", {"volume": 10.0}),
        own_faults=("error", "stall"),
        at_rest=lambda simulator: not simulator.busy,
        beyond=(Call("dose", {"volume": 10.5}), Call("stir", {"speed": -1.0})),
        truth=truth,
        random=calls,
    )
