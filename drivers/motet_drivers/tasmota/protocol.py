"""What Tasmota devices say over MQTT: topics, results of commands, status messages.

From the Tasmota documentation (tasmota.github.io/docs: MQTT, Commands, JSON-Status-Responses) and the firmware's source
(arendst/Tasmota: support_command.ino `CommandHandler`, `CmndPower`, `CmndStatus`; support_tasmota.ino
`ExecuteCommandPower`, `MqttShowState`):

- FullTopic is `%prefix%/%topic%/` with the prefixes cmnd, stat and tele.
- `cmnd/T/POWER1 ON` is answered by `stat/T/RESULT {"POWER1":"ON"}` and `stat/T/POWER1 ON`; a device with one relay says
  POWER, unless SetOption26 is on. With SetOption4 a result is on `stat/T/COMMAND` instead of `stat/T/RESULT`.
- `cmnd/T/Status 10` is answered on `stat/T/STATUS10` with {"StatusSNS": ...}; Status 8 is the same, for older ones.
- An unknown command gives {"Command":"Unknown"}, a parameter that cannot be used {"Command":"Error"}.
- `PulseTime1 n` lets relay 1 go off by itself: n/10 s up to 111, n - 100 s beyond; 0 switches this off.
"""

import re
from dataclasses import dataclass
from typing import Any, cast

from motet.bus import Message
from motet.errors import GarbledReply, InstrumentError
from motet_drivers.mqtt_values import document, value_at

FINE_PULSE_S, LONGEST_PULSE_S = 11.1, 64_800.0
ERRORS = {"Unknown": "no such command", "Error": "a parameter that cannot be used"}


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one device: its own topic put into its FullTopic."""

    full_topic: str
    topic: str

    def of(self, prefix: str, what: str) -> str:
        """A whole topic, `stat/plug/RESULT` say."""
        return self.full_topic.replace("%prefix%", prefix).replace("%topic%", self.topic) + what


@dataclass(frozen=True, slots=True)
class Names:
    """How one device's messages are read. `where` is for errors."""

    topics: Topics
    where: str

    def relay(self, message: Message, number: int) -> bool | None:
        """Whether the message tells that a relay is on; None when it is about something else.

        Raises InstrumentError for a refusal, GarbledReply.
        """
        command = message.topic.removeprefix(self.topics.of("stat", ""))
        names = (f"POWER{number}", "POWER") if number == 1 else (f"POWER{number}",)
        if command == "RESULT" or (command in names and message.payload[:1] == b"{"):
            found = self.result(message)
            told = next((found[name] for name in names if name in found), None)
            return None if told is None else self._state(str(told), message)
        if command in names:
            return self._state(message.payload.decode("ascii", "replace"), message)
        return None

    def result(self, message: Message) -> dict[str, Any]:
        """A JSON object on `stat/T/RESULT`. Raises InstrumentError for a refusal, GarbledReply."""
        found = document(message.payload, f"{self.where}: {message.topic}")
        if not isinstance(found, dict):
            raise GarbledReply(f"{self.where}: {message.topic}: {message.payload[:80]!r} is no JSON object")
        entries = cast("dict[str, Any]", found)
        refusal = entries.get("Command")
        if refusal in ERRORS:
            raise InstrumentError(f"{self.where}: the command was refused: {refusal}: {ERRORS[refusal]}")
        return entries

    def status(self, message: Message, number: int, key: str) -> dict[str, Any] | None:
        """What `Status number` gives below its key, `StatusSNS` say; None when the message is another one."""
        if message.topic == self.topics.of("stat", "RESULT"):
            self.result(message)
            return None
        if message.topic != self.topics.of("stat", f"STATUS{number}"):
            return None
        found = value_at(self.result(message), (key,))
        if not isinstance(found, dict):
            raise GarbledReply(f"{self.where}: {message.topic}: {message.payload[:80]!r} has no {key}")
        return cast("dict[str, Any]", found)

    def pulse_time(self, message: Message, number: int) -> int | None:
        """The setting that PulseTime gives for a relay; None when the message is about something else.

        `{"PulseTime1":{"Set":100,"Remaining":0}}`, older firmware `{"PulseTime1":"100 (Active 0)"}`.
        """
        command = message.topic.removeprefix(self.topics.of("stat", ""))
        if command not in ("RESULT", f"PULSETIME{number}", "PULSETIME"):
            return None
        found = self.result(message).get(f"PulseTime{number}")
        if found is None:
            return None
        told = str(value_at(cast("object", found), ("Set",)) if isinstance(found, dict) else found)
        match = re.match(r"\d+", told)
        if match is None:
            raise GarbledReply(f"{self.where}: {message.topic}: {message.payload[:80]!r} tells no PulseTime")
        return int(match[0])

    def _state(self, told: str, message: Message) -> bool:
        if told not in ("ON", "OFF"):
            raise GarbledReply(f"{self.where}: {message.topic}: {told!r} is no state of a relay: ON or OFF is expected")
        return told == "ON"


def pulse_setting(seconds: float) -> int:
    """The parameter of PulseTime nearest to a time: steps of 0.1 s up to 11.1 s, of 1 s beyond."""
    return round(seconds * 10) if seconds <= FINE_PULSE_S else round(seconds) + 100


def pulse_seconds(setting: int) -> float:
    """The time that a parameter of PulseTime stands for."""
    return setting / 10 if setting <= round(FINE_PULSE_S * 10) else setting - 100.0
