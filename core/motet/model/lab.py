"""The lab: the inventory of broker, stations, devices and limits, as `lab.yaml` states it."""

from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_validator

from motet.model.procedure import Procedure
from motet.model.values import Bound, Frozen, Name, PluginRef, Real, Whole


class SerialLine(Frozen):
    """Where a serial instrument is: `/dev/tty*`, `socket://host:port` or `rfc2217://host:port`."""

    url: str
    baudrate: Whole = Field(default=9600, gt=0)
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1
    timeout: Real = Field(default=2.0, gt=0)
    """Longest wait for an answer, seconds."""

    @model_validator(mode="before")
    @classmethod
    def _from_url(cls, found: object) -> object:
        return {"url": found} if isinstance(found, str) else found


class Device(Frozen):
    """One instrument of a station."""

    driver: str
    """The name of a driver plugin."""
    line: SerialLine | None = None
    """For drivers on a serial line."""
    topic: str | None = None
    """For drivers on MQTT: the prefix of the node's topics."""
    options: dict[str, Any] = Field(default_factory=dict[str, Any])
    """The driver's own options."""
    limits: dict[str, tuple[Bound, Bound]] = Field(default_factory=dict[str, tuple[Bound, Bound]])
    """The lab's limits by quantity; the tighter of these and the instrument's own holds."""
    simulator: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Options of the simulator of the same name."""


class Station(Frozen):
    """A named set of devices that works on one experiment at a time."""

    devices: dict[Name, Device] = Field(min_length=1)
    world: PluginRef | None = None
    """What the simulated instruments of this station share."""
    price_per_hour: Real | None = Field(default=None, ge=0)
    """Of every hour of lab time that the station works on experiments, in the lab's currency."""


class Consumable(Frozen):
    """Something that experiments use up."""

    unit: str | None = None
    """What amounts of it are in; it is counted in pieces when left out."""
    stock: Annotated[Real, Field(ge=0)] | str | None = None
    """What there is at the start: a number in that unit, or a quantity (`"0.5 L"`)."""
    price: Real | None = Field(default=None, ge=0)
    """Of one unit (or piece), in the lab's currency."""


class SimulatedFailure(Frozen):
    """A device that does not answer for some time: once, `at` a time, or now and then, `mean_between` apart."""

    device: str = Field(pattern=r"^[A-Za-z]\w*\.[A-Za-z]\w*$")
    """The device as `station.device`."""
    at: Bound | None = None
    """When it fails, in lab time since the simulation began, just before stations connect: `2 h`."""
    mean_between: Bound | None = None
    """The mean time between the end of a repair and the next failure; exponentially distributed."""
    repair: Bound
    """How long it does not answer."""

    @model_validator(mode="after")
    def _one_of_two(self) -> "SimulatedFailure":
        if (self.at is None) == (self.mean_between is None):
            raise ValueError("either `at` (once) or `mean_between` (drawn) is needed")
        return self


class Simulation(Frozen):
    """How the simulators run, when they do."""

    time_scale: Real = Field(default=1.0, gt=0)
    """Lab seconds that pass in one second."""
    lines: Literal["pty", "memory"] = "pty"
    """`pty`: pseudo-terminals; `memory`: no operating system in between, for virtual time."""
    seed: Whole = Field(default=0, ge=0)
    """Of the simulators' noise."""
    learner_time: Literal["measured"] | Bound = 0.0
    """How long the learner's work lasts on the lab's clock when time is virtual: as long as it is stated (`2 s`), or as
    `measured` on this machine, which makes the timeline depend on it. 0 holds the clock."""
    failures: tuple[SimulatedFailure, ...] = ()
    """Devices that fail, to rehearse a bad week."""


class Lab(Frozen):
    """Everything a campaign may use."""

    lab: Name
    """What the lab is called."""
    broker: str = Field(default="embedded", pattern=r"^(embedded|none|mqtts?://.+)$")
    """`embedded`, `none`, or the address of a broker: `mqtt://host:port`."""
    hardware: Literal["real", "simulated"] = "real"
    """`simulated`: every device talks to the simulator of the same name as its driver."""
    simulation: Simulation = Simulation()
    stations: dict[Name, Station] = Field(min_length=1)
    consumables: dict[Name, Consumable] = Field(default_factory=dict[Name, Consumable])
    """What experiments use up; procedures say how much."""
    currency: str | None = Field(default=None, min_length=1)
    """What prices are in: EUR."""
    procedures: dict[Name, Procedure] = Field(default_factory=dict[Name, Procedure])
    """Procedures that campaigns may name."""

    @property
    def scale(self) -> float:
        """Lab seconds that pass in one second of the event loop: 1 on real hardware."""
        return self.simulation.time_scale if self.hardware == "simulated" else 1.0

    @model_validator(mode="before")
    @classmethod
    def _no_template_keys(cls, found: object) -> object:
        """Keys that begin with `x-` hold YAML anchors and are left out, as in other tools' files."""
        if isinstance(found, dict):
            entries = cast("dict[str, Any]", found)
            return {key: value for key, value in entries.items() if not str(key).startswith("x-")}
        return found
