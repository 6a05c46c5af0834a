"""A device at the end of a wire in memory, with its simulator, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from motet.contracts.declarations import Driver, Kind, Simulator
from motet.devices import Context, Device, Limit, Limits
from motet.files.units import convert
from motet.lines import Capture, Line, Opener, Port
from motet.model import lab
from motet.plugins import installed
from motet.simulation import Fault, FaultInjector, LoopClock, MemoryOpener, MqttHost, Multidrop
from motet.simulation.guard import guarded
from motet.simulation.virtual import VirtualLoop
from motet.station.build import simulator_options
from motet_conformance.case import READ, Call, Case
from motet_conformance.wire import Tap, TappedBus, Traffic

T = TypeVar("T")
NAME = "cell-instrument"
PORT = "cell-port"
LONGEST_S = 48 * 3600.0
"""No call takes longer, in virtual seconds."""
SEED = 1


def in_virtual_time(work: Callable[[], Coroutine[Any, Any, T]], longest: float = LONGEST_S) -> T:
    """What the work gives, done on a loop of virtual time. Fails when it takes longer than `longest` virtual seconds,
    leaves something running, really sleeps or opens a real port."""
    loop = VirtualLoop()

    async def bounded() -> T:
        async with asyncio.timeout(longest):
            done = await work()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"still running when everything is closed: {left}"
        return done

    try:
        with guarded() as guard:
            done = loop.run_until_complete(bounded())
        assert not guard.found, guard.found
        return done
    finally:
        _end(loop)


def _end(loop: VirtualLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
        loop.run_until_complete(asyncio.wait([task], timeout=10))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


@dataclass(frozen=True)
class Setup:
    """How a rig differs from what its case says."""

    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Of the driver."""
    simulator: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Of the simulator."""
    limits: Mapping[str, tuple[float | str, float | str]] = field(default_factory=dict[str, Any])
    opener: Opener | None = None
    """Instead of the simulator on a line."""
    capture: Capture | None = None
    scale: float = 1.0
    neighbours: Sequence[Mapping[str, Any]] = ()
    """Options of other devices on the same bus."""


@dataclass
class Rig:
    """A device, not connected yet, with what it talks to."""

    case: Case
    device: Device
    simulator: Any
    traffic: Traffic
    clock: LoopClock
    where: str
    tap: Tap | None = None
    host: MqttHost | None = None
    neighbours: list[Device] = field(default_factory=list[Device])

    async def ready(self) -> "Rig":
        """Connected and in working order."""
        await self.device.connect()
        await self.prepare()
        return self

    async def prepare(self) -> None:
        """Bring it into working order."""
        for call in self.case.prepare:
            await self.do(call)

    async def do(self, call: Call, device: Device | None = None) -> Mapping[str, Any]:
        """Make a call as the RunEngine does; what it gives."""
        device = device or self.device
        if call.verb == READ:
            return await self.signals(device)
        verb = device.verbs[call.verb]
        await verb.set(call.arguments)
        return dict(verb.outputs)

    async def signals(self, device: Device | None = None) -> Mapping[str, Any]:
        """What the signals read."""
        device = device or self.device
        reading = cast("Mapping[str, Any]", await device.read())
        return {key.removeprefix(f"{device.name}-"): value["value"] for key, value in reading.items()}

    def truth(self) -> Mapping[str, Any]:
        """What they should."""
        return {} if self.case.truth is None else self.case.truth(self.simulator)

    def at_rest(self) -> bool:
        """Whether nothing of the instrument moves."""
        return self.case.at_rest is None or self.case.at_rest(self.simulator)

    def inject(self, *faults: Fault) -> None:
        """From now on these go wrong, whatever the simulator's options say."""
        self.simulator._injector = FaultInjector(faults, SEED)

    def occasions(self) -> int:
        """How often the simulator has asked since then whether the first of these is to happen."""
        return self.simulator._injector._seen[0]


def driver_of(case: Case) -> Driver:
    """The declaration of the driver."""
    return cast("Driver", installed().get(Kind.DRIVER, case.driver))


def simulator_of(case: Case) -> Simulator:
    """The declaration of the simulator."""
    return cast("Simulator", installed().get(Kind.SIMULATOR, case.driver))


def device_of(case: Case) -> type[Device]:
    """The driver's class."""
    return cast("type[Device]", driver_of(case).make)


def options_of(case: Case, entry: lab.Device | None = None) -> BaseModel:
    """The driver's options, as the case or an entry of a lab file states them."""
    return driver_of(case).options.model_validate(case.options if entry is None else entry.options)


def entry_of(case: Case, setup: Setup | None = None) -> lab.Device:
    """The device as a lab file would state it."""
    setup = setup or Setup()
    return lab.Device.model_validate(
        {
            "driver": case.driver,
            "options": {**case.options, **setup.options},
            "simulator": {**case.simulator, **setup.simulator},
            "limits": {**case.limits, **setup.limits},
        }
    )


def settings_of(case: Case, url: str) -> lab.SerialLine:
    """The settings of its line."""
    return lab.SerialLine.model_validate({"url": url, **driver_of(case).line, **case.line})


def make_simulator(case: Case, clock: LoopClock, setup: Setup | None = None) -> Any:
    """The simulator of a case, in its world."""
    declared = simulator_of(case)
    entry = entry_of(case, setup)
    world = None
    for name, options in (case.world or {}).items():
        world = installed().make(Kind.WORLD, name, options, clock, SEED)
    options = declared.options.model_validate(simulator_options(driver_of(case), declared, entry))
    return declared.make(options, world, clock, SEED)


def make_device(case: Case, setup: Setup, name: str = NAME, **context: Any) -> Device:
    """The device of a case; `context` is what it talks through."""
    entry = entry_of(case, setup)
    options = options_of(case, entry)
    limits = Limits(name, lab_limits(device_of(case), options, entry))
    return driver_of(case).make(Context(name, options, limits, scale=setup.scale, **context))


def lab_limits(device: type[Device], options: BaseModel, entry: lab.Device) -> dict[str, Limit]:
    """The lab's limits in the units of the verbs."""
    units = {key: a.unit for verb in device.verbs_for(options).values() for key, a in verb.arguments.items()}
    return {
        key: Limit(convert(low, units[key]), convert(high, units[key]), units[key])
        for key, (low, high) in entry.limits.items()
    }


@asynccontextmanager
async def rig(case: Case, setup: Setup | None = None) -> AsyncGenerator[Rig]:
    """The rig of a case. The device is closed at the end."""
    setup = setup or Setup()
    clock = LoopClock(asyncio.get_running_loop(), setup.scale)
    simulator = make_simulator(case, clock, setup)
    async with AsyncExitStack() as stack:
        made = await _WIRES[driver_of(case).transport](case, setup, simulator, clock, stack)
        for device in (*made.neighbours, made.device):
            stack.push_async_callback(device.close)
        yield made


async def _on_a_line(case: Case, setup: Setup, simulator: Any, clock: LoopClock, stack: AsyncExitStack) -> Rig:
    traffic = Traffic()
    others = [Setup(options={**setup.options, **options}) for options in setup.neighbours]
    on_it = [simulator, *(make_simulator(case, clock, other) for other in others)]
    end = simulator if len(on_it) == 1 else Multidrop(on_it, clock)
    tap = Tap(setup.opener or MemoryOpener(end, name=PORT), traffic)
    port = Port(NAME, tap, setup.capture)
    timeout = settings_of(case, PORT).timeout
    devices: list[Device] = []
    for number, each in enumerate((setup, *others)):
        name = NAME if number == 0 else f"{NAME}-{number + 1}"
        framing = device_of(case).framing_for(options_of(case, entry_of(case, each)))
        devices.append(make_device(case, each, name, line=Line(name, port, framing, timeout=timeout)))
    return Rig(case, devices[0], simulator, traffic, clock, tap.where, tap, neighbours=devices[1:])


async def _on_a_bus(case: Case, setup: Setup, simulator: Any, clock: LoopClock, stack: AsyncExitStack) -> Rig:
    traffic = Traffic()
    bus = TappedBus(traffic)
    await stack.enter_async_context(bus)
    bus.filters = simulator.filters(case.topic)
    host = await stack.enter_async_context(MqttHost(simulator, bus, case.topic))
    device = make_device(case, setup, bus=bus, topic=case.topic)
    return Rig(case, device, simulator, traffic, clock, case.topic, host=host)


async def _with_a_person(case: Case, setup: Setup, simulator: Any, clock: LoopClock, stack: AsyncExitStack) -> Rig:
    return Rig(case, make_device(case, setup, person=simulator), simulator, Traffic(), clock, NAME)


async def _with_an_object(case: Case, setup: Setup, simulator: Any, clock: LoopClock, stack: AsyncExitStack) -> Rig:
    return Rig(case, make_device(case, setup, stand_in=simulator), simulator, Traffic(), clock, NAME)


_WIRES = {
    "serial": _on_a_line,
    "mqtt": _on_a_bus,
    "person": _with_a_person,
    "object": _with_an_object,
}
