"""One owner a port; several devices on one bus where their driver has an address."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from motet.errors import ConnectionProblem
from motet.lines import Line
from motet.simulation import Fault, MemoryOpener
from motet_conformance.agreement import differences
from motet_conformance.applies import addressed, serial, where
from motet_conformance.base import Part
from motet_conformance.rig import NAME, PORT, Rig, Setup, driver_of, make_device, make_simulator, options_of


class SharingPart(Part):
    """Ports and buses."""

    @where(serial)
    def test_a_second_owner_of_a_port_is_refused(self) -> None:
        async def work(made: Rig) -> None:
            await made.ready()
            sent = made.traffic.sent
            opener = MemoryOpener(make_simulator(self.case, made.clock), name=PORT)
            line = Line("cell-second", opener, type(made.device).framing_for(made.device.context.options))
            second = make_device(self.case, Setup(), "cell-second", line=line)
            with pytest.raises(ConnectionProblem) as caught:
                await second.connect()
            for part in ("cell-second", NAME, made.where):
                assert part in str(caught.value)
            assert made.traffic.sent == sent
            await made.do(self.case.harmless)

        self.run(work)

    @where(serial, addressed)
    def test_devices_on_one_bus_do_not_disturb_one_another(self) -> None:

        async def work(made: Rig) -> None:
            (other,) = made.neighbours
            await made.ready()
            await other.connect()
            for call in self.case.prepare:
                await made.do(call, other)
            alone = await made.do(self.case.harmless)
            calls = [made.do(self.case.harmless, device) for device in (made.device, other) for _ in range(5)]
            for found in await asyncio.gather(*calls):
                assert not differences(found, alone, self.case.tolerance)
            made.inject(Fault(kind="drop", times=None))
            assert not differences(await made.do(self.case.harmless, other), alone, self.case.tolerance)
            await other.close()
            made.inject()
            assert not differences(await made.do(self.case.harmless), alone, self.case.tolerance)

        self.run(work, Setup(neighbours=[self._neighbour()]))

    def _neighbour(self) -> Mapping[str, Any]:
        """Options of a device at another address."""
        if self.case.neighbour is not None:
            return self.case.neighbour
        driver = driver_of(self.case)
        assert driver.address is not None
        own = getattr(options_of(self.case), driver.address)
        for address in (1, 2, "1", "2"):
            try:
                options = driver.options.model_validate({**self.case.options, driver.address: address})
            except ValidationError:
                continue
            if getattr(options, driver.address) != own:
                return {driver.address: address}
        pytest.fail("no other address was found; state `neighbour` in the case")
