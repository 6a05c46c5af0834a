"""The same over a real pseudo-terminal."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from motet.errors import ConnectionProblem
from motet.lines import Line, SerialOpener
from motet.simulation import LoopClock, PtyServer
from motet_conformance.agreement import differences
from motet_conformance.applies import serial, where
from motet_conformance.base import Part
from motet_conformance.rig import NAME, Rig, Setup, device_of, make_device, make_simulator, options_of, settings_of
from motet_conformance.wire import Traffic

SCALE = 50.0
LONGEST_S = 30.0
"""In real seconds."""


class TerminalPart(Part):
    """A pseudo-terminal."""

    @where(serial)
    def test_over_a_pseudo_terminal_it_gives_the_same_and_the_port_has_one_owner(self, tmp_path: Path) -> None:
        async def alone(made: Rig) -> Any:
            await made.ready()
            return await made.do(self.case.harmless)

        async def whole() -> None:
            clock = LoopClock(asyncio.get_running_loop(), SCALE)
            simulator = make_simulator(self.case, clock)
            async with asyncio.timeout(LONGEST_S), PtyServer(simulator, link=tmp_path / "port") as server:
                settings = settings_of(self.case, server.path)
                device = make_device(self.case, Setup(scale=SCALE), line=self._line(NAME, settings))
                made = Rig(self.case, device, simulator, Traffic(), clock, server.path)
                try:
                    await made.ready()
                    found = await made.do(self.case.harmless)
                    assert not differences(found, wanted, self.case.tolerance)
                    target = str((tmp_path / "port").resolve())
                    again = settings.model_copy(update={"url": target})
                    second = make_device(self.case, Setup(), "cell-second", line=self._line("cell-second", again))
                    with pytest.raises(ConnectionProblem, match=f"cell-second: {target} is in use by {NAME}"):
                        await second.connect()
                finally:
                    await device.close()

        wanted = self.run(alone)
        asyncio.run(whole())

    def _line(self, name: str, settings: Any) -> Line:
        framing = device_of(self.case).framing_for(options_of(self.case))
        return Line(name, SerialOpener(settings), framing, timeout=settings.timeout)
