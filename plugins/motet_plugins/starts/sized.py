"""The option that start designs have in common."""

from pydantic import Field

from motet.model.values import Frozen, Whole


class Sized(Frozen):
    """How many points a design has."""

    n: Whole | None = Field(default=None, ge=1, le=100_000)
    """Points to start with; one a station when left out."""

    def points(self, stations: int) -> int:
        """As many as the option says, or one a station."""
        return stations if self.n is None else self.n
