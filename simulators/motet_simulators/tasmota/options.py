"""Options of a simulated Tasmota device."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from motet.simulation import Faults


class Sensor(BaseModel):
    """One value of a sensor, at a place in its telemetry."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: str = Field(pattern=r"^[^.]+(\.[^.]+)+$")
    """`SI7021.Temperature`: the sensor and its value."""
    value: float = 0.0
    """What it shows without a world."""
    reads: str = ""
    """The quantity of its world that it shows."""
    noise: float = Field(default=0.0, ge=0)
    """Standard deviation of a value."""
    digits: int = Field(default=1, ge=0, le=6)
    """Decimals that are told."""


class Drive(BaseModel):
    """What a relay does to the world."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    relay: int = Field(ge=1, le=32)
    quantity: str
    """The quantity that it drives."""
    on: float
    """Its value while the relay is on."""
    off: float = 0.0
    """Its value while the relay is off."""


class Options(Faults):
    """What the device is and what is connected to it."""

    relays: int = Field(default=1, ge=0, le=32)
    """How many relays it has."""
    dimmer: bool = False
    """Whether the last of them is a light with a dimmer."""
    sensors: tuple[Sensor, ...] = ()
    drives: tuple[Drive, ...] = ()
    temperature_unit: str = Field(default="C", pattern="^[CF]$")
    tele_period: int = Field(default=300, ge=0, le=3600)
    """Seconds between two telemetry messages; 0: none."""
    full_topic: str = Field(default="%prefix%/%topic%/", pattern="%prefix%")
    group_topic: str = "tasmotas"
    mac: str = Field(default="24:0A:C4:00:01:10", pattern=r"^([0-9A-F]{2}:){5}[0-9A-F]{2}$")
    hostname: str = "tasmota-000110-0272"
    firmware: str = "14.3.0(release-tasmota)"
    module: str = "Generic"
    oldest: bool = False
    """Whether its firmware is so old that sensors are in Status 8 only."""
    set_option_4: bool = False
    set_option_26: bool = False
    discovery: bool = True
    """Whether it tells Home Assistant of itself on `tasmota/discovery/MAC/...`."""
    power: tuple[bool, ...] = ()
    """The relays that are on at power-on, the first the first; the others are off."""

    @model_validator(mode="after")
    def _relays_that_are_there(self) -> "Options":
        beyond = [drive.relay for drive in self.drives if drive.relay > self.relays]
        if beyond or len(self.power) > self.relays or (self.dimmer and not self.relays):
            raise ValueError(f"the device has {self.relays} relays; drives, power and dimmer say more")
        return self

    @property
    def unique_id(self) -> str:
        """The MAC address without its colons."""
        return self.mac.replace(":", "")
