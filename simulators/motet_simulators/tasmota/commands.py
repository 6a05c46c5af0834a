"""Commands of a simulated Tasmota device.

As in the firmware (arendst/Tasmota, support_command.ino): `CommandHandler` takes the digits at the end of a command for
its index; words of states are those of `GetStateNumber`; an unknown command gives {"Command":"Unknown"}, one that
cannot do what it is told {"Command":"Error"}; `CmndBacklog` carries out its commands one after the other, SetOption34
(200 ms) apart, at once after NoDelay.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from motet.contracts.simulation import Timer
from motet_simulators.tasmota.status import STATUS_KEYS, Messages
from motet_simulators.tasmota.unit import DEFAULT_TELE_PERIOD, Unit

OFF, ON, TOGGLE, NOTHING = 0, 1, 2, -99
WORDS = {
    "OFF": OFF, "FALSE": OFF, "STOP": OFF, "CELSIUS": OFF, "ON": ON, "TRUE": ON, "START": ON, "FAHRENHEIT": ON,
    "USER": ON, "TOGGLE": TOGGLE, "ADMIN": TOGGLE,
}  # fmt: skip
BACKLOG_DELAY_S = 0.2
MOST_BACKLOG = 30
SHORTEST_TELE_PERIOD = 10
UNKNOWN, ERROR = {"Command": "Unknown"}, {"Command": "Error"}


class Device(Protocol):
    """What commands act on, besides the unit's state."""

    def result(self, command: str, found: Mapping[str, Any], *, own_topic: bool = False) -> None:
        """Publish what a command gives."""
        ...

    def power_result(self, relay: int) -> None:
        """Tell the state of a relay."""
        ...

    def switched(self, relay: int) -> None:
        """A relay was told to be on or off."""
        ...

    def pulse_ends_later(self, relay: int) -> None:
        """A pulse was begun or ended."""
        ...

    def telemetry_in(self, seconds: float) -> None:
        """Send telemetry after so long."""
        ...

    def refuses(self) -> bool:
        """Whether a command that switches something is refused now."""
        ...

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """Call after so many lab seconds."""
        ...


class Commands:
    """Carries out commands, with the case of their names as it comes."""

    def __init__(self, unit: Unit, messages: Messages, device: Device) -> None:
        self._unit = unit
        self._messages = messages
        self._device = device
        self._backlog: deque[str] = deque(maxlen=MOST_BACKLOG)
        self._running = False

    def run(self, command: str, text: str) -> None:
        """Carry out one command with its parameter; `?` is no parameter."""
        match = re.fullmatch(r"([A-Za-z_]+)(\d*)", command)
        name, digits = (match[1].upper(), match[2]) if match else ("", "")
        do = {
            "POWER": self._power, "STATUS": self._status, "STATE": self._state, "TELEPERIOD": self._tele_period,
            "PULSETIME": self._pulse_time, "DIMMER": self._dimmer, "SETOPTION": self._set_option,
            "BACKLOG": self._take_backlog, "DELAY": self._delay,
        }.get(name)  # fmt: skip
        if do is None or (name == "DIMMER" and not self._unit.has_dimmer):
            self._device.result("COMMAND", UNKNOWN)
        else:
            do(int(digits) if digits else 1, "" if text == "?" else text)

    def _power(self, index: int, text: str) -> None:
        relays = list(self._unit.numbers) if index == 0 else [index] if index in self._unit.numbers else []
        state = _payload(text)
        if not relays or (state in (OFF, ON, TOGGLE) and self._device.refuses()):
            self._device.result("POWER", ERROR)
            return
        for relay in relays:
            if state in (OFF, ON, TOGGLE):
                self._unit.switch(relay, not self._unit.is_on(relay) if state == TOGGLE else state == ON)
                self._device.switched(relay)
            else:
                self._device.power_result(relay)

    def _status(self, index: int, text: str) -> None:
        number = 0 if index == 0 else _payload(text)
        if number == NOTHING:
            self._tell_status("STATUS", self._messages.status(0))
            return
        if number != 0:
            self._tell_status(f"STATUS{number}", self._messages.status(number))
            return
        numbers = [n for n in range(len(STATUS_KEYS)) if n not in (8, 9)]
        found = {n: self._messages.status(n) or {} for n in numbers}
        if index == 0:
            self._tell_status("STATUS0", {key: value for part in found.values() for key, value in part.items()})
            return
        for n, part in found.items():
            self._tell_status(f"STATUS{n or ''}", part)

    def _tell_status(self, name: str, found: Mapping[str, Any] | None) -> None:
        if found is None:
            self._device.result("STATUS", ERROR)
        else:
            self._device.result(name, found, own_topic=True)

    def _state(self, index: int, text: str) -> None:
        self._device.result("STATE", self._messages.state())

    def _tele_period(self, index: int, text: str) -> None:
        seconds = _payload(text)
        if 0 <= seconds <= 3600:
            shortened = max(seconds, SHORTEST_TELE_PERIOD) if seconds else 0
            self._unit.tele_period = DEFAULT_TELE_PERIOD if seconds == 1 else shortened
        self._device.result("TELEPERIOD", {"TelePeriod": self._unit.tele_period})
        self._device.telemetry_in(1.0)

    def _pulse_time(self, index: int, text: str) -> None:
        setting = _payload(text)
        if index not in self._unit.numbers:
            self._device.result("PULSETIME", ERROR)
            return
        if 0 <= setting < 2**16:
            self._unit.set_pulse_time(index, setting)
            self._device.pulse_ends_later(index)
        told = {"Set": self._unit.pulse_time[index], "Remaining": self._unit.remaining(index)}
        self._device.result(f"PULSETIME{index}", {f"PulseTime{index}": told})

    def _dimmer(self, index: int, text: str) -> None:
        level, light = _payload(text), self._unit.relays
        if 0 <= level <= 100:
            self._unit.dimmer = level or self._unit.dimmer
            self._unit.switch(light, level > 0)
            self._device.switched(light)
        else:
            self._device.result("DIMMER", self._messages.power(light))

    def _set_option(self, index: int, text: str) -> None:
        if index not in self._unit.set_option:
            self._device.result("SETOPTION", ERROR)
            return
        setting = _payload(text)
        if setting in (OFF, ON):
            self._unit.set_option[index] = setting == ON
        told = "ON" if self._unit.set_option[index] else "OFF"
        self._device.result("SETOPTION", {f"SetOption{index}": told})

    def _delay(self, index: int, text: str) -> None:
        self._device.result("DELAY", {"Delay": max(0, _payload(text))})

    def _take_backlog(self, index: int, text: str) -> None:
        if not text:
            emptied = "Aborted" if self._backlog else "Empty"
            self._backlog.clear()
            self._device.result("BACKLOG", {"Backlog": emptied})
            return
        for part in filter(None, map(str.strip, text.split(";"))):
            if index == 0:
                self._backlog.append("NoDelay")
            self._backlog.append(part)
        if not self._running:
            self._running = True
            self._device.later(0.0, self._next)

    def _next(self) -> None:
        """The next command of the backlog, and those that NoDelay lets come with it."""
        self._running, pause, at_once = False, BACKLOG_DELAY_S, True
        while self._backlog and at_once:
            command, _, text = self._backlog.popleft().partition(" ")
            if command.upper() == "NODELAY":
                continue
            self.run(command, text.strip())
            if command.upper() == "DELAY":
                pause = max(pause, _payload(text.strip()) / 10)
            at_once = bool(self._backlog) and self._backlog[0].upper() == "NODELAY"
        if self._backlog:
            self._running = True
            self._device.later(pause, self._next)


def _payload(text: str) -> int:
    """A parameter as a number: words of states, decimal, octal and hexadecimal numbers; NOTHING for other text."""
    if text.upper() in WORDS:
        return WORDS[text.upper()]
    match = re.match(r"[+-]?(0[xX][0-9a-fA-F]+|\d+)", text)
    if match is None:
        return NOTHING
    digits = match[0]
    if re.fullmatch(r"[+-]?0[0-7]+", digits):
        return int(digits, 8)
    return int(digits, 16) if "x" in digits.lower() else int(digits)
