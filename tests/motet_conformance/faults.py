"""What goes wrong on the wire: never a wrong value, never a hang, and all is well when it is over."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from motet.errors import ConnectionProblem
from motet.simulation import Fault
from motet.simulation.faults import OwnKind
from motet_conformance.agreement import differences
from motet_conformance.applies import addressed, faulty, suffers, where
from motet_conformance.base import EXPLAINED, Part, outcome, within
from motet_conformance.rig import NAME, Rig, Setup, driver_of, settings_of

ON_THE_WAY = ("delay", "late", "drop", "garble", "truncate", "echo", "duplicate", "disconnect")
POSITIONS = range(4)
"""Which answer goes wrong, counted from the beginning of the call."""
FOR_EVER = len(POSITIONS)
BOUND_S = 600.0
"""The harmless call has ended after so long, whatever goes wrong; virtual seconds."""
BACK_S = 3.0
"""So long after the last fault the wire is as it was."""


class FaultsPart(Part):
    """Every fault of the wire, at several positions."""

    def _fault(self, kind: str, position: int) -> Fault:
        """`delay` comes soon after the timeout, `late` long after."""
        timeout = settings_of(self.case, "").timeout if driver_of(self.case).transport == "serial" else 2.0
        seconds = {"delay": 1.05 * timeout, "late": 1.6 * timeout}.get(kind, 1.0)
        after, times = (0, None) if position == FOR_EVER else (position, 1)
        name = "delay" if kind == "late" else kind
        return Fault.model_validate({"kind": name, "after": after, "times": times, "seconds": seconds})

    def _right(self) -> Mapping[str, Any]:
        """What the harmless call gives when nothing goes wrong."""

        async def work(made: Rig) -> Mapping[str, Any]:
            await made.ready()
            return await made.do(self.case.harmless)

        return self.run(work)

    @where(faulty)
    @pytest.mark.parametrize("kind", ON_THE_WAY)
    def test_a_fault_gives_the_right_value_or_an_error_and_then_passes(self, kind: str) -> None:
        self._right_or_an_error(kind)

    @where(faulty, addressed)
    def test_an_answer_with_another_address_is_nobody_s(self) -> None:
        self._right_or_an_error("wrong_address")

    def _right_or_an_error(self, kind: str) -> None:
        right = self._right()
        for position in (*POSITIONS, FOR_EVER):
            self.run(lambda made, position=position: self._survived(made, kind, position, right))

    async def _survived(self, made: Rig, kind: str, position: int, right: Mapping[str, Any]) -> None:
        what = f"{kind} of {'every answer' if position == FOR_EVER else f'answer {position}'}"
        await made.ready()
        made.inject(self._fault(kind, position))
        found, error = await within(BOUND_S, what, outcome(made.do(self.case.harmless)))
        self._explained(what, found, error, right)
        assert made.occasions(), f"{what}: the simulator does not know of this fault"
        # Once more, with what is left of it on the wire.
        found, error = await within(BOUND_S, what, outcome(made.do(self.case.harmless)))
        self._explained(f"{what}, the call after it", found, error, right)
        made.inject()
        await asyncio.sleep(BACK_S)
        forgotten = await made.device.recover()
        assert all(isinstance(each, str) for each in forgotten)
        await made.prepare()
        found = await made.do(self.case.harmless)
        assert not differences(found, right, self.case.tolerance), f"{what}, after `recover`"
        assert not differences(await made.signals(), made.truth(), self.case.tolerance), f"{what}, after `recover`"

    def _explained(self, what: str, found: Any, error: Exception | None, right: Mapping[str, Any]) -> None:
        if error is None:
            assert not (unlike := differences(found, right, self.case.tolerance)), f"{what}: a wrong value: {unlike}"
        else:
            assert isinstance(error, EXPLAINED), f"{what}: {error!r}"
            assert NAME in str(error), f"{error} names no device"

    @where(faulty)
    @pytest.mark.parametrize("kind", ON_THE_WAY)
    def test_a_fault_while_connecting_is_told_or_overcome(self, kind: str) -> None:
        right = self._right()
        for position in (*POSITIONS, FOR_EVER):
            fault = self._fault(kind, position)
            self.run(
                lambda made, fault=fault: self._connected(made, fault, right),
                Setup(simulator={"faults": [fault.model_dump()]}),
            )

    async def _connected(self, made: Rig, fault: Fault, right: Mapping[str, Any]) -> None:
        _, error = await within(BOUND_S, str(fault), outcome(made.device.connect()))
        assert error is None or isinstance(error, (*EXPLAINED, ConnectionProblem)), f"{fault}: {error!r}"
        made.inject()
        await asyncio.sleep(BACK_S)
        await made.device.close()
        await made.device.connect(force_reconnect=True)
        await made.prepare()
        unlike = differences(await made.do(self.case.harmless), right, self.case.tolerance)
        assert not unlike, f"{fault} while connecting: {unlike}"

    @where(suffers("error"))
    def test_an_error_of_the_instrument_is_told(self) -> None:
        self._told("error")

    @where(suffers("stuck"))
    def test_something_that_does_not_move_is_told(self) -> None:
        self._told("stuck")

    @where(suffers("stall"))
    def test_something_that_stops_on_its_way_is_told(self) -> None:
        self._told("stall")

    def _told(self, kind: OwnKind) -> None:
        """A verb that its instrument does not carry out ends, with an error of the instrument, in bounded time."""
        call = self.moving

        async def work(made: Rig) -> None:
            await made.ready()
            made.inject(Fault(kind=kind, times=None))
            _, error = await outcome(made.do(call))
            assert made.occasions(), f"the simulator does not know of {kind} during {call}"
            assert error is not None, f"{call} was done although its instrument had {kind}"
            assert isinstance(error, EXPLAINED), repr(error)
            made.inject()
            await made.device.stop()
            await made.prepare()
            await made.do(self.case.harmless)

        self.run(work)
