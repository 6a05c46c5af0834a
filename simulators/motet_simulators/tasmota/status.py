"""What a simulated Tasmota device tells of itself: status, state, sensors, discovery.

Keys and their order are those of the firmware (arendst/Tasmota: `CmndStatus` in support_command.ino, `MqttShowState`
and `MqttShowSensor` in support_tasmota.ino, `TasDiscoverMessage` in xdrv_12_discovery.ino).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from motet_simulators.tasmota.options import Options
from motet_simulators.tasmota.unit import Unit

_START = datetime(2026, 1, 1, tzinfo=UTC)
_IP, _GATEWAY, _MASK = "192.168.1.20", "192.168.1.1", "255.255.255.0"
_MOST_NAMES, _MOST_SWITCHES, _MOST_KEYS, _MOST_RELAYS = 8, 28, 32, 32
_OPTIONS = ("11", "13", "17", "20", "30", "68", "73", "82", "114", "117")
STATUS_KEYS = ("", "PRM", "FWR", "LOG", "MEM", "NET", "MQT", "TIM", "SNS", "", "SNS", "STS")
"""`Status n` gives `{"Status" + the n-th of these: ...}`; 9 is for energy meters only."""


class Messages:
    """The contents of messages, at the time of the call."""

    def __init__(
        self, options: Options, unit: Unit, readings: Callable[[], dict[str, Any]], now: Callable[[], float]
    ) -> None:
        self._options = options
        self._unit = unit
        self._readings = readings
        self._now = now
        self.topic = ""
        self.connections = 0

    def power(self, relay: int) -> dict[str, Any]:
        """A relay's state, with the dimmer's."""
        found: dict[str, Any] = {self._unit.name(relay): self._unit.state(relay)}
        if self._unit.is_light(relay):
            found["Dimmer"] = self._unit.dimmer
        return found

    def state(self) -> dict[str, Any]:
        """What `tele/TOPIC/STATE` has."""
        found = {
            "Time": self._time(), "Uptime": self._uptime(), "UptimeSec": int(self._now()), "Heap": 25,
            "SleepMode": "Dynamic", "Sleep": 50, "LoadAvg": 19, "MqttCount": self.connections,
        }  # fmt: skip
        for relay in self._unit.numbers:
            found.update(self.power(relay))
        wifi = {
            "AP": 1, "SSId": "lab", "BSSId": "00:00:00:00:00:01", "Channel": 6, "Mode": "11n", "RSSI": 100,
            "Signal": -40, "LinkCount": 1, "Downtime": "0T00:00:03",
        }  # fmt: skip
        return {**found, "Wifi": wifi}

    def sensors(self) -> dict[str, Any]:
        """What `tele/TOPIC/SENSOR` has."""
        readings = self._readings()
        units: dict[str, Any] = {}
        keys = {key for values in readings.values() for key in values}
        if "Pressure" in keys:
            units["PressureUnit"] = "hPa"
        if "Temperature" in keys:
            units["TempUnit"] = self._options.temperature_unit
        return {"Time": self._time(), **readings, **units}

    def status(self, number: int) -> dict[str, Any] | None:
        """What `Status number` gives, None for one that the device does not have."""
        if self._options.oldest and number > 9:
            return None
        make = {
            0: self._general, 1: self._parameters, 2: self._firmware, 3: self._logging, 4: self._memory,
            5: self._network, 6: self._mqtt, 7: self._times, 8: self.sensors, 10: self.sensors, 11: self.state,
        }.get(number)  # fmt: skip
        return None if make is None else {f"Status{STATUS_KEYS[number]}": make()}

    def infos(self) -> tuple[Mapping[str, Any], ...]:
        """What `tele/TOPIC/INFO1` to `INFO3` have."""
        options = self._options
        return (
            {
                "Module": options.module, "Version": options.firmware,
                "FallbackTopic": f"cmnd/DVES_{options.unique_id[-6:]}_fb/",
                "GroupTopic": f"cmnd/{options.group_topic}/",
            },
            {"WebServerMode": "Admin", "Hostname": options.hostname, "IPAddress": _IP},
            {"RestartReason": "Software/System restart", "BootCount": 1},
        )  # fmt: skip

    def discovery(self) -> dict[str, Mapping[str, Any]]:
        """What `tasmota/discovery/MAC/config` and `/sensors` have."""
        options, unit = self._options, self._unit
        names = self._names()
        relays = [(2 if unit.is_light(n) else 1) if n <= unit.relays else 0 for n in range(1, _MOST_RELAYS + 1)]
        config = {
            "ip": _IP, "dn": "Tasmota", "fn": [*names, *[None] * (_MOST_NAMES - len(names))],
            "hn": options.hostname, "mac": options.unique_id, "md": options.module, "ty": 0, "if": 0,
            "ofln": "Offline", "onln": "Online", "state": ["OFF", "ON", "TOGGLE", "HOLD"],
            "sw": options.firmware.partition("(")[0], "t": self.topic, "ft": options.full_topic,
            "tp": ["cmnd", "stat", "tele"], "rl": relays, "swc": [-1] * _MOST_SWITCHES,
            "swn": [None] * _MOST_SWITCHES, "btn": [0] * _MOST_KEYS,
            "so": {"4": int(unit.set_option[4]), **dict.fromkeys(_OPTIONS, 0)},
            "lk": 0, "lt_st": int(unit.has_dimmer), "bat": 0, "dslp": 0, "sho": [], "sht": [], "ver": 1,
        }  # fmt: skip
        return {"config": config, "sensors": {"sn": self.sensors(), "ver": 1}}

    def _general(self) -> dict[str, Any]:
        return {
            "Module": 1, "DeviceName": "Tasmota", "FriendlyName": self._names(), "Topic": self.topic,
            "ButtonTopic": "0", "Power": self._unit.bits, "PowerOnState": 3, "LedState": 1, "LedMask": "FFFF",
            "SaveData": 1, "SaveState": 1, "SwitchTopic": "0", "SwitchMode": [0] * _MOST_SWITCHES, "ButtonRetain": 0,
            "SwitchRetain": 0, "SensorRetain": 0, "PowerRetain": 0, "InfoRetain": 0, "StateRetain": 0,
        }  # fmt: skip

    def _parameters(self) -> dict[str, Any]:
        return {
            "Baudrate": 115200, "SerialConfig": "8N1", "GroupTopic": self._options.group_topic,
            "OtaUrl": "http://ota.tasmota.com/tasmota/release/tasmota.bin.gz",
            "RestartReason": "Software/System restart", "Uptime": self._uptime(), "StartupUTC": _START.isoformat()[:19],
            "Sleep": 50, "CfgHolder": 4617, "BootCount": 1, "BCResetTime": _START.isoformat()[:19], "SaveCount": 1,
        }  # fmt: skip

    def _firmware(self) -> dict[str, Any]:
        return {
            "Version": self._options.firmware, "BuildDateTime": "2024-10-15T08:23:31", "Core": "2_0_17", "SDK": "4.4.8",
            "CpuFrequency": 160, "Hardware": "ESP32-D0WDQ6 rev.1", "CR": "400/699",
        }  # fmt: skip

    def _logging(self) -> dict[str, Any]:
        flags = int(self._unit.set_option[4]) << 4 | int(self._unit.set_option[26]) << 26
        return {
            "SerialLog": 2, "WebLog": 2, "MqttLog": 0, "SysLog": 0, "LogHost": "", "LogPort": 514, "SSId": ["lab", ""],
            "TelePeriod": self._unit.tele_period, "Resolution": "558180C0",
            "SetOption": [f"{flags:08X}", *["00000000"] * 5],
        }  # fmt: skip

    def _memory(self) -> dict[str, Any]:
        return {
            "ProgramSize": 1800, "Free": 1000, "Heap": 140, "ProgramFlashSize": 4096, "FlashSize": 4096,
            "FlashChipId": "1640EF", "FlashFrequency": 40, "FlashMode": "DIO", "Features": [], "Drivers": "",
            "Sensors": "",
        }  # fmt: skip

    def _network(self) -> dict[str, Any]:
        return {
            "Hostname": self._options.hostname, "IPAddress": _IP, "Gateway": _GATEWAY, "Subnetmask": _MASK,
            "DNSServer1": _GATEWAY, "DNSServer2": "0.0.0.0", "Mac": self._options.mac, "Webserver": 2,  # noqa: S104
            "HTTP_API": 1, "WifiConfig": 4, "WifiPower": 17.0,
        }  # fmt: skip

    def _mqtt(self) -> dict[str, Any]:
        client = f"DVES_{self._options.unique_id[-6:]}"
        return {
            "MqttHost": _GATEWAY, "MqttPort": 1883, "MqttClientMask": "DVES_%06X", "MqttClient": client,
            "MqttUser": "DVES_USER", "MqttCount": self.connections, "MAX_PACKET_SIZE": 1200, "KEEPALIVE": 30,
            "SOCKET_TIMEOUT": 4,
        }  # fmt: skip

    def _times(self) -> dict[str, Any]:
        return {
            "UTC": self._time(), "Local": self._time(), "StartDST": "2026-03-29T02:00:00",
            "EndDST": "2026-10-25T03:00:00", "Timezone": "+00:00", "Sunrise": "07:00", "Sunset": "17:00",
        }  # fmt: skip

    def _names(self) -> list[str]:
        return [f"Tasmota{number if number > 1 else ''}" for number in range(1, max(1, self._unit.relays) + 1)][
            :_MOST_NAMES
        ]

    def _time(self) -> str:
        return (_START + timedelta(seconds=int(self._now()))).isoformat()[:19]

    def _uptime(self) -> str:
        days, seconds = divmod(int(self._now()), 86400)
        return f"{days}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
