"""The cable is pulled, and put back: into the same instrument, or into another one."""

import asyncio

from motet.errors import ConnectionProblem, Retryable
from motet.simulation import Fault, MemoryOpener
from motet_conformance.agreement import differences
from motet_conformance.applies import faulty, numbered, where
from motet_conformance.base import EXPLAINED, Part, outcome
from motet_conformance.rig import PORT, Rig, Setup, driver_of, make_simulator, simulator_of

PULLED_S = 5.0


class ReconnectionPart(Part):
    """After a lost line."""

    async def _pull(self, made: Rig) -> None:
        """The cable is pulled for a while, at the next answer."""
        made.inject(Fault(kind="disconnect", seconds=PULLED_S))
        _, error = await outcome(made.do(self.case.harmless))
        assert isinstance(error, EXPLAINED), repr(error)

    @where(faulty)
    def test_a_pulled_cable_is_told_and_when_it_is_back_all_is_well(self) -> None:
        async def work(made: Rig) -> None:
            await made.ready()
            before = await made.do(self.case.harmless)
            await self._pull(made)
            _, error = await outcome(made.device.recover())
            if driver_of(self.case).transport == "serial":
                assert isinstance(error, ConnectionProblem), f"opened what is not there: {error!r}"
                assert made.where in str(error)
            else:
                assert error is None or isinstance(error, Retryable | ConnectionProblem), repr(error)
            await asyncio.sleep(PULLED_S)
            said = len(made.traffic.said)
            forgotten = await made.device.recover()
            assert len(made.traffic.said) > said, "`recover` asks who is there"
            told = type(made.device).forgets
            if type(made.device).recover is _default_recover():
                assert forgotten == told
            assert isinstance(forgotten, tuple)
            await made.prepare()
            after = await made.do(self.case.harmless)
            assert not differences(after, before, self.case.tolerance)
            assert not differences(await made.signals(), made.truth(), self.case.tolerance)

        self.run(work)

    @where(numbered)
    def test_the_cable_is_put_back_into_another_instrument(self) -> None:
        told = simulator_of(self.case).options.model_fields["serial_number"].get_default()
        expected = str(self.case.simulator.get("serial_number", told))
        other = expected[:-1] + ("1" if expected[-1] != "1" else "2")

        async def work(made: Rig) -> None:
            await made.ready()
            await self._pull(made)
            await asyncio.sleep(PULLED_S)
            assert made.tap is not None
            swapped = make_simulator(self.case, made.clock, Setup(simulator={"serial_number": other}))
            made.tap.inner = MemoryOpener(swapped, name=PORT)
            _, error = await outcome(made.device.recover())
            assert isinstance(error, ConnectionProblem), f"took another instrument for its own: {error!r}"
            for part in (made.device.name, made.where, other, expected):
                assert part in str(error)

        self.run(work, Setup(options={"serial_number": expected}))


def _default_recover() -> object:
    from motet.devices import Device

    return Device.recover
