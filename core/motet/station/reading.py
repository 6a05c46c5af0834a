"""Signals of a station's devices, read for interlocks while an experiment may use the same devices."""

import asyncio
from collections.abc import Mapping
from typing import Any

from motet.devices import Device
from motet.errors import NoReply, NotFound

READ_TIMEOUT_S = 5.0
"""How long a device without a line may take to give a signal, seconds of the loop."""


class Signals:
    """Reads `device.signal`. Nobody reads while `undisturbed` is held: while a device is opened anew."""

    def __init__(self, devices: Mapping[str, Device]) -> None:
        self._devices = devices
        self.undisturbed = asyncio.Lock()

    async def read(self, name: str) -> Any:
        """The value now. Raises NotFound, NoReply when it takes longer than the device's line allows, and what the
        device raises."""
        device, signal = self._found(name)
        line = device.context.line
        longest = READ_TIMEOUT_S if line is None else line.timeout * (line.retries + 2)  # one exchange may be under way
        async with self.undisturbed:
            try:
                async with asyncio.timeout(longest):
                    return await getattr(device, f"get_{signal}")()
            except TimeoutError:
                raise NoReply(f"{device.name}: {signal} did not come within {longest:g} s") from None

    def unit_of(self, name: str) -> str:
        """The unit of a signal, empty without one. Raises NotFound."""
        device, signal = self._found(name)
        return device.signals_for(device.context.options)[signal].unit

    def _found(self, name: str) -> tuple[Device, str]:
        key, _, signal = name.rpartition(".")
        device = self._devices.get(key.rpartition(".")[2])
        if device is None:
            raise NotFound(f"{name}: no device {key!r}; there is: {', '.join(self._devices)}")
        signals = device.signals_for(device.context.options)
        if signal not in signals:
            raise NotFound(f"{name}: {device.name} has no such signal; it has: {', '.join(signals) or 'none'}")
        return device, signal
