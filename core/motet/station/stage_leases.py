"""The shared devices that a station leases for the whole of a stage, and the end of its waits for any of them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from motet.devices import Device
from motet.station.gate import Gate
from motet.station.shared import Face


@dataclass
class StageLeases:
    """What one station leases for the whole of a stage; and the end of its waits."""

    devices: Mapping[str, Device]
    overtime: Exception | None = field(default=None, init=False)
    """Why the stage has to end: it had a device for too long."""

    @property
    def faces(self) -> Mapping[str, Face]:
        """The shared devices."""
        return {key: device for key, device in self.devices.items() if isinstance(device, Face)}

    def wait_at(self, gate: Gate) -> None:
        """No step of a shared device begins while this gate is closed."""
        for face in self.faces.values():
            face.wait_at(gate)

    @asynccontextmanager
    async def held(
        self,
        used: frozenset[str] | None,
        too_long: Callable[[], Coroutine[Any, Any, object]],
        priority: int = 0,
    ) -> AsyncGenerator[None]:
        """Hold, in the order of their names, the devices that are leased by stage; of the `used` ones, if it is known
        which. `too_long` is run when one was held longer than it may be. In the block, all waits for shared devices are
        of the `priority`."""
        self.overtime = None
        ending: list[asyncio.Future[object]] = []

        def late(error: Exception) -> None:
            self.overtime = error
            ending.append(asyncio.ensure_future(too_long()))

        faces = self.faces
        if not faces:
            yield
            return
        wanted = [key for key, face in faces.items() if face.leased_by_stage and (used is None or key in used)]
        async with AsyncExitStack() as stack:
            for face in faces.values():
                stack.enter_context(face.ranked(priority))
            for key in sorted(wanted):
                held = await faces[key].lease(late)
                stack.callback(held.release)
                stack.enter_context(faces[key].for_stage())
            yield
            for task in ending:
                await task

    def give_up(self, reason: str) -> None:
        """End every wait for a lease."""
        for face in self.faces.values():
            face.give_up(reason)
