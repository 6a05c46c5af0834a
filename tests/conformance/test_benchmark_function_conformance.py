"""The conformance suite on the instrument that measures a known function."""

from hypothesis import strategies as st

from motet.errors import InstrumentError, ProcedureError
from motet_conformance import Call, Case, Conformance


def calls() -> st.SearchStrategy[Call]:
    """Branin's function takes two coordinates; x1 from -5 to 10."""
    inside, outside = st.integers(-5, 10).map(float), st.sampled_from([-6.0, 11.0])
    right = inside.map(lambda x: Call("measure", {"x1": x, "x2": 5.0}))
    wrong = outside.map(lambda x: Call("measure", {"x1": x, "x2": 5.0}, fails=(InstrumentError,)))
    gap = st.just(Call("measure", {"x1": 1.0, "x3": 1.0}, fails=(ProcedureError,)))
    return st.one_of(right, wrong, gap, st.sampled_from([Call("prepare"), Call("clean")]))


class TestBenchmarkFunction(Conformance):
    case = Case(
        driver="benchmark_function",
        simulator={"clean": 0.1, "duration": 600.0},
        harmless=Call("clean"),
        moving=Call("measure", {"x1": 1.0, "x2": 2.0}),
        foretold=True,
        at_rest=lambda simulator: simulator._left() <= 0,
        random=calls,
    )
