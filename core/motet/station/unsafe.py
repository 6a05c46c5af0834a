"""Devices that did not reach their safe state when they were told to: they are brought there as soon as they answer."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from motet.devices import Device
from motet.errors import LineLost
from motet.station.doubts import Doubts
from motet.station.reading import Signals
from motet.station.together import CONNECT_TIMEOUT_S, SAFE_TIMEOUT_S, each, forgotten, reason_of

AGAIN_S = 1.0
"""How long to wait before what did not answer is tried again, seconds of the loop; longer and longer, up to ten times
this."""

_log = logging.getLogger(__name__)


@dataclass
class Unsafe:
    """Those of one station. It tries again by itself, one attempt after the other, until it is stopped.

    `free` says whether nobody else is at work with the devices: no experiment, nothing that connects them anew.
    `changed` hears, with what happened, whenever one has reached its safe state.
    """

    devices: Mapping[str, Device]
    signals: Signals
    doubts: Doubts
    free: Callable[[], bool]
    changed: Callable[[str], object]
    reasons: dict[str, str] = field(default_factory=dict[str, str], init=False)
    """Why each has not reached it, by its key."""
    over: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set while there are none."""
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _trying: "asyncio.Task[None] | None" = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.over.set()

    def found(self, safe: Iterable[str], problems: Mapping[str, BaseException]) -> None:
        """What came of telling them all. From now on those that did not are told again."""
        for key in safe:
            self.reasons.pop(key, None)
        self.reasons.update({key: reason_of(error) for key, error in problems.items()})
        if not self.reasons:
            self.over.set()
            return
        self.over.clear()
        if not self._stopped and (self._trying is None or self._trying.done()):
            self._trying = asyncio.create_task(self._keep_trying(), name="back to the safe state")

    async def wait(self) -> None:
        """Wait until there are none."""
        await self.over.wait()

    async def settle(self) -> None:
        """Bring them there before the next experiment. Raises LineLost that names the first that is not there."""
        if not self.reasons:
            return
        async with self._one_at_a_time:
            await self._try()
        for key, reason in self.reasons.items():
            raise LineLost(f"{self.devices[key].name} has not reached its safe state since it was told to: {reason}")

    async def stop(self) -> None:
        """Try no more: the lines are given back."""
        self._stopped = True
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait([self._trying])

    async def _keep_trying(self) -> None:
        pause = AGAIN_S
        while self.reasons:
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, 10 * AGAIN_S)
            if self.free() and not self._one_at_a_time.locked():
                async with self._one_at_a_time:
                    await self._try()

    async def _try(self) -> None:
        """Open each anew, make sure who answers, and make it safe."""
        unsafe = {key: self.devices[key] for key in self.reasons}
        lost, problems = await each(unsafe, self._make_safe, CONNECT_TIMEOUT_S + SAFE_TIMEOUT_S)
        self.found(lost, problems)
        if lost:
            names = ", ".join(self.devices[key].name for key in lost)
            news = "; ".join(filter(None, (f"{names} reached its safe state", forgotten(self.devices, lost))))
            _log.warning("%s", news)
            self.changed(news)

    async def _make_safe(self, device: Device) -> tuple[str, ...]:
        """What is not known of it any more."""
        key = next(key for key, one in self.devices.items() if one is device)
        async with self.signals.undisturbed([key]):
            lost = await device.recover()
        self.doubts.dispelled([key])
        await device.safe()
        return lost
