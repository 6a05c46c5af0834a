"""How an EmStat is to measure: the options of its driver, and how the potentiostat is set for given potentials."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field, model_validator

from motet.devices import Expected
from motet.errors import LimitError
from motet_drivers.emstat_pico.models import MODELS, ModelName
from motet_drivers.emstat_pico.script import SetUp

_BANDWIDTH, _HIGHEST_BANDWIDTH = 6.0, 200e3
"""Highest bandwidth as a multiple of the rate of packages, as in PalmSens' examples: 60 Hz for 10 a second."""


class Options(Expected):
    """Which instrument it is, and how it measures currents."""

    model: ModelName = "EmStat Pico"
    """What the instrument must be; potentials, frequencies and ranges are limited to what it can do."""
    current_range: float = Field(default=1e-3, gt=0)
    """The highest current expected, A: the largest range that is used."""
    autoranging: bool = True
    """Whether the range may follow the current; else it stays that of `current_range`."""
    lowest_range: float | None = Field(default=None, gt=0)
    """The smallest range that autoranging may go to, A; null: the smallest of the model."""
    bandwidth: float | None = Field(default=None, gt=0, le=1e6)
    """Highest bandwidth of the measurement, Hz; null: six times the rate of points."""
    equilibration: float = Field(default=0.0, ge=0, le=3600)
    """How long the first potential is held before a measurement begins, s."""
    on_overload: Literal["fail", "keep"] = "fail"
    """What a current beyond its range does: fail the measurement, or keep it and count it in `overloads`."""

    @model_validator(mode="after")
    def _ranges_of_the_model(self) -> "Options":
        model = MODELS[self.model]
        if not self.current_range <= model.highest_current:
            raise ValueError(f"current_range = {self.current_range:g} A: the {self.model} has up to "
                             f"{model.highest_current:g} A")  # fmt: skip
        if self.lowest_range is not None and not self.lowest_range <= self.current_range:
            raise ValueError(
                f"lowest_range = {self.lowest_range:g} A is above current_range = {self.current_range:g} A"
            )
        return self

    def set_up(self, device: str, potentials: Sequence[float], interval: float, mode: int | None = None) -> SetUp:
        """How to measure at these potentials, V, with a point every `interval` s; `mode` is the only PGStat mode that
        will do. Raises LimitError, naming the device, where the model cannot."""
        low, high = min(potentials), max(potentials)
        bandwidth = self.bandwidth or min(_BANDWIDTH / interval, _HIGHEST_BANDWIDTH)
        model = MODELS[self.model]
        if mode is not None:
            model = replace(model, modes=tuple(one for one in model.modes if one.number == mode))
        found = model.mode_for(low, high, bandwidth)
        if found is None:
            modes = "; ".join(
                f"[{one.low:g}, {one.high:g}] V, {one.window:g} V apart, up to {one.bandwidth:g} Hz"
                for one in model.modes
            )
            raise LimitError(
                f"{device}: {low:g} V to {high:g} V with a bandwidth of {bandwidth:g} Hz is beyond what the "
                f"{self.model} can do: {modes}"
            )
        lowest = min(self.lowest_range or model.lowest_current, self.current_range)
        lowest = lowest if self.autoranging else self.current_range
        return SetUp(found.number, bandwidth, lowest, self.current_range, self.equilibration)
