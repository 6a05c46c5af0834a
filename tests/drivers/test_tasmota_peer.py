"""Home Assistant's Tasmota library, HATasmota, on the simulated device: it discovers it, switches it and reads it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from motet.bus import Bus, MemoryBus, Message, Subscription
from motet.simulation import LoopClock, MqttHost
from motet_simulators import tasmota as simulator

discovery: Any = pytest.importorskip("hatasmota.discovery", reason="hatasmota not installed: pip install hatasmota")
mqtt: Any = pytest.importorskip("hatasmota.mqtt", reason="hatasmota not installed: pip install hatasmota")

SCALE = 100.0
SENSORS = [{"path": "SI7021.Temperature", "value": 21.5}, {"path": "SI7021.Humidity", "value": 40.3}]


class Glue:
    """What Home Assistant gives the library: publish and subscribe."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.client: Any = mqtt.TasmotaMQTTClient(self._publish, self._subscribe, self._unsubscribe)

    async def _publish(self, topic: str, payload: Any, qos: int | None = 0, retain: bool | None = False) -> None:
        await self._bus.publish(topic, str(payload), retain=bool(retain))

    async def _subscribe(self, state: Any, topics: Mapping[str, Mapping[str, Any]]) -> list[Subscription]:
        made = [
            await self._bus.subscribe(each["topic"], self._handler(each["msg_callback"])) for each in topics.values()
        ]
        return [*(state or []), *made]

    async def _unsubscribe(self, state: list[Subscription] | None) -> None:
        for subscription in state or []:
            await subscription.cancel()

    def _handler(self, callback: Callable[[Any], Any]) -> Callable[[Message], None]:
        def take(message: Message) -> None:
            found = callback(mqtt.ReceiveMessage(message.topic, message.payload.decode(), 1, message.retain))
            if asyncio.iscoroutine(found):
                tasks.add(task := asyncio.ensure_future(found))
                task.add_done_callback(tasks.discard)

        tasks: set[asyncio.Future[Any]] = set()
        return take


@dataclass
class Home:
    """What the library found, and the device."""

    device: simulator.Tasmota
    host: MqttHost
    glue: Glue
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    sensors: list[Any] = field(default_factory=list[Any])

    def entity(self, kind: str, number: int) -> Any:
        """An entity of the library."""
        entities = discovery.get_entities_for_platform(self.config, kind)
        return discovery.get_entity(entities[number][0], self.glue.client)


async def until(condition: Callable[[], bool]) -> None:
    """Returns when it is true."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what the library knows is no event
            await asyncio.sleep(0.002)


@asynccontextmanager
async def home(**options: Any) -> AsyncGenerator[Home]:
    clock = LoopClock(asyncio.get_running_loop(), SCALE)
    device = simulator.Tasmota(simulator.Options.model_validate({"sensors": SENSORS, **options}), None, clock, 1)
    async with MemoryBus() as bus, MqttHost(device, bus, "plug") as host:
        made = Home(device, host, Glue(bus))

        async def discovered(config: dict[str, Any], mac: str) -> None:
            made.config = config

        async def sensed(sensors: list[Any], mac: str) -> None:
            made.sensors = sensors

        found: Any = discovery.TasmotaDiscovery("tasmota/discovery", made.glue.client)
        await found.start_discovery(discovered, sensed)
        await until(lambda: bool(made.config and made.sensors))
        yield made


async def watched(entity: Any) -> list[Any]:
    """What the library learns of an entity from now on."""
    states: list[Any] = []

    def take(state: Any, **more: Any) -> None:
        states.append(more.get("attributes") or state)

    entity.set_on_state_callback(take)
    await entity.subscribe_topics()
    return states


async def test_the_device_is_discovered() -> None:
    async with home(relays=2) as made:
        assert discovery.get_device_config(made.config) == {
            "ip": "192.168.1.20",
            "mac": "240AC4000110",
            "manufacturer": "Tasmota",
            "md": "Generic",
            "name": "Tasmota",
            "sw": "14.3.0",
        }
        quantities = {config.quantity for config, _ in made.sensors if hasattr(config, "quantity")}
        assert {"Temperature", "Humidity"} <= quantities


@pytest.mark.parametrize("relays", [1, 3])
async def test_relays_are_switched_and_tell_their_state(relays: int) -> None:
    async with home(relays=relays) as made:
        relay = made.entity("switch", relays - 1)
        states = await watched(relay)
        for on in (True, False):
            await relay.set_state(on)
            await until(lambda on=on: bool(states) and states[-1] is on)
            assert made.device.unit.is_on(relays) is on


async def test_a_light_is_dimmed_by_a_backlog() -> None:
    async with home(relays=1, dimmer=True) as made:
        light = made.entity("light", 0)
        states = await watched(light)
        await light.set_state(True, {"brightness": 30})
        await until(lambda: made.device.unit.dimmer == 30)
        await until(lambda: bool(states))
        assert made.device.unit.is_on(1)


async def test_sensors_are_read_from_telemetry() -> None:
    async with home(tele_period=10) as made:
        config, *_ = [found for found, _ in made.sensors if getattr(found, "quantity", "") == "Temperature"]
        sensor = discovery.get_entity(config, made.glue.client)
        states = await watched(sensor)
        await until(lambda: bool(states))
        assert float(states[-1]) == 21.5


async def test_availability_follows_the_last_will() -> None:
    async with home() as made:
        relay = made.entity("switch", 0)
        told: list[bool] = []

        async def available(online: bool) -> None:
            told.append(online)

        relay.set_on_availability_callback(available)
        await relay.subscribe_topics()
        await until(lambda: told == [True])
        made.device.hang_up(1.0)
        await until(lambda: told == [True, False])
        await until(lambda: told == [True, False, True])
