"""The start design `random`."""

from motet.contracts.learning import Beginning
from motet_plugins.starts.sized import Sized


class Options(Sized):
    """Options of `random`."""


class RandomPoints:
    """Points drawn at random from the pool, each as likely as any other."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def count(self, stations: int) -> int:
        """As many as the option says, or one a station."""
        return self._options.points(stations)

    def choose(self, beginning: Beginning) -> int:
        """Any number."""
        return int(beginning.rng.integers(len(beginning.candidates)))
