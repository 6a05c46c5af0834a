"""Parsers of OWIS replies: what they take, what they refuse, and that nothing else happens."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import GarbledReply
from motet_drivers.owis_ps90 import protocol
from motet_drivers.owis_ps90.protocol import State

PARSERS: list[Callable[[bytes], Any]] = [
    protocol.text,
    protocol.integer,
    protocol.states,
    protocol.message,
    protocol.switches,
]


@pytest.mark.parametrize("parse", PARSERS)
@given(data=st.binary(max_size=40))
def test_any_bytes_are_parsed_or_garbled(parse: Callable[[bytes], Any], data: bytes) -> None:
    with suppress(GarbledReply):
        parse(data)


@given(st.integers(-(2**31), 2**31 - 1))
def test_counts_round_trip(counts: int) -> None:
    assert protocol.integer(b"%d" % counts) == counts


def test_states_are_one_letter_an_axis() -> None:
    assert protocol.states(b"RTL") == (State.READY, State.TRAPEZOID, State.LIMIT_SWITCH)
    assert [state.moving for state in protocol.states(b"RTLPFIOV")] == [
        False, True, False, True, True, False, False, True
    ]  # fmt: skip
    assert protocol.states(b"?")[0].meaning == "in an unknown state"


def test_messages_are_read_with_and_without_their_words() -> None:
    assert protocol.message(b"07").code == 7
    assert str(protocol.message(b"07 AXIS IS IN WRONG STATE")) == "07 AXIS IS IN WRONG STATE"
    with pytest.raises(GarbledReply):
        protocol.message(b"7")


def test_switches_are_named_from_the_power_stage_to_minstop() -> None:
    assert protocol.switches(b"00000") == ()
    assert protocol.switches(b"11001") == ("power stage error", "MAXSTOP", "MINSTOP")


def test_the_factory_value_of_a_reference_velocity_is_2500_counts_a_second() -> None:
    assert protocol.velocity_number(2500, 256e-6) == 41943
    assert protocol.velocity(41943, 256e-6) == pytest.approx(2500, rel=1e-4)
