"""Options of a Tasmota device: its relays by name, its sensors by where they are in its telemetry."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from motet.devices import Device, Expected
from motet_drivers.mqtt_values import SomePath

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Relay = Annotated[int, Field(ge=1, le=32)]
TAKEN = frozenset(dir(Device)) | {"context", "limits", "verbs", "parent"}
"""Names that a signal cannot have."""


class Sensor(BaseModel):
    """One value of the device's sensors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: SomePath
    """Where it is in `Status 10`, below StatusSNS: `SI7021.Temperature`, `ENERGY.Power`; a key with a dot as a list."""
    unit: str = ""
    """Its unit, as the device is set to give it."""


class Options(Expected):
    """What is connected to the device. `serial_number` is its MAC address."""

    relays: dict[Name, Relay] = Field(default={"relay": 1})
    """The number of each relay, by a name of yours."""
    sensors: dict[Name, Sensor] = Field(default={})
    """What `measure` reads."""
    off_when_safe: tuple[Name, ...] | None = None
    """The relays that go off at an emergency stop or when the station is lost; left out: all."""
    full_topic: str = Field(default="%prefix%/%topic%/", pattern="%prefix%")
    """The device's FullTopic."""
    timeout: float = Field(default=2.0, gt=0)
    """Longest wait for an answer, s."""
    retries: int = Field(default=2, ge=0)
    """How often something is said again when no answer came: commands set a state, so that twice is as good as once."""

    @model_validator(mode="after")
    def _names(self) -> "Options":
        both = sorted(self.relays.keys() & self.sensors.keys())
        if both:
            raise ValueError(f"{', '.join(both)} names a relay and a sensor; each needs its own name")
        taken = sorted((self.relays.keys() | self.sensors.keys()) & TAKEN)
        if taken:
            raise ValueError(f"{', '.join(taken)} cannot be the name of a relay or a sensor: devices have it already")
        if len(set(self.relays.values())) < len(self.relays):
            raise ValueError(f"two names for one relay: {self.relays}")
        unknown = sorted(set(self.off_when_safe or ()) - self.relays.keys())
        if unknown:
            raise ValueError(f"off_when_safe names {', '.join(unknown)}; the relays are {', '.join(self.relays)}")
        return self
