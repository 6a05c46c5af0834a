"""How a plugin declares what it brings: a small frozen value for each thing, returned from a hook."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from motet.model.values import PluginRef


class NoOptions(BaseModel):
    """For plugins that take no options."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(StrEnum):
    """The kinds of plugin, each with a hook of the same name: `motet_KINDs`."""

    DRIVER = "driver"
    SIMULATOR = "simulator"
    WORLD = "world"
    START = "start"
    SURROGATE = "surrogate"
    ACQUISITION = "acquisition"
    PENDING = "pending"
    STOP_RULE = "stop_rule"
    PROCEDURE = "procedure"
    ANALYSIS = "analysis"
    EXPORTER = "exporter"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One thing that a plugin brings.

    `make(options)` builds it from an instance of `options`; see the hook of its kind for what else is passed.
    """

    name: str
    make: Callable[..., Any]
    options: type[BaseModel] = NoOptions

    @property
    def doc(self) -> str:
        """The first line of the docstring of `make`."""
        return (self.make.__doc__ or "").strip().partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Later:
    """A declaration whose module is imported when a file first names it: for a plugin that brings many things."""

    name: str
    load: Callable[[], Declaration]


Part = Callable[[Kind, PluginRef], Any]
"""Makes a plugin of a kind as a file names it. Raises PluginProblem."""


@dataclass(frozen=True, slots=True)
class Composite(Declaration):
    """Something made of other plugins: `make(options, part)`, where `part` is a `Part`."""


@dataclass(frozen=True, slots=True)
class Driver(Declaration):
    """A driver: `make` is the device class (a `motet.devices.Device`), called with a `motet.devices.Context`."""

    transport: Literal["serial", "mqtt", "person", "object", "none"] = "serial"
    """`person`: the context brings a `motet.contracts.people.Person`, who is asked. `object`: the driver finds its
    instrument as a Python object; where the lab is simulated, the context brings what stands in for it."""
    line: dict[str, Any] = field(default_factory=dict[str, Any])
    """The instrument's own defaults for the `line` of the lab file (baudrate, parity, ...)."""
    address: str | None = None
    """The option that holds the instrument's address on a bus; devices of such drivers may share a line."""


@dataclass(frozen=True, slots=True)
class Simulator(Declaration):
    """A simulator of the driver of the same name: `make(options, world, clock, seed)`.

    It makes a `SerialSimulator` or an `MqttSimulator` of `motet.contracts.simulation`, for the transport `person`
    somebody who answers, a `motet.contracts.people.Person`, or for `object` what stands in for the driver's own: an
    object, a `motet.contracts.objects.ObjectPath`, or None where that is harmless itself.
    """

    transport: Literal["serial", "mqtt", "person", "object"] = "serial"
    problem: Callable[[Any, Any], str | None] | None = None
    """`problem(options of the driver, its own options)`: why a lab cannot be simulated with these, None when it can.

    For what is needed only when the lab is simulated: options themselves are checked for real hardware too.
    """
