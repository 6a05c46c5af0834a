"""The EmStat driver and its simulator before the suite for every driver."""

from typing import Any

import pytest
from hypothesis import strategies as st

from motet_conformance import Call, Case, Conformance, survives_garbage
from motet_drivers.emstat_pico import EmStatPico
from motet_drivers.emstat_pico.packages import check_line, package, text_of

FORMAL_POTENTIAL, OXIDIZED = 0.2, 0.5


def at_rest(simulator: Any) -> bool:
    """Nothing is measured and no potential is applied."""
    return not simulator.running and not simulator.cell_on


def calls() -> st.SearchStrategy[Call]:
    """Short measurements of every kind."""
    return st.one_of(
        st.just(Call("read")),
        st.just(Call("open_circuit", {"duration": 0.2, "interval": 0.1})),
        st.floats(-1.0, 1.0).map(
            lambda volts: Call("chronoamperometry", {"potential": round(volts, 3), "duration": 1.0})
        ),
        st.floats(-0.3, 0.5).map(
            lambda volts: Call(
                "cyclic_voltammetry",
                {"begin": -0.2, "vertex1": round(volts, 3), "vertex2": -0.3, "scan_rate": 1.0, "step": 0.05},
            )
        ),
        st.just(
            Call(
                "impedance",
                {"potential": 0.2, "lowest_frequency": 1e3, "highest_frequency": 1e4, "points_per_decade": 2},
            )
        ),
    )


class TestEmStatPico(Conformance):
    """An EmStat Pico."""

    case = Case(
        driver="emstat_pico",
        simulator={"noise": 0, "cell": {"formal_potential": FORMAL_POTENTIAL, "oxidized": OXIDIZED}},
        harmless=Call("open_circuit", {"duration": 0.2, "interval": 0.1}),
        moving=Call("chronoamperometry", {"potential": 0.5, "duration": 600.0, "interval": 1.0}),
        own_faults=("error", "stall"),
        at_rest=at_rest,
        beyond=(
            Call("chronoamperometry", {"potential": 2.1, "duration": 1.0}),
            Call("cyclic_voltammetry", {"begin": 0.0, "vertex1": 0.5, "vertex2": -1.8, "scan_rate": 0.1}),
            Call("cyclic_voltammetry", {"begin": 0.0, "vertex1": 2.0, "vertex2": -1.7, "scan_rate": 0.1}),
            Call("impedance", {"potential": 0.0, "lowest_frequency": 1.0, "highest_frequency": 1e6}),
        ),
        truth=lambda simulator: {"potential": FORMAL_POTENTIAL},
        tolerance={"potential": 1e-6, "time": 1e-3},
        random=calls,
    )


@pytest.mark.slow
def test_the_parsers_survive_garbage() -> None:
    def parse(frame: bytes) -> None:
        text = text_of(frame)
        check_line(text)
        if text.startswith("P"):
            package(text)

    examples = [b"Pda8000800u;ba48D503Dp,10,288\n", b"Peb     nan;ab8000000 \n", b"M0005\n", b"!4001: Line 3, Col 8\n"]
    survived = survives_garbage(parse, EmStatPico.framing, examples=examples, terminator=b"\n")
    assert survived.parsed
    assert survived.refused
