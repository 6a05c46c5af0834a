"""The conformance suite on the MT-SICS balance."""

from collections.abc import Callable

import pytest
from hypothesis import strategies as st

from motet.errors import InstrumentError
from motet_conformance import Call, Case, Conformance, survives_garbage
from motet_drivers.mt_sics import MtSics, protocol


def calls() -> st.SearchStrategy[Call]:
    tare = st.integers(0, 200).map(lambda mass: Call("preset_tare", {"mass": float(mass)}))
    others = [Call("weigh"), Call("weigh_now"), Call("tare"), Call("clear_tare"), Call("read")]
    return st.one_of(tare, st.sampled_from(others), st.just(Call("zero", fails=(InstrumentError,))))


class TestMtSics(Conformance):
    case = Case(
        driver="mt_sics",
        simulator={"repeatability": 0.0, "load": 3.4567},
        prepare=(Call("preset_tare", {"mass": 1.0}),),
        harmless=Call("weigh_now"),
        beyond=(Call("preset_tare", {"mass": 221.0}), Call("preset_tare", {"mass": -1.0})),
        truth=lambda simulator: {"mass": simulator.net(), "stable": True},
        tolerance={"mass": 1e-4},
        random=calls,
    )


class TestMtSicsOnATableThatShakes(Conformance):
    """Its weight never gets stable: so `weigh` takes long, and can be stopped."""

    case = Case(
        driver="mt_sics",
        simulator={"vibration": 0.001, "timeout": 1000.0},
        options={"stable_within": 900.0},
        harmless=Call("weigh_now"),
        moving=Call("weigh"),
        own_faults=("error", "stall"),
        at_rest=lambda simulator: simulator.idle,
        truth=lambda simulator: {"mass": simulator.net(), "stable": False},
        tolerance={"mass": 0.01},
    )


def weight(frame: bytes) -> object:
    return protocol.weight("line", frame, "S", "SI")


def done(frame: bytes) -> object:
    return protocol.done("line", frame, "Z", "ZI")


def described(frame: bytes) -> object:
    return protocol.balance(protocol.text("line", frame, "I2"))


@pytest.mark.slow
@pytest.mark.parametrize("parse", [weight, done, described])
def test_the_parsers_survive_garbage(parse: Callable[[bytes], object]) -> None:
    examples = [
        b"S S   100.0000 g\r\n",
        b"S D    -2.5000 kg\r\n",
        b'I2 A "XS204 220.0090 g"\r\n',
        b"ZI S\r\n",
        b"Z +\r\n",
    ]
    survived = survives_garbage(parse, MtSics.framing, examples=examples, terminator=b"\r\n")
    assert survived.parsed
    assert survived.refused
