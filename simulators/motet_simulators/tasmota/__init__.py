"""A simulated Tasmota device on MQTT: relays, a dimmer, sensors, telemetry, discovery.

Commands, answers and telemetry are those of the firmware (arendst/Tasmota: support_command.ino, support_tasmota.ino,
xdrv_12_discovery.ino) and of its documentation (tasmota.github.io/docs: MQTT, Commands). Topics follow the FullTopic;
`topic` is the device's own. It listens to its topic, its group topic and its fallback topic.

Not simulated: web server, rules, timers, interlocks, colour, blinking, buttons and switches. `SetOption` is known for 4
(results on the command's own topic) and 26 (POWER1 even with one relay). When telemetry and discovery come after the
connection was made is as xdrv_12_discovery.ino says for the latter, and could not be verified for the former.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from motet.contracts.simulation import Clock, Timer
from motet.contracts.worlds import World
from motet.simulation import SimulatedNode
from motet_simulators.tasmota.commands import Commands
from motet_simulators.tasmota.options import Drive, Options
from motet_simulators.tasmota.status import Messages
from motet_simulators.tasmota.unit import Unit

__all__ = ["Options", "Tasmota"]

FIRST_TELEMETRY_S = 5.0
"""Telemetry comes for the first time so long after the connection was made."""
DISCOVERY_S = 10.0
"""Discovery messages come so long after it."""


class Tasmota(SimulatedNode):
    """A Tasmota device whose relays act on its world and whose sensors read it."""

    def __init__(self, options: Options, world: World | None, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._world = world
        self.unit = Unit(options, clock.now)
        self._messages = Messages(options, self.unit, self._readings, clock.now)
        self._commands = Commands(self.unit, self._messages, self)
        self._moved = {
            drive.relay: world.drive(drive.quantity, lambda drive=drive: self._driven(drive))
            for drive in options.drives
            if world is not None and drive.quantity in world.takes
        }
        self._telemetry_timer: Timer | None = None

    def filters(self, topic: str) -> tuple[str, ...]:
        """Commands on its topic, its group topic and its fallback topic."""
        fallback = f"cmnd/DVES_{self._options.unique_id[-6:]}_fb/#"
        return f"{self._base('cmnd', topic)}#", f"{self._base('cmnd', self._options.group_topic)}#", fallback

    def will(self, topic: str) -> tuple[str, bytes, bool]:
        """`tele/TOPIC/LWT` says Offline."""
        return f"{self._base('tele', topic)}LWT", b"Offline", True

    def attach(self, topic: str, publish: Callable[[str, bytes, bool], None]) -> None:
        """Connected: say so, then send telemetry and discovery after a while."""
        super().attach(topic, publish)
        self._messages.topic = topic
        self._messages.connections += 1
        self._tell("tele", "LWT", b"Online", retain=True)
        for number, info in enumerate(self._messages.infos(), 1):
            self._tell("tele", f"INFO{number}", _json({f"Info{number}": info}))
        self.telemetry_in(FIRST_TELEMETRY_S)
        if self._options.discovery:
            self.later(DISCOVERY_S, self._discover)
        for relay in self.unit.numbers:
            self.pulse_ends_later(relay)

    def detach(self) -> None:
        """Off line. Pulses go on; a backlog is forgotten."""
        super().detach()
        self._telemetry_timer = None

    def receive(self, topic: str, payload: bytes) -> None:
        """A command: the last part of the topic, with its parameter."""
        for relay in self.unit.numbers:
            self._pulse_ends(relay)
        self._commands.run(topic.rpartition("/")[2], payload.decode("utf-8", "replace").strip())

    def result(self, command: str, found: Mapping[str, Any], *, own_topic: bool = False) -> None:
        """Publish what a command gives, on `RESULT` or on a topic of its own."""
        where = command.upper() if own_topic or self.unit.set_option[4] else "RESULT"
        self.answer(self._base("stat", self.topic) + where, _json(found))

    def power_result(self, relay: int) -> None:
        """Tell the state of a relay, as every command that is about it does."""
        name = self.unit.name(relay)
        self.result(name, self._messages.power(relay))
        self.answer(self._base("stat", self.topic) + name, self.unit.state(relay).encode())

    def switched(self, relay: int) -> None:
        """A relay was told to be on or off: its pulse begins, its world hears of it."""
        if relay in self._moved:
            self._moved[relay]()
        self.pulse_ends_later(relay)
        self.power_result(relay)

    def pulse_ends_later(self, relay: int) -> None:
        """The relay goes off by itself, when it is on and has a PulseTime."""
        off_at = self.unit.off_at[relay]
        if off_at is not None and self.attached:
            self.later(max(0.0, off_at - self.clock.now()), self._pulse_ends, relay)

    def telemetry_in(self, seconds: float) -> None:
        """Send telemetry after so long, instead of when it was due."""
        if self._telemetry_timer is not None:
            self._telemetry_timer.cancel()
        self._telemetry_timer = self.later(seconds, self._telemetry)

    def refuses(self) -> bool:
        """Whether a command that switches something is refused now: a fault."""
        return self.fault("error") is not None

    def _pulse_ends(self, relay: int) -> None:
        if self.unit.pulse_over(relay):
            self.switched(relay)

    def _driven(self, drive: Drive) -> float:
        return drive.on if self.unit.is_on(drive.relay) else drive.off

    def _readings(self) -> dict[str, Any]:
        """What the sensors show now, as telemetry has it."""
        found: dict[str, Any] = {}
        for sensor in self._options.sensors:
            *parents, key = sensor.path.split(".")
            place = found
            for parent in parents:
                place = place.setdefault(parent, {})
            value = sensor.value
            if self._world is not None and sensor.reads in self._world.reads:
                value = self._world.read(sensor.reads)
            value += self.drift() + (self.random.gauss(0.0, sensor.noise) if sensor.noise else 0.0)
            place[key] = round(value, sensor.digits)
        return found

    def _telemetry(self) -> None:
        self._telemetry_timer = None
        self._tell("tele", "STATE", _json(self._messages.state()))
        if self._options.sensors:
            self._tell("tele", "SENSOR", _json(self._messages.sensors()))
        if self.unit.tele_period:
            self.telemetry_in(self.unit.tele_period)

    def _discover(self) -> None:
        for what, found in self._messages.discovery().items():
            self.say(f"tasmota/discovery/{self._options.unique_id}/{what}", _json(found), retain=True)

    def _tell(self, prefix: str, what: str, payload: bytes, *, retain: bool = False) -> None:
        self.say(self._base(prefix, self.topic) + what, payload, retain)

    def _base(self, prefix: str, topic: str) -> str:
        options = self._options
        full = options.full_topic.replace("%hostname%", options.hostname).replace("%id%", options.unique_id[-6:])
        return full.replace("%prefix%", prefix).replace("%topic%", topic)


def _json(found: Mapping[str, Any]) -> bytes:
    return json.dumps(found, separators=(",", ":")).encode()
