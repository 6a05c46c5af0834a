"""What is seen to before an experiment begins, for as long as anybody wants it to begin."""

import asyncio
from collections.abc import Callable

from motet.errors import Aborted
from motet.station.doubts import Doubts
from motet.station.unsafe import Unsafe


class Preparing:
    """Devices that are not safe, or have to show who they are. `tell` hears what is not known of them any more."""

    def __init__(self, unsafe: Unsafe, doubts: Doubts, tell: Callable[[str], object]) -> None:
        self._unsafe, self._doubts, self._tell = unsafe, doubts, tell
        self._at_work: asyncio.Task[None] | None = None
        self._given_up = ""

    async def settle(self) -> None:
        """Open anew what has to be. Raises LineLost, Aborted when `give_up` is called meanwhile."""
        if not (self._unsafe.reasons or self._doubts.any):
            return
        self._at_work = asyncio.ensure_future(self._settle())
        try:
            await self._at_work
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise Aborted(self._given_up) from None
        finally:
            self._at_work = None

    def give_up(self, reason: str) -> None:
        """The experiment is not to begin: a device that does not answer is not waited for. It is in doubt as before."""
        if self._at_work is not None:
            self._given_up = reason
            self._at_work.cancel()

    async def _settle(self) -> None:
        await self._unsafe.settle()
        await self._doubts.settle(self._tell)
