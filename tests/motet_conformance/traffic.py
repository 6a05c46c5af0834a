"""Traffic that was captured plays again: to the simulator, and to the driver."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motet.lines import Capture, Record, read_capture
from motet.simulation import LoopClock
from motet.simulation.replay import Replay, answers
from motet_conformance.agreement import differences
from motet_conformance.applies import serial, where
from motet_conformance.base import Part
from motet_conformance.rig import Rig, Setup, in_virtual_time, make_simulator


class TrafficPart(Part):
    """Capture and replay."""

    @where(serial)
    def test_captured_traffic_plays_again_for_driver_and_simulator(self, tmp_path: Path) -> None:
        path = tmp_path / "traffic.jsonl"
        captured = self._captured(path)
        records = list(read_capture(path))
        assert any(record.dir == ">" for record in records), "nothing was said"
        assert any(record.dir == "<" for record in records), "nothing was answered"
        self._driver_again(records, captured)
        self._simulator_again(records)

    def _captured(self, path: Path) -> Mapping[str, Any]:
        async def work(made: Rig) -> Mapping[str, Any]:
            return await self._session(made)

        capture: list[Capture] = []

        def setup() -> Setup:
            capture.append(Capture(path))
            return Setup(capture=capture[0])

        found = self.run(work, setup())
        in_virtual_time(capture[0].close)
        return found

    async def _session(self, made: Rig) -> Mapping[str, Any]:
        await made.ready()
        found = dict(await made.do(self.case.harmless))
        found |= await made.signals()
        await made.device.stop()
        return found

    def _driver_again(self, records: list[Record], captured: Mapping[str, Any]) -> None:
        replay = Replay(records)

        async def work(made: Rig) -> None:
            found = await self._session(made)
            assert not differences(found, captured, {}), replay.deviation
            assert replay.deviation is None
            assert replay.finished

        self.run(work, Setup(opener=replay))

    def _simulator_again(self, records: list[Record]) -> None:
        """The simulator is told the same at the same times."""

        async def work() -> tuple[bytes, bytes]:
            simulator = make_simulator(self.case, LoopClock(asyncio.get_running_loop()))
            return await answers(simulator, records)

        said, recorded = in_virtual_time(work)
        assert said == recorded
