"""Signals of a station's devices, read for interlocks while an experiment may use the same devices."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from motet.devices import Device
from motet.errors import NoReply, NotFound

READ_TIMEOUT_S = 5.0
"""How long a device without a line may take to give a signal, seconds of the loop."""

OPENING_S = 60.0
"""How long a device may take to be opened anew before its signals count as unreadable: as long as it may when an
emergency stop is cleared."""


class Signals:
    """Reads `device.signal`; a device that is silent keeps nobody from reading the others."""

    def __init__(self, devices: Mapping[str, Device]) -> None:
        self._devices = devices
        self._locks = {key: asyncio.Lock() for key in devices}

    @asynccontextmanager
    async def undisturbed(self, keys: Iterable[str]) -> AsyncGenerator[None]:
        """While entered nobody reads these devices: they are opened anew."""
        async with AsyncExitStack() as stack:
            for key in sorted(keys):
                await stack.enter_async_context(self._locks[key])
            yield

    async def read(self, name: str) -> Any:
        """The value now. Raises NotFound, NoReply when it takes longer than the device's line allows or the device is
        being opened anew for too long, and what the device raises."""
        key, signal = self._found(name)
        device = self._devices[key]
        line = device.context.line
        longest = READ_TIMEOUT_S if line is None else line.timeout * (line.retries + 2)  # one exchange may be under way
        await self._free(key, f"{device.name}: {signal} cannot be read")
        try:
            async with asyncio.timeout(longest):
                return await getattr(device, f"get_{signal}")()
        except TimeoutError:
            raise NoReply(f"{device.name}: {signal} did not come within {longest:g} s") from None
        finally:
            self._locks[key].release()

    async def _free(self, key: str, otherwise: str) -> None:
        """Have the device alone. An interlock must not be blind while a device waits to be opened anew, as a shared one
        may that another station has. Raises NoReply."""
        try:
            async with asyncio.timeout(OPENING_S):
                await self._locks[key].acquire()
        except TimeoutError:
            raise NoReply(f"{otherwise}: it has been waiting to be opened anew for {OPENING_S:g} s") from None

    def unit_of(self, name: str) -> str:
        """The unit of a signal, empty without one. Raises NotFound."""
        key, signal = self._found(name)
        device = self._devices[key]
        return device.signals_for(device.context.options)[signal].unit

    def _found(self, name: str) -> tuple[str, str]:
        """The keys of device and signal."""
        path, _, signal = name.rpartition(".")
        key = path.rpartition(".")[2]
        device = self._devices.get(key)
        if device is None:
            raise NotFound(f"{name}: no device {path!r}; there is: {', '.join(self._devices)}")
        signals = device.signals_for(device.context.options)
        if signal not in signals:
            raise NotFound(f"{name}: {device.name} has no such signal; it has: {', '.join(signals) or 'none'}")
        return key, signal
