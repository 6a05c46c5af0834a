"""The cable of a simulator: a fault may pull it, and it is put back after a while."""

from collections.abc import Callable

from motet.contracts.simulation import Pluggable, Timer


class Cable:
    """Lets a simulator cut itself off from its host: `cut` is called at once, `join` when the time is over.

    Pulled while it is out, it stays out as long as was said first: two answers may go wrong in one turn, or those of
    two instruments on one bus.
    """

    def __init__(self, simulator: object, cut: Callable[[], object], join: Callable[[], object]) -> None:
        self._simulator = simulator
        self._cut = cut
        self._join = join
        self._back: Timer | None = None

    @property
    def out(self) -> bool:
        """Whether it is pulled."""
        return self._back is not None

    def watch(self) -> None:
        """From now on the simulator can pull it."""
        if isinstance(self._simulator, Pluggable):
            self._simulator.hang_up = self._pull

    def release(self) -> None:
        """The host has gone: it can be pulled no more, and is not put back."""
        if isinstance(self._simulator, Pluggable):
            self._simulator.hang_up = _nothing
        if self._back is not None:
            self._back.cancel()
            self._back = None

    def _pull(self, seconds: float) -> None:
        if self._back is None:
            assert isinstance(self._simulator, Pluggable), "only such a one is watched"
            self._back = self._simulator.clock.call_later(seconds, self._put_back)
            self._cut()

    def _put_back(self) -> None:
        self._back = None
        self._join()


def _nothing(seconds: float) -> None:
    """There is no host to disconnect from."""
