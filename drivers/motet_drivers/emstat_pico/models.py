"""The MethodSCRIPT instruments that the driver knows: who they say they are, and what they can do.

Device codes: Communication protocol for EmStat Pico v1.6 and for EmStat4 v1.3, command `t`; ranges: MethodSCRIPT
manual v1.8, appendix B. Potentials V, currents A, frequencies Hz, amplitudes V rms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ModelName = Literal["EmStat Pico", "EmStat4 LR", "EmStat4 HR"]
LOW_SPEED, HIGH_SPEED, MAX_RANGE = 2, 3, 4
"""PGStat modes. They make a difference on an EmStat Pico only."""


@dataclass(frozen=True, slots=True)
class Mode:
    """What a PGStat mode can do: lowest and highest potential, how far apart those of one measurement may be, and the
    highest bandwidth, Hz."""

    number: int
    low: float
    high: float
    window: float
    bandwidth: float


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of instrument; `modes` in the order in which they are preferred."""

    codes: tuple[str, ...]
    modes: tuple[Mode, ...]
    smallest_step: float
    lowest_frequency: float
    highest_frequency: float
    widest_amplitude: float
    lowest_current: float
    highest_current: float

    @property
    def potentials(self) -> tuple[float, float]:
        """The range of potentials in any mode."""
        return min(mode.low for mode in self.modes), max(mode.high for mode in self.modes)

    def mode_for(self, low: float, high: float, bandwidth: float) -> Mode | None:
        """The first mode in which these potentials can be applied with this bandwidth; None when there is none."""
        for mode in self.modes:
            inside = mode.low <= low and high <= mode.high and high - low <= mode.window + 1e-9
            if inside and bandwidth <= mode.bandwidth:
                return mode
        return None


def _emstat4(code: str, volts: float, lowest: float, highest: float) -> Model:
    modes = tuple(Mode(number, -volts, volts, 2 * volts, 200e3) for number in (LOW_SPEED, HIGH_SPEED))
    return Model((f"es4_{code}", f"mes4{code}"), modes, 2e-4, 1e-5, 200e3, 0.9, lowest, highest)


MODELS: Mapping[ModelName, Model] = {
    "EmStat Pico": Model(
        ("espico",),
        (
            Mode(LOW_SPEED, -1.25, 2.0, 2.2, 100.0),
            Mode(MAX_RANGE, -1.7, 2.0, 2.6, 100.0),
            Mode(HIGH_SPEED, -1.7, 2.0, 1.214, 200e3),
        ),
        6e-4,
        0.016,
        200e3,
        0.429,
        60e-9,
        3e-3,
    ),
    "EmStat4 LR": _emstat4("lr", 3.0, 1e-9, 30e-3),
    "EmStat4 HR": _emstat4("hr", 6.0, 100e-9, 200e-3),
}


def model_of(code: str) -> ModelName | None:
    """The model whose firmware begins with this code."""
    return next((name for name, model in MODELS.items() if code in model.codes), None)
