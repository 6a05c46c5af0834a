"""One simulator, served to any other program: behind a pseudo-terminal, on TCP or on MQTT."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from motet.bus import Bus
from motet.bus.address import Address
from motet.contracts.declarations import Declaration, Kind, Simulator
from motet.errors import ConnectionProblem, PluginProblem
from motet.plugins import Registry
from motet.simulation import LoopClock, MqttHost, PtyServer, TcpServer


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, and where: one of `pty` (a link to make, or empty for the terminal's own name), `tcp` (a port,
    0 for a free one) and `mqtt` (a broker's URL, with the device's `topic`).

    `speed` is lab seconds a second; `baudrate` paces the bytes of a pseudo-terminal.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    world: str | None = None
    world_options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pty: str | None = None
    tcp: int | None = None
    mqtt: str | None = None
    topic: str = ""
    seed: int = 0
    speed: float = 1.0
    baudrate: int | None = None


@asynccontextmanager
async def serving(served: Served, registry: Registry) -> AsyncGenerator[str]:
    """Serve it while entered; gives where it is: a path, `socket://host:port`, or a topic at a broker.

    Raises PluginProblem for a name or an option that is none, ConnectionProblem for a place that cannot be had.
    """
    declaration = registry.get(Kind.SIMULATOR, served.name)
    assert isinstance(declaration, Simulator)
    clock = LoopClock(asyncio.get_running_loop(), served.speed)
    world = None
    if served.world is not None:
        made = registry.get(Kind.WORLD, served.world)
        whose = f"world {served.world}"
        world = _made(whose, made, _options(whose, made.options, served.world_options), clock, served.seed)
    whose = f"simulator {served.name}"
    options = _options(whose, declaration.options, served.options)
    async with AsyncExitStack() as stack:
        if declaration.transport == "serial":
            simulator = _made(whose, declaration, options, world, clock, served.seed)
            yield await _serial(stack, served, simulator)
        elif declaration.transport == "mqtt":
            simulator = _made(whose, declaration, options, world, clock, served.seed)
            yield await _node(stack, served, simulator)
        else:
            raise PluginProblem(f"the simulator {served.name!r} has no wire: it is used in simulated labs only")


async def _serial(stack: AsyncExitStack, served: Served, simulator: Any) -> str:
    if served.mqtt is not None:
        raise PluginProblem(f"the simulator {served.name!r} is on a serial line: --pty LINK or --tcp PORT is needed")
    if served.tcp is not None:
        try:
            return (await stack.enter_async_context(TcpServer(simulator, port=served.tcp))).url
        except OSError as error:
            raise ConnectionProblem(f"cannot listen on port {served.tcp}: {os.strerror(error.errno or 0)}") from error
    link = Path(served.pty) if served.pty else None
    try:
        server = PtyServer(simulator, baudrate=served.baudrate, link=link)
        return (await stack.enter_async_context(server)).path
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConnectionProblem(f"cannot make the port {link}: {reason}") from error


async def _node(stack: AsyncExitStack, served: Served, simulator: Any) -> str:
    if served.mqtt is None or not served.topic:
        raise PluginProblem(f"the simulator {served.name!r} is on MQTT: --mqtt URL and --topic TOPIC are needed")
    if set(served.topic) & set("+#"):
        raise PluginProblem(f"topic {served.topic!r}: that of one node has no + and no #")
    will = simulator.will(served.topic)
    bus = await stack.enter_async_context(
        Bus(served.mqtt, client_id=f"motet-simulator-{served.name}-{os.getpid()}", will=will)
    )
    await stack.enter_async_context(MqttHost(simulator, bus, served.topic))
    return f"{served.topic} at {Address.parse(served.mqtt)}"


def _made(whose: str, declaration: Declaration, options: BaseModel, *args: Any) -> Any:
    """Raises PluginProblem that says why it cannot be made with these options."""
    try:
        return declaration.make(options, *args)
    except (ValueError, KeyError, OSError) as error:
        reason = str(error.args[0]) if isinstance(error, KeyError) else str(error)
        raise PluginProblem(f"{whose}: {reason}") from error


def _options(whose: str, model: type[BaseModel], given: Mapping[str, Any]) -> BaseModel:
    """Raises PluginProblem that names every option with a mistake."""
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        said = [f"{'.'.join(map(str, each['loc'])) or 'options'}: {each['msg']}" for each in error.errors()]
        known = ", ".join(model.model_fields)
        raise PluginProblem(f"{whose}: {'; '.join(said)} (options: {known})") from None
