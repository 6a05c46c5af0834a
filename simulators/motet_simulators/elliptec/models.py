"""Thorlabs Elliptec modules: what each answers of itself, and how it moves.

Types, travels and pulses are those that published drivers know (elliptec, tl_elliptec). A rotary module gives its
pulses for one turn, a linear one for one mm; a slider counts mm from slot to slot. Speeds are typical, from memory of
the modules' data sheets.
"""

from dataclasses import dataclass
from typing import Literal

ModelName = Literal[
    "ELL6", "ELL9", "ELL12", "ELL14", "ELL15", "ELL16", "ELL17", "ELL18", "ELL20", "ELL21", "ELL22"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """One type of module. `travel` is in mm or deg; `pulses` are counts a mm, a turn, or a slider's whole mm."""

    type: int
    kind: Literal["linear", "rotary", "slider", "iris"]
    travel: int
    pulses: int
    speed: float
    """At full velocity, mm/s or deg/s."""
    slots: int = 0
    motors: int = 2

    @property
    def per_unit(self) -> float:
        """Counts a mm or deg."""
        return self.pulses / self.travel if self.kind == "rotary" else float(self.pulses)

    @property
    def spacing(self) -> int:
        """Counts from one slot of a slider to the next."""
        return self.travel * self.pulses // (self.slots - 1) if self.slots > 1 else 0


MODELS: dict[ModelName, Model] = {
    "ELL6": Model(0x06, "slider", 31, 1, 170.0, slots=2, motors=1),
    "ELL9": Model(0x09, "slider", 93, 1, 69.0, slots=4),
    "ELL12": Model(0x0C, "slider", 95, 1, 69.0, slots=6),
    "ELL14": Model(0x0E, "rotary", 360, 143360, 430.0),
    "ELL15": Model(0x0F, "iris", 11, 1000, 20.0),
    "ELL16": Model(0x10, "rotary", 360, 65536, 860.0),
    "ELL17": Model(0x11, "linear", 28, 1024, 180.0),
    "ELL18": Model(0x12, "rotary", 360, 143360, 450.0),
    "ELL20": Model(0x14, "linear", 60, 1024, 180.0),
    "ELL21": Model(0x15, "rotary", 360, 65536, 860.0),
    "ELL22": Model(0x16, "rotary", 360, 65536, 860.0),
}
