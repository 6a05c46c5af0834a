"""The start design `list`."""

from collections.abc import Sequence

from pydantic import Field, model_validator

from motet.contracts.learning import Beginning
from motet.model.values import Frozen, Point, Value, Whole


class Options(Frozen):
    """Options of `list`."""

    points: tuple[dict[str, Value], ...] = Field(min_length=1)
    """The points, each with a value for every parameter, in the order of measurement."""
    n: Whole | None = Field(default=None, ge=1, le=100_000)
    """Points to start with: those of the list, and more of them at random; those of the list when left out."""

    @model_validator(mode="after")
    def _all_of_the_list(self) -> "Options":
        if self.n is not None and self.n < len(self.points):
            raise ValueError(f"n = {self.n} must be at least the number of points in the list, {len(self.points)}")
        return self


class ListedPoints:
    """The points that the file lists, in its order; then at random as long as more are wanted."""

    def __init__(self, options: Options) -> None:
        self.points: Sequence[Point] = options.points
        self._n = options.n

    def count(self, stations: int) -> int:
        """As many as the option says, or those of the list."""
        return len(self.points) if self._n is None else self._n

    def choose(self, beginning: Beginning) -> int:
        """Any number, for the points that the list does not have."""
        return int(beginning.rng.integers(len(beginning.candidates)))
