"""Relays and sensors behind Tasmota firmware (ESP8266, ESP32), on MQTT.

The lab's `topic` is the device's own Topic, which Tasmota puts into its FullTopic: `cmnd/TOPIC/POWER1` and so on. See
`motet_drivers.tasmota.protocol` for what is said. Messages have no request id, so that there is one exchange at a time,
and a reply is known by what it says. Whatever the device sends by itself, its telemetry every TelePeriod above all, is
never taken for a reading: `measure` asks, and takes only what comes then.

The device's last will on `tele/TOPIC/LWT` is retained: Online or Offline.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel

from motet.bus import Message
from motet.devices import Context, Device, Identity, Output, VerbSpec, Verified, verb, verbs_of
from motet.errors import GarbledReply, InstrumentError, NoReply, ProcedureError, Retryable
from motet_drivers.mqtt_exchange import Exchange
from motet_drivers.mqtt_presence import Presence
from motet_drivers.mqtt_values import dotted, number, value_at
from motet_drivers.tasmota.options import Options
from motet_drivers.tasmota.protocol import LONGEST_PULSE_S, Names, Topics, pulse_seconds, pulse_setting

__all__ = ["Options", "Tasmota"]

T = TypeVar("T")
_log = logging.getLogger(__name__)
_UNITS = {"Temperature": ("TempUnit", {"degC": "C", "degF": "F"}), "Pressure": ("PressureUnit", {"hPa": "hPa"})}
"""Where a status message tells the unit of a value, and how it calls the units of the lab."""


class Tasmota(Device):
    """Relays and sensors of one Tasmota device.

    `stop` ends a pulse and switches its relay off; other relays stay as they are. `safe` switches off the relays that
    the options name, all of them by default. A device that has lost its network goes on as it was told, pulses too.
    """

    states: ClassVar[Mapping[str, str]] = {
        "Online": "connected to the broker",
        "Offline": "not connected to the broker, by its last will",
    }
    forgets: ClassVar[tuple[str, ...]] = ("whether the relays kept their states: read them",)
    verified: ClassVar[Verified] = Verified(
        manuals=(
            "Tasmota documentation: MQTT, Commands, JSON-Status-Responses",
            "Tasmota firmware source: support_command.ino, support_tasmota.ino, xdrv_12_discovery.ino",
        ),
        drivers=("HATasmota 0.9.2 and jumpstarter-driver-tasmota 0.9.0, against the simulator",),
        unverified=("the forms of Status 8 and PulseTime that old firmware gives",),
    )

    def __init__(self, context: Context) -> None:
        options = context.options
        assert isinstance(options, Options)
        for key, relay in options.relays.items():
            setattr(self, f"get_{key}", partial(self._relay_is_on, relay))
        for key in options.sensors:
            setattr(self, f"get_{key}", partial(self._sensor, key))
        super().__init__(context)
        self._options = options
        self._topics = Topics(options.full_topic, context.topic)
        self._names = Names(self._topics, self.name)
        self._exchange = Exchange(self.name, context.need_bus(), self._hear)
        self._scale = context.scale
        self._identity = Identity("Tasmota", "")
        self._presence = Presence(f"{self.name}: the Tasmota device {context.topic!r}")
        self._status = 10
        self._stops = self._safes = 0
        self._pulsing: dict[int, asyncio.Event] = {}

    @classmethod
    def verbs_for(cls, options: BaseModel) -> Mapping[str, VerbSpec]:
        """`measure` gives what the options name; verbs without relays or sensors to use are left out."""
        assert isinstance(options, Options)
        verbs = dict(verbs_of(cls))
        outputs = {key: Output(sensor.unit) for key, sensor in options.sensors.items()}
        verbs["measure"] = replace(verbs["measure"], outputs=outputs)
        without = (() if options.relays else ("switch", "pulse")) + (() if options.sensors else ("measure",))
        return {name: spec for name, spec in verbs.items() if name not in without}

    @classmethod
    def signals_for(cls, options: BaseModel) -> Mapping[str, Output]:
        """Each relay, whether it is on, and each sensor."""
        assert isinstance(options, Options)
        relays = {key: Output("", "boolean") for key in options.relays}
        return {**relays, **{key: Output(sensor.unit) for key, sensor in options.sensors.items()}}

    async def open(self) -> None:
        """Listen, and ask who is there; no relay is switched.

        Raises NoReply or LineLost when nobody is, ConnectionProblem when it is another device than the lab file says or
        it has fewer relays.
        """
        self._presence.forget()
        await self._exchange.open(self._topics.of("tele", "LWT"), self._topics.of("stat", "+"))
        try:
            firmware = await self._presence.greet(lambda: self._ask_status(2, "StatusFWR"), self._options.timeout)
            network = await self._ask_status(5, "StatusNET")
            host, mac = network.get("Hostname"), network.get("Mac")
            self._identity = Identity("Tasmota", str(host), str(mac), str(firmware.get("Version")))
            self._options.check(self.name, self._topics.of("cmnd", ""), self._identity)
            for relay in self._options.relays.values():
                await self._relay_is_on(relay)
        except BaseException:
            await self._exchange.close()
            raise

    async def close(self) -> None:
        """Listen no more; the relays stay as they are."""
        await self._exchange.close()

    async def stop(self, success: bool = True) -> None:
        """End the pulses that run; their relays go off, their verbs end with InstrumentError."""
        self._stops += 1
        for relay, ended in tuple(self._pulsing.items()):
            ended.set()
            await self._switch(relay, on=False)

    async def safe(self) -> None:
        """Switch relays off: those that the option `off_when_safe` names, all by default."""
        self._stops += 1
        self._safes += 1
        for ended in self._pulsing.values():
            ended.set()
        for key, relay in self._options.relays.items():
            if self._off_when_safe(key):
                await self._switch(relay, on=False)

    async def identity(self) -> str:
        """Hostname, MAC address and firmware."""
        return str(self._identity)

    @verb()
    async def switch(self, relay: str, on: bool) -> None:
        """Switch a relay on or off; done when the device says that it is."""
        number, safes = self._number(relay), self._safes
        try:
            await self._switch(number, on)
        finally:
            undone = on and self._safes != safes and self._off_when_safe(relay)
            if undone:  # where its answer was lost it may have been said again after the relay was switched off
                await self._switch(number, on=False)
        if undone:
            raise InstrumentError(f"{self.name}: {relay} is off again: the device was made safe")

    @verb(units={"duration": "s"}, limits={"duration": (0.1, LONGEST_PULSE_S)}, repeatable=False)
    async def pulse(self, relay: str, duration: float) -> None:
        """Switch a relay on for some time: the device itself switches it off, whatever happens to the lab.

        The time is rounded to 0.1 s, above 11.1 s to 1 s. Raises InstrumentError when it was stopped or the relay did
        not go off.
        """
        number, setting, stops = self._number(relay), pulse_setting(duration), self._stops
        if number in self._pulsing:
            raise ProcedureError(f"{self.name}: a pulse of {relay} runs already")
        self._pulsing[number] = ended = asyncio.Event()
        try:
            before = await self._pulse_time(number)
            try:
                await self._pulse(number, setting, ended)
            finally:
                with contextlib.suppress(Retryable):  # the first error says more
                    await self._pulse_time(number, before)
        finally:
            del self._pulsing[number]
        if self._stops != stops:
            raise InstrumentError(f"{self.name}: {relay} was stopped in the middle of a pulse")

    @verb()
    async def measure(self) -> Mapping[str, float]:
        """Read the sensors: values that the device gives when it is asked, never older telemetry."""
        found = await self._sensors()
        return {key: self._value(found, key) for key in self._options.sensors}

    async def _sensor(self, key: str) -> float:
        return self._value(await self._sensors(), key)

    async def _sensors(self) -> Mapping[str, Any]:
        try:
            return await self._ask_status(self._status, "StatusSNS")
        except InstrumentError:
            if self._status == 8:
                raise
        found = await self._ask_status(8, "StatusSNS")
        self._status = 8
        return found

    def _value(self, found: Mapping[str, Any], key: str) -> float:
        sensor = self._options.sensors[key]
        for name, (told, units) in _UNITS.items():
            said = found.get(told)
            if sensor.path[-1] == name and sensor.unit in units and said not in (None, units[sensor.unit]):
                raise InstrumentError(f"{self.name}: {key} is in {said!r}; the lab file says {sensor.unit}")
        try:
            return number(value_at(dict(found), sensor.path), f"{self.name}: {key} at {dotted(sensor.path)}")
        except GarbledReply as error:
            raise InstrumentError(str(error)) from error

    async def _relay_is_on(self, relay: int) -> bool:
        return await self._ask(f"POWER{relay}", "", lambda message: self._names.relay(message, relay))

    async def _switch(self, relay: int, on: bool) -> None:
        def done(message: Message) -> bool | None:
            return True if self._names.relay(message, relay) is on else None

        await self._ask(f"POWER{relay}", "ON" if on else "OFF", done)

    async def _pulse_time(self, relay: int, setting: int | None = None) -> int:
        payload = "" if setting is None else str(setting)
        return await self._ask(f"PulseTime{relay}", payload, lambda message: self._names.pulse_time(message, relay))

    async def _pulse(self, relay: int, setting: int, ended: asyncio.Event) -> None:
        """Set the time and switch on; wait until the relay is off again, at most twice as long and the timeout."""
        try:
            await self._pulse_time(relay, setting)
            if not ended.is_set():
                await self._switch(relay, on=True)
            seconds = pulse_seconds(setting) / self._scale
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await ended.wait()
            if ended.is_set():  # a stop may have come in before the relay was on
                await self._switch(relay, on=False)
            deadline = asyncio.get_running_loop().time() + seconds + self._options.timeout
            pause = seconds / 100
            while await self._relay_is_on(relay):
                if asyncio.get_running_loop().time() > deadline:
                    raise InstrumentError(f"{self.name}: relay {relay} did not go off after its pulse")
                pause = min(2 * pause, 1.0)
                await asyncio.sleep(pause)
        except BaseException:
            with contextlib.suppress(Retryable):  # the first error says more
                await self._switch(relay, on=False)
            raise

    def _off_when_safe(self, relay: str) -> bool:
        chosen = self._options.off_when_safe
        return chosen is None or relay in chosen

    def _number(self, relay: str) -> int:
        if relay not in self._options.relays:
            raise ProcedureError(f"{self.name}: no relay {relay!r}; allowed: {', '.join(self._options.relays)}")
        return self._options.relays[relay]

    async def _ask_status(self, status: int, key: str) -> dict[str, Any]:
        return await self._ask("Status", str(status), lambda message: self._names.status(message, status, key))

    async def _ask(self, command: str, payload: str, accept: Callable[[Message], T | None]) -> T:
        """Say it, again when no answer came; every command sets a state or asks."""
        for attempt in range(1, self._options.retries + 1):
            try:
                return await self._ask_once(command, payload, accept)
            except (NoReply, GarbledReply) as error:
                _log.warning("%s; saying it again (%d of %d)", error, attempt, self._options.retries)
        return await self._ask_once(command, payload, accept)

    async def _ask_once(self, command: str, payload: str, accept: Callable[[Message], T | None]) -> T:
        self._presence.check()
        topic = self._topics.of("cmnd", command)
        try:
            return await self._exchange.ask(topic, payload, accept, self._options.timeout)
        except InstrumentError as error:
            raise InstrumentError(f"{error}: {payload!r} on {topic}") from error

    def _hear(self, message: Message) -> None:
        if message.topic != self._topics.of("tele", "LWT"):
            return
        self._presence.tell(message.payload == b"Online")
        if self._presence.offline.is_set():
            self._exchange.fail(self._presence.error())
