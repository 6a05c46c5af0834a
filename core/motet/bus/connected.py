"""Whether a broker is there, to wait for and to hear of."""

import asyncio
from collections.abc import Callable

Listener = Callable[[], object]


class Connected(asyncio.Event):
    """Set while the broker is there. Those who listen are called, on the event loop, whenever it is there again."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call it from the next time on; gives what ends that."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def set(self) -> None:
        """The broker is there."""
        new = not self.is_set()
        super().set()
        for listener in tuple(self._listeners) if new else ():
            listener()
