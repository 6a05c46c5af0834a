"""The lab: the inventory of broker, stations, devices and limits, as `lab.yaml` states it."""

from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field, model_validator

from motet.model.broker import Broker
from motet.model.procedure import Procedure
from motet.model.remote import Remote, WhenAlone
from motet.model.values import Bound, Frozen, Name, PluginRef, Real, Whole

SHARED = "shared"
"""Stands for the station in the name of a shared device: `shared.robot`."""


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


class SharedDevice(Device):
    """A device that several stations use, one at a time: their procedures name it like one of their own."""

    lease: Literal["step", "stage"] = "step"
    """How long a station has it for itself: for each `step` that uses it, or for the whole `stage` if any does."""
    used_by: tuple[Name, ...] | None = Field(default=None, min_length=1)
    """The stations that use it; all when left out."""
    longest: Bound | None = None
    """The longest time that a station may have it, lab time: seconds or a quantity. Its experiment is failed then."""
    world: PluginRef | None = None
    """What its simulator moves or measures."""


class Interlock(Frozen):
    """`pause while: CONDITION`: no step begins while it holds; optionally more is done about it.

    A condition compares signals with numbers, quantities and text: `heater.temperature > 80 degC and not door.closed`.
    A signal that cannot be read counts as if the condition held.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    pause_while: str = Field(alias="pause while")
    """The condition that trips it."""
    until: str | None = None
    """What has to come true for it to clear; that the first condition does not hold any more when left out."""
    every: Bound = 1.0
    """How often the signals are read, lab time."""
    then: Literal["pause", "abort", "estop"] = "pause"
    """`abort`: the running experiment is aborted too. `estop`: the lab's emergency stop is pressed."""


class Safety(Frozen):
    """What presses the lab's emergency stop by itself."""

    estop_when: tuple[str, ...] = ()
    """Conditions on signals, such as `panel.pressed == 1`."""
    every: Bound = 0.2
    """How often their signals are read, lab time."""
    heartbeat: Bound | None = None
    """The longest time, of the clock on the wall, for which a station may hear nothing of the lab."""
    safe_within: Bound = 30.0
    """How long the end of a campaign waits, lab time, for devices that do not reach their safe state."""


class Station(Frozen):
    """A named set of devices that works on one experiment at a time."""

    kind: Name | None = None
    """What stages ask for: any station of the kind will do. The station's own name when left out."""
    remote: bool = False
    """Another process hosts it: `motet station NAME`."""
    when_alone: WhenAlone | None = None
    """For a remote station, instead of the lab's `remote.when_alone`."""
    devices: dict[Name, Device] = Field(min_length=1)
    world: PluginRef | None = None
    """What the simulated instruments of this station share."""
    price_per_hour: Real | None = Field(default=None, ge=0)
    """Of every hour of lab time that the station works on experiments, in the lab's currency."""
    interlocks: dict[Name, Interlock] = Field(default_factory=dict[Name, Interlock])
    """What pauses this station, by conditions on signals of its devices: `device.signal`."""


class Consumable(Frozen):
    """Something that experiments use up."""

    unit: str | None = None
    """What amounts of it are in; it is counted in pieces when left out."""
    stock: Annotated[Real, Field(ge=0)] | str | None = None
    """What there is at the start: a number in that unit, or a quantity (`"0.5 L"`)."""
    price: Real | None = Field(default=None, ge=0)
    """Of one unit (or piece), in the lab's currency."""
    refill_at: Annotated[Real, Field(ge=0)] | str | None = None
    """A person is asked to fill it up when there is less of it than this. When less is left than one more experiment
    uses, that is asked in any case."""


class SimulatedFailure(Frozen):
    """A device that does not answer for some time: once, `at` a time, or now and then, `mean_between` apart."""

    device: str = Field(pattern=r"^[A-Za-z]\w*\.[A-Za-z]\w*$")
    """The device as `station.device`; a shared one as `shared.device`."""
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
    broker: Broker = Broker(url="embedded")
    """`embedded`, `none`, the address of a broker, `mqtt://host:port`, or a mapping of that with who asks there."""
    remote: Remote = Remote()
    """How remote stations and their orchestrator wait for one another."""
    hardware: Literal["real", "simulated"] = "real"
    """`simulated`: every device talks to the simulator of the same name as its driver."""
    simulation: Simulation = Simulation()
    stations: dict[Name, Station] = Field(min_length=1)
    shared: dict[Name, SharedDevice] = Field(default_factory=dict[Name, SharedDevice])
    """Devices that several stations use, under a lease."""
    consumables: dict[Name, Consumable] = Field(default_factory=dict[Name, Consumable])
    """What experiments use up; procedures say how much."""
    currency: str | None = Field(default=None, min_length=1)
    """What prices are in: EUR."""
    procedures: dict[Name, Procedure] = Field(default_factory=dict[Name, Procedure])
    """Procedures that campaigns may name."""
    interlocks: dict[Name, Interlock] = Field(default_factory=dict[Name, Interlock])
    """What pauses every station, by conditions on signals of any: `station.device.signal`."""
    safety: Safety = Safety()
    """What presses the emergency stop by itself."""

    def elsewhere(self, station: str) -> bool:
        """Whether another process hosts the station. Without a broker that it could reach, this one does."""
        return self.stations[station].remote and self.broker.for_others

    def kind(self, station: str) -> str:
        """What kind of station it is."""
        return self.stations[station].kind or station

    def shared_by(self, station: str) -> dict[str, SharedDevice]:
        """The shared devices that a station uses, by name."""
        return {
            name: device for name, device in self.shared.items() if device.used_by is None or station in device.used_by
        }

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
