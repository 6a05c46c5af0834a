"""The conformance suite on the manual device, whose person is simulated."""

from motet_conformance import Call, Case, Conformance


class TestManual(Conformance):
    case = Case(
        driver="manual",
        options={"answer": "number", "unit": "mL", "low": 0},
        simulator={"answer": 5, "delay": 60},
        harmless=Call("ask", {"question": "How much is left?"}),
    )
