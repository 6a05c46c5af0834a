"""A simulated JSON node on MQTT, made from the options of its driver: it understands and answers what they state.

A message is recognised by topic and payload: it may be one of a verb, of `stop` or `safe`, or a question for a signal
or for who the node is. What is none of these is passed over. One verb is carried out at a time; another one meanwhile
fails as busy, and so does an argument beyond its limits, where the options say what a failure looks like.

A request whose id is known already is answered again, never carried out again: MQTT may deliver twice.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from motet.contracts.simulation import Clock, Timer
from motet.contracts.worlds import World
from motet.simulation import SimulatedNode
from motet_simulators.mqtt_json.options import Do, Effect, Options, Request, Signal, initial
from motet_simulators.mqtt_json.payload import at, encoded, matched, meant, mistake, parsed, put

__all__ = ["MqttJson", "Options", "problem"]

REMEMBERED_REPLIES = 100


@dataclass(slots=True)
class _Running:
    """A verb that goes on."""

    name: str
    verb: Do
    effect: Effect
    arguments: Mapping[str, Any]
    request_id: Any
    began: float
    seconds: float
    before: Mapping[str, Any]
    timer: Timer | None = None


def problem(driver: Any, options: Options) -> str | None:
    """Why a node of a driver with these options cannot be simulated with those; None when it can."""
    missing = sorted(
        (set(driver.verbs) | set(driver.signals)) - set(options.device.verbs) - set(options.device.signals)
    )
    if not missing:
        return None
    return f"`device` must be the driver's options, for the node to know {', '.join(missing)}"


class MqttJson(SimulatedNode):
    """A node whose verbs change its variables and its world, and whose signals show them."""

    def __init__(self, options: Options, world: World | None, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._device = options.device
        self._world = world
        self.variables = initial(options)
        self._running: _Running | None = None
        self._replies: OrderedDict[str, tuple[str, Any]] = OrderedDict()
        self._changed = {
            variable: world.drive(quantity, lambda variable=variable: float(self.variables.get(variable, 0.0)))
            for quantity, variable in options.drives.items()
            if world is not None and quantity in world.takes
        }

    @property
    def busy(self) -> bool:
        """Whether a verb goes on."""
        return self._running is not None

    def filters(self, topic: str) -> tuple[str, ...]:
        """Every topic that requests come on."""
        device = self._device
        requests = [verb.publish for verb in device.verbs.values()]
        requests += [signal.request for signal in device.signals.values() if signal.request is not None]
        requests += [request for request in (device.stop, device.safe) if request is not None]
        if device.identity is not None and device.identity.request is not None:
            requests.append(device.identity.request)
        return tuple(dict.fromkeys(request.topic.replace("{topic}", topic) for request in requests))

    def will(self, topic: str) -> tuple[str, bytes, bool] | None:
        """The availability topic says that it is off line, where the options have one."""
        availability = self._device.availability
        if availability is None:
            return None
        where = availability.topic.replace("{topic}", topic)
        return where, encoded(put(None, availability.path, availability.offline)), True

    def attach(self, topic: str, publish: Callable[[str, bytes, bool], None]) -> None:
        """On line: say so and who it is, then tell the signals now and then."""
        super().attach(topic, publish)
        availability, who = self._device.availability, self._device.identity
        if availability is not None:
            online = encoded(put(None, availability.path, availability.online))
            self.say(self._at(availability.topic), online, retain=True)
        if who is not None and who.request is None:
            self.say(self._at(who.topic), encoded(self._who()), retain=True)
        if any(signal.request is None for signal in self._device.signals.values()):
            self._tell_signals()
        running = self._running
        if running is not None:
            running.timer = self.later(max(0.0, running.began + running.seconds - self.clock.now()), self._end)

    def detach(self) -> None:
        """Off line. What goes on goes on."""
        super().detach()
        if self._running is not None:
            self._running.timer = None

    def receive(self, topic: str, payload: bytes) -> None:
        """A message: the first thing of the options that it can be."""
        device = self._device
        if self._running is not None and self._running.timer is None:
            self._end_if_due()
        for request, values in ((device.stop, self._options.stops), (device.safe, self._options.makes_safe)):
            if self._is(request, topic, payload):
                self._stop(values)
                return
        for name, verb in device.verbs.items():
            if topic == self._at(verb.publish.topic):
                arguments = matched(verb.publish.payload, payload, verb.arguments)
                if arguments is not None:
                    self._begin(name, verb, arguments, self._id(payload))
                    return
        self._question(topic, payload)

    def _question(self, topic: str, payload: bytes) -> None:
        who, request_id = self._device.identity, self._id(payload)
        if who is not None and self._is(who.request, topic, payload):
            self._answer(who.topic, self._who(), request_id)
            return
        for signal in self._device.signals.values():
            if signal.request is not None and self._is(signal.request, topic, payload):
                self._answer(
                    signal.topic, self._values(self._showing(signal.topic, signal.request.payload)), request_id
                )
                return

    def _is(self, request: Request | None, topic: str, payload: bytes) -> bool:
        """Whether a message is this request."""
        return (
            request is not None
            and topic == self._at(request.topic)
            and matched(request.payload, payload, {}) is not None
        )

    def _showing(self, topic: str, payload: Any) -> dict[str, Signal]:
        """The signals that one question is for."""
        return {
            name: signal
            for name, signal in self._device.signals.items()
            if signal.topic == topic and signal.request is not None and signal.request.payload == payload
        }

    def _begin(self, name: str, verb: Do, arguments: Mapping[str, Any], request_id: Any) -> None:
        if request_id is not None and self._known(request_id):
            return
        mistakes = [mistake(key, value, verb.arguments[key]) for key, value in arguments.items()]
        wrong = next((found for found in mistakes if found is not None), None)
        if wrong is not None:
            self._fail(verb, request_id, wrong)
        elif self._running is not None:
            self._fail(verb, request_id, f"busy with {self._running.name}")
        elif self.fault("error") is not None:
            self._fail(verb, request_id, "out of order")
        else:
            effect = self._options.does.get(name) or Effect(sets={key: f"{{{key}}}" for key in arguments})
            seconds = effect.seconds + sum(rate * float(arguments[key]) for key, rate in effect.per.items())
            before = {key: self.variables.get(key) for key in effect.during}
            self._running = _Running(name, verb, effect, arguments, request_id, self.clock.now(), seconds, before)
            self._set({key: meant(value, arguments, self.variables) for key, value in effect.during.items()})
            if seconds > 0:
                stalls = self.fault("stall") is not None
                self._running.timer = self.later(seconds / 2 if stalls else seconds, self._end, stalls)
            else:
                self._end()

    def _end_if_due(self) -> None:
        running = self._running
        if running is not None and self.clock.now() >= running.began + running.seconds:
            self._end()

    def _end(self, stalled: bool = False) -> None:
        running = self._finish()
        if running is None:
            return
        if stalled:
            self._fail(running.verb, running.request_id, "it came to a halt")
            return
        effect, reply = running.effect, running.verb.reply
        self._set({key: meant(value, running.arguments, self.variables) for key, value in effect.sets.items()})
        if reply is None:
            return
        found: Any = put({}, reply.path, reply.done[0]) if reply.done else {}
        for key, output in running.verb.outputs.items():
            value = meant(effect.gives.get(key, f"{{{key}}}"), running.arguments, self.variables)
            found = put(found, output.path, value)
        self._answer(reply.topic, found, running.request_id)

    def _finish(self) -> _Running | None:
        """Nothing goes on any more; what was delivered meanwhile is in the world."""
        running, self._running = self._running, None
        if running is None:
            return None
        if running.timer is not None:
            running.timer.cancel()
        part = min(1.0, (self.clock.now() - running.began) / running.seconds) if running.seconds else 1.0
        for quantity, amount in running.effect.adds.items():
            if self._world is not None and quantity in self._world.takes:
                self._world.add(quantity, part * float(meant(amount, running.arguments, self.variables)))
        self._set(running.before)
        return running

    def _stop(self, values: Mapping[str, Any]) -> None:
        running = self._finish()
        self._set(values)
        if running is not None:
            self._fail(running.verb, running.request_id, "stopped")

    def _fail(self, verb: Do, request_id: Any, why: str) -> None:
        reply = verb.reply
        if reply is None or not reply.failed:
            return
        found = put({}, reply.path, reply.failed[0])
        self._answer(reply.topic, found if reply.message is None else put(found, reply.message, why), request_id)

    def _set(self, values: Mapping[str, Any]) -> None:
        for key in values:
            if key in self._changed:
                self._changed[key]()
        self.variables.update(values)
        for key in values:
            if key in self._changed:
                self._changed[key]()

    def _tell_signals(self) -> None:
        topics: dict[str, dict[str, Signal]] = {}
        for name, signal in self._device.signals.items():
            if signal.request is None:
                topics.setdefault(signal.topic, {})[name] = signal
        for topic, signals in topics.items():
            self.say(self._at(topic), encoded(self._values(signals)))
        self.later(self._options.period, self._tell_signals)

    def _values(self, signals: Mapping[str, Signal]) -> Any:
        found: Any = {}
        for name, signal in signals.items():
            found = put(found, signal.path, self.shown(name))
        return found

    def shown(self, name: str) -> Any:
        """What a signal shows now. Asking draws its noise anew."""
        shows = self._options.shows.get(name)
        value = self.variables.get(shows.variable if shows and shows.variable else name)
        if shows is not None and self._world is not None and shows.reads in self._world.reads:
            value = self._world.read(shows.reads)
        if isinstance(value, float):
            value += self.drift() + (self.random.gauss(0.0, shows.noise) if shows and shows.noise else 0.0)
            value = round(value, shows.digits) if shows and shows.digits is not None else value
        return value

    def _who(self) -> dict[str, Any]:
        who, found = self._device.identity, dict[str, Any]()
        assert who is not None, "only a node that tells is asked"
        for path, value in (
            (who.model, self._options.model),
            (who.serial_number, self._options.serial_number),
            (who.firmware, self._options.firmware),
        ):
            found = put(found, path, value) if path else found
        return found

    def _id(self, payload: bytes) -> Any:
        path = self._device.request_id
        return None if path is None else at(parsed(payload), path)

    def _known(self, request_id: Any) -> bool:
        """Whether a request came before; it is answered again when its answer is known."""
        known = self._replies.get(str(request_id))
        if known is not None:
            self.answer(known[0], encoded(known[1]))
        return known is not None or (self._running is not None and self._running.request_id == request_id)

    def _answer(self, topic: str, found: Any, request_id: Any) -> None:
        path, where = self._device.request_id, self._at(topic)
        if path is not None and request_id is not None:
            found = put(found, path, request_id)
            self._replies[str(request_id)] = where, found
            if len(self._replies) > REMEMBERED_REPLIES:
                self._replies.popitem(last=False)
        self.answer(where, encoded(found))

    def _at(self, topic: str) -> str:
        return topic.replace("{topic}", self.topic)
