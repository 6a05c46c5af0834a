"""The world of a table: what was measured once is the truth that instruments see again.

Each row of a CSV file is one experiment. Some columns are inputs, which instruments set (a position, a temperature) or
deliver (a volume); others are outputs, which sensors read at the point where the inputs are now.
"""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from motet.contracts.simulation import Clock

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEIGHBOURS = 50
"""How many rows an interpolated value is made of at most."""


class Options(BaseModel):
    """The file, which columns mean what, and how to look up what lies between rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    file: Path
    """A CSV file with a header."""
    inputs: tuple[str, ...] = Field(min_length=1)
    """Columns that instruments drive or add to; quantities of these names."""
    outputs: tuple[str, ...] = Field(min_length=1)
    """Columns that sensors read."""
    between: Literal["nearest", "interpolated"] = "nearest"
    """`nearest`: the row that is nearest, each input measured in standard deviations. `interpolated`: by radial basis
    functions of the rows around, which go through every row."""
    noise: dict[str, float] = {}
    """Standard deviation of a reading, by output; none where it is left out."""
    start: dict[str, float] = {}
    """An input before anybody sets it; 0 where it is left out."""
    reset: str = "reset"
    """Adding to this quantity takes every input that was added to back to its start: a vessel that is emptied."""

    @model_validator(mode="after")
    def _columns_are_known(self) -> "Options":
        twice = sorted(set(self.inputs) & set(self.outputs))
        if twice:
            raise ValueError(f"{', '.join(twice)}: both an input and an output")
        for name, keys, known in (("noise", self.noise, self.outputs), ("start", self.start, self.inputs)):
            unknown = sorted(set(keys) - set(known))
            if unknown:
                raise ValueError(f"{name}: {', '.join(unknown)}: not one of {', '.join(known)}")
        return self


class Table:
    """Measured rows as the truth: sensors read the nearest row, or what is interpolated between rows."""

    def __init__(self, options: Options, clock: Clock, seed: int) -> None:
        self.takes = frozenset({*options.inputs, options.reset})
        self.reads = frozenset(options.outputs)
        self._options = options
        self._random = np.random.default_rng(seed)
        points, values = load(options.file, options.inputs, options.outputs)
        self._scale = np.where(points.std(axis=0) > 0, points.std(axis=0), 1.0)
        self._points, self._values = _means(points / self._scale, values)
        self._interpolate: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
        self._sources: dict[str, Callable[[], float]] = {}
        self._added: dict[str, float] = {}

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        """An instrument is the source of an input. Raises KeyError, ValueError for a second source."""
        self._known(quantity)
        if quantity in self._sources:
            raise ValueError(f"{quantity} has a source already")
        self._sources[quantity] = value
        return lambda: None

    def add(self, quantity: str, amount: float) -> None:
        """So much more of an input. Raises KeyError."""
        if quantity == self._options.reset:
            self._added.clear()
            return
        self._known(quantity)
        self._added[quantity] = self._added.get(quantity, 0.0) + amount

    def read(self, quantity: str) -> float:
        """An output at the point where the inputs are now, with its noise. Raises KeyError."""
        if quantity not in self.reads:
            raise KeyError(f"{quantity!r} is no output; allowed: {', '.join(self._options.outputs)}")
        column = self._options.outputs.index(quantity)
        noise = self._options.noise.get(quantity, 0.0)
        return float(self._look_up()[column] + (self._random.normal(0.0, noise) if noise else 0.0))

    def point(self) -> Mapping[str, float]:
        """Where the inputs are now."""
        return {name: self._input(name) for name in self._options.inputs}

    def _input(self, name: str) -> float:
        source = self._sources.get(name)
        return (self._options.start.get(name, 0.0) if source is None else source()) + self._added.get(name, 0.0)

    def _look_up(self) -> "NDArray[np.float64]":
        """All outputs, shape (outputs,)."""
        at = np.array([self._input(name) for name in self._options.inputs]) / self._scale
        if self._options.between == "nearest":
            return self._values[int(np.argmin(((self._points - at) ** 2).sum(axis=1)))]
        if self._interpolate is None:
            from scipy.interpolate import RBFInterpolator

            nearest = min(NEIGHBOURS, len(self._points))
            self._interpolate = RBFInterpolator(self._points, self._values, neighbors=nearest, kernel="linear")
        return self._interpolate(at[None])[0]

    def _known(self, quantity: str) -> None:
        if quantity not in self._options.inputs:
            allowed = ", ".join((*self._options.inputs, self._options.reset))
            raise KeyError(f"{quantity!r} is no input; allowed: {allowed}")


def load(
    file: Path, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Inputs, shape (rows, inputs), and outputs, shape (rows, outputs), of a CSV file.

    Raises ValueError naming file, line and column for what is no number, OSError for a file that cannot be read.
    """
    with file.open(newline="", encoding="utf-8-sig") as text:
        reader = csv.DictReader(text)
        columns = (*inputs, *outputs)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            there = ", ".join(reader.fieldnames or ()) or "none"
            raise ValueError(f"{file}: no column {', '.join(missing)}; its columns: {there}")
        rows = [[_number(file, reader.line_num, name, row[name]) for name in columns] for row in reader]
    if not rows:
        raise ValueError(f"{file}: it has no rows")
    table = np.array(rows)
    return table[:, : len(inputs)], table[:, len(inputs) :]


def _number(file: Path, line: int, column: str, text: str | None) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"{file}:{line}: {column} is {text!r}; a number is needed")
    return number


def _means(
    points: "NDArray[np.float64]", values: "NDArray[np.float64]"
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Each point once, with the mean of what was measured there."""
    unique, where = np.unique(points, axis=0, return_inverse=True)
    sums = np.zeros((len(unique), values.shape[1]))
    np.add.at(sums, where.reshape(-1), values)
    return unique, sums / np.bincount(where.reshape(-1))[:, None]
