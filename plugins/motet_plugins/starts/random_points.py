"""The start design `random`."""

import numpy as np
from pydantic import Field

from motet.contracts.learning import Candidates
from motet.model.values import Frozen


class Options(Frozen):
    """Options of `random`."""

    n: int | None = Field(default=None, ge=1, le=100_000)
    """Points to start with; one a station when left out."""


class RandomPoints:
    """Points drawn at random from the pool, each as likely as any other."""

    def __init__(self, options: Options) -> None:
        self._n = options.n

    def count(self, stations: int) -> int:
        """As many as the option says, or one a station."""
        return stations if self._n is None else self._n

    def choose(self, candidates: Candidates, rng: np.random.Generator) -> int:
        """Any number."""
        return int(rng.integers(len(candidates)))
