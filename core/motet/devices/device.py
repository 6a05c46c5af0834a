"""The base of Motet's own drivers: an ophyd-async device with verbs, signals, limits, `stop` and `safe`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ophyd_async.core import DEFAULT_TIMEOUT, DeviceMock, StandardReadable
from pydantic import BaseModel

from motet.bus import Bus
from motet.contracts.people import Person
from motet.devices.limits import Limits
from motet.devices.signals import Output, query_signal
from motet.devices.verbs import Verb, VerbSpec, verbs_of
from motet.devices.verified import Verified
from motet.errors import PluginProblem
from motet.lines import Framing, Line


@dataclass(frozen=True, slots=True)
class Context:
    """What a device is made from: its name (`station-device`), the driver's options, limits, and its line or bus.

    `scale` is lab seconds a second of the event loop: above 1 where simulators run faster than their instruments. A
    driver that knows how long its instrument takes divides by it. `person` is who answers questions, None where nobody
    can be asked. `stand_in` is what a driver of the transport `object` uses instead of its own object where the lab is
    simulated.
    """

    name: str
    options: BaseModel
    limits: Limits
    line: Line | None = None
    bus: Bus | None = None
    topic: str = ""
    scale: float = 1.0
    person: Person | None = None
    stand_in: Any = None

    def need_line(self) -> Line:
        """The serial line. Raises PluginProblem when the driver was declared without one."""
        if self.line is None:
            raise PluginProblem(f"{self.name}: its driver needs a serial line")
        return self.line

    def need_bus(self) -> Bus:
        """The MQTT bus. Raises PluginProblem when the lab has no broker."""
        if self.bus is None:
            raise PluginProblem(f"{self.name}: its driver needs a broker")
        return self.bus


class Device(StandardReadable):
    """One instrument.

    A driver declares `signals`, each with an async method `get_SIGNAL`, and verbs with `@verb`. It implements
    `open`, which opens the line and checks who answers, `close`, `stop` and, where stopping is not enough, `safe`.
    """

    signals: ClassVar[Mapping[str, Output]] = {}
    states: ClassVar[Mapping[str, str]] = {}
    """The states that the instrument tells of, by name, with what they mean."""
    verified: ClassVar[Verified] = Verified()
    forgets: ClassVar[tuple[str, ...]] = ()
    """What cannot be known any more after its line was lost, each with what to do: `the position: run home`."""
    locked: Exception | None = None
    """What every verb raises instead of doing anything, None when they do what is asked: set by an emergency stop."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.limits = context.limits
        with self.add_children_as_readables():
            for key, output in self.signals_for(context.options).items():
                setattr(self, key, query_signal(output, getattr(self, f"get_{key}")))
        super().__init__(name=context.name)
        self.verbs = {key: Verb(self, spec, context.limits) for key, spec in self.verbs_for(context.options).items()}

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """The verbs of a device with these options: by default those that the class declares.

        For drivers whose options decide what their verbs are or give.
        """
        return verbs_of(cls)

    @classmethod
    def signals_for(cls, options: BaseModel) -> Mapping[str, Output]:
        """The signals of a device with these options: by default those that the class declares."""
        return cls.signals

    @classmethod
    def framing_for(cls, options: BaseModel) -> Framing:
        """How the bytes of its line are cut, with these options: by default the framing that the class declares."""
        return cls.framing  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] - serial drivers

    @classmethod
    def line_for(cls, options: BaseModel) -> Mapping[str, Any]:
        """The instrument's own settings of its line, where the options state some: they hold unless the lab file says
        otherwise."""
        return {}

    async def connect(
        self,
        mock: "bool | DeviceMock[Any]" = False,
        timeout: float = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - ophyd-async's signature
        force_reconnect: bool = False,
    ) -> None:
        """Open the instrument, then connect the signals. Raises a MotetError that names line and device."""
        if not mock:
            await self.open()
        await super().connect(mock, timeout, force_reconnect)

    async def open(self) -> None:
        """Open the line and make sure that the right instrument answers. Nothing moves."""

    async def close(self) -> None:
        """Give the line back. The instrument stays as it is."""

    async def recover(self) -> tuple[str, ...]:
        """After a lost line or a silent instrument: open it anew, make sure who answers.

        What cannot be known any more is returned, in words. Raises like `open`.
        """
        await self.close()
        await self.open()
        return self.forgets

    async def stop(self, success: bool = True) -> None:
        """Stop whatever moves, at once, also in the middle of a verb."""

    async def safe(self) -> None:
        """Go to the state in which the instrument may be left alone; by default, stop."""
        await self.stop()

    async def identity(self) -> str:
        """What the instrument says it is, with its firmware."""
        return type(self).__name__
