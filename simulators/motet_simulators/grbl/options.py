"""What a lab file can say of a simulated Grbl controller and its gantry."""

from collections.abc import Mapping

from pydantic import Field

from motet.simulation import Faults
from motet_simulators.grbl.settings import DEFAULTS


class Options(Faults):
    """The controller, its settings and its gantry."""

    version: str = Field(default="1.1h", pattern=r"^1\.1[a-z]$")
    build: str = "20190825"
    serial_number: str = "gantry-1"
    """What `$I=` has stored."""
    settings: Mapping[int, float] = {}
    """Settings by number, as `$$` shows them, that differ from the simulator's own."""
    offsets: Mapping[str, tuple[float, float, float]] = {}
    """What is stored for G54 to G59, G28 and G30, mm."""
    start: tuple[float, float, float] = (-150.0, -100.0, -40.0)
    """Where the gantry stands when the power comes on, mm in the frame of the homed machine."""
    homed: bool = False
    """Whether it has been homed already."""
    auto_reset: bool = False
    """Whether opening the line resets the board, as DTR does on an Arduino Uno."""
    axes: tuple[str, str, str] = ("x", "y", "z")
    """The quantities of the world that x, y and z drive, mm."""
    zero: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Where the world's zero is, mm in the frame of the homed machine."""

    def model_post_init(self, context: object) -> None:
        """Raises ValueError for a setting that Grbl does not have."""
        if unknown := sorted(set(self.settings) - set(DEFAULTS)):
            raise ValueError(f"settings: ${unknown[0]} is no setting of Grbl 1.1")
