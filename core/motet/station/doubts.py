"""Devices that have to show who they are before their next use: after silence, a lost line, a failed safe state."""

from collections.abc import Callable, Iterable, Mapping

from motet.devices import Device
from motet.errors import ConnectionProblem, LineLost
from motet.station.reading import Signals


class Doubts:
    """The devices of one station, by key, that cannot be relied on just now."""

    def __init__(self, devices: Mapping[str, Device], signals: Signals) -> None:
        self._devices = devices
        self._signals = signals
        self._keys: set[str] = set()

    def after(self, error: Exception) -> None:
        """Doubt the devices that an error is about: those that it names, or else all.

        The others are left alone: opening a port again makes some instruments forget where they are.
        """
        self._keys |= {key for key, one in self._devices.items() if one.name in str(error)} or set(self._devices)

    def about(self, keys: Iterable[str]) -> None:
        """Doubt these."""
        self._keys |= set(keys)

    def dispelled(self, keys: Iterable[str]) -> None:
        """These have shown who they are."""
        self._keys -= set(keys)

    @property
    def any(self) -> bool:
        """Whether there is one, or one whose line was lost."""
        return any(map(self._is_doubtful, self._devices))

    async def settle(self, tell: Callable[[str], object]) -> None:
        """Open anew what is in doubt or whose line was lost, and make sure who answers; `tell` what is not known any
        more. Raises LineLost."""
        for key, device in self._devices.items():
            if not self._is_doubtful(key):
                continue
            self._keys.add(key)
            try:
                async with self._signals.undisturbed([key]):
                    lost = await device.recover()
            except ConnectionProblem as error:
                raise LineLost(str(error)) from error
            self._keys.discard(key)
            if lost:
                tell(f"{device.name} was connected again; not known any more: {'; '.join(lost)}")

    def _is_doubtful(self, key: str) -> bool:
        line = self._devices[key].context.line
        return key in self._keys or not (line is None or line.is_open)
