"""Whether a station in another process is in its safe state, as far as its orchestrator knows."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from motet.station.unsafe import AGAIN_S


@dataclass
class RemoteUnsafe:
    """What a station answered when it was last told to be safe. `ask` tells it once more."""

    ask: Callable[[], Awaitable[object]]
    reasons: dict[str, str] = field(default_factory=dict[str, str], init=False)
    """Why it is not known to be; under an empty key, as its reason names the devices."""

    def answered(self, problem: str) -> None:
        """What it said, empty when all is well."""
        self.reasons = {"": problem} if problem else {}

    async def wait(self) -> None:
        """Ask until it is."""
        while self.reasons:
            await asyncio.sleep(AGAIN_S)
            await self.ask()
