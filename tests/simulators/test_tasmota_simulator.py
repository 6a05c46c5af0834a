"""The simulated Tasmota device: what is published, message by message."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from motet.simulation import Fault
from motet.simulation.manual import ManualClock
from motet_simulators.tasmota import Options, Tasmota

SENSORS = [
    {"path": "SI7021.Temperature", "reads": "temperature", "value": 21.5},
    {"path": "SI7021.Humidity", "value": 40.26},
]


class Room:
    """A world with a heater and a thermometer."""

    takes = frozenset({"heater"})
    reads = frozenset({"temperature"})

    def __init__(self) -> None:
        self.heater: Callable[[], float] = lambda: 0.0
        self.changes = 0

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        self.heater = value
        return self._changed

    def add(self, quantity: str, amount: float) -> None:
        raise KeyError(quantity)

    def read(self, quantity: str) -> float:
        return 20.0 + self.heater()

    def _changed(self) -> None:
        self.changes += 1


class Bench:
    """A device at the topic `plug`, and everything that it published."""

    def __init__(self, world: Room | None = None, **options: Any) -> None:
        self.clock = ManualClock()
        self.device = Tasmota(Options.model_validate(options), world, self.clock, seed=1)
        self.published: list[tuple[str, bytes, bool]] = []
        self.device.attach("plug", self.take)

    def take(self, topic: str, payload: bytes, retain: bool) -> None:
        """A message from it."""
        self.published.append((topic, payload, retain))

    def say(self, command: str, payload: str = "", seconds: float = 0.0) -> list[tuple[str, Any]]:
        """What comes within so many seconds: topics with their payload, JSON where it is."""
        self.published.clear()
        self.device.receive(f"cmnd/plug/{command}", payload.encode())
        self.clock.advance(seconds)
        return [(topic, read(payload)) for topic, payload, _ in self.published]


def read(payload: bytes) -> Any:
    """JSON where it is one, else text."""
    return json.loads(payload) if payload[:1] == b"{" else payload.decode()


def test_connecting_says_online_and_tells_of_the_device_later() -> None:
    bench = Bench(sensors=SENSORS)
    assert bench.published[0] == ("tele/plug/LWT", b"Online", True)
    assert [topic for topic, _, _ in bench.published[1:]] == [f"tele/plug/INFO{n}" for n in (1, 2, 3)]
    bench.published.clear()
    bench.clock.advance(11)
    assert [(topic, retain) for topic, _, retain in bench.published] == [
        ("tele/plug/STATE", False),
        ("tele/plug/SENSOR", False),
        ("tasmota/discovery/240AC4000110/config", True),
        ("tasmota/discovery/240AC4000110/sensors", True),
    ]
    assert bench.device.will("plug") == ("tele/plug/LWT", b"Offline", True)


def test_a_device_with_one_relay_says_power_without_a_number() -> None:
    bench = Bench()
    for name in ("POWER1", "power", "Power"):
        assert bench.say(name, "ON") == [("stat/plug/RESULT", {"POWER": "ON"}), ("stat/plug/POWER", "ON")]
    assert bench.say("Power", "toggle")[1] == ("stat/plug/POWER", "OFF")
    assert bench.say("SetOption26", "1") == [("stat/plug/RESULT", {"SetOption26": "ON"})]
    assert bench.say("POWER1")[0] == ("stat/plug/RESULT", {"POWER1": "OFF"})


def test_several_relays_have_numbers_and_zero_is_all_of_them() -> None:
    bench = Bench(relays=3, power=[False, True])
    assert bench.say("POWER2")[0] == ("stat/plug/RESULT", {"POWER2": "ON"})
    assert [found for topic, found in bench.say("POWER0", "1") if topic.endswith("RESULT")] == [
        {"POWER1": "ON"},
        {"POWER2": "ON"},
        {"POWER3": "ON"},
    ]
    assert bench.say("Status")[0][1]["Status"]["Power"] == 7
    assert bench.say("POWER4", "ON") == [("stat/plug/RESULT", {"Command": "Error"})]


@pytest.mark.parametrize(("word", "state"), [("true", "ON"), ("2", "ON"), ("stop", "OFF"), ("0", "OFF"), ("hm", "OFF")])
def test_words_of_states(word: str, state: str) -> None:
    assert Bench().say("POWER", word)[1] == ("stat/plug/POWER", state)


def test_unknown_commands_and_numbers_are_told() -> None:
    bench = Bench()
    assert bench.say("Dance", "1") == [("stat/plug/RESULT", {"Command": "Unknown"})]
    assert bench.say("Dimmer", "50") == [("stat/plug/RESULT", {"Command": "Unknown"})]
    assert bench.say("Status", "99") == [("stat/plug/RESULT", {"Command": "Error"})]


def test_results_go_to_the_topic_of_the_command_with_setoption4() -> None:
    bench = Bench(set_option_4=True)
    assert bench.say("TelePeriod", "60")[0] == ("stat/plug/TELEPERIOD", {"TelePeriod": 60})
    assert bench.say("POWER", "ON") == [("stat/plug/POWER", {"POWER": "ON"}), ("stat/plug/POWER", "ON")]


def test_status_tells_of_everything_on_topics_of_its_own() -> None:
    bench = Bench(sensors=SENSORS)
    topics = [topic.rpartition("/")[2] for topic, _ in bench.say("Status", "0")]
    assert topics == ["STATUS", *(f"STATUS{n}" for n in (1, 2, 3, 4, 5, 6, 7, 10, 11))]
    ((topic, found),) = bench.say("Status", "10")
    assert topic == "stat/plug/STATUS10"
    assert found["StatusSNS"]["SI7021"] == {"Temperature": 21.5, "Humidity": 40.3}
    assert found["StatusSNS"]["TempUnit"] == "C"
    ((topic, found),) = bench.say("Status", "8")
    assert (topic, list(found)) == ("stat/plug/STATUS8", ["StatusSNS"])
    ((_, found),) = bench.say("Status", "5")
    assert found["StatusNET"]["Mac"] == "24:0A:C4:00:01:10"
    ((topic, found),) = bench.say("Status0")
    assert topic == "stat/plug/STATUS0"
    assert {"Status", "StatusFWR", "StatusSTS"} <= set(found)


def test_telemetry_comes_every_tele_period() -> None:
    bench = Bench(sensors=SENSORS, discovery=False)
    assert bench.say("TelePeriod", "60", 1.5)[0] == ("stat/plug/RESULT", {"TelePeriod": 60})
    bench.published.clear()
    bench.clock.advance(180)
    assert [topic for topic, _, _ in bench.published] == ["tele/plug/STATE", "tele/plug/SENSOR"] * 3
    assert bench.say("TelePeriod", "3")[0][1] == {"TelePeriod": 10}
    assert bench.say("TelePeriod", "1")[0][1] == {"TelePeriod": 300}
    bench.say("TelePeriod", "0", 2)
    bench.published.clear()
    bench.clock.advance(4000)
    assert bench.published == []


def test_a_pulse_ends_by_itself_also_while_the_device_is_off_line() -> None:
    bench = Bench(relays=2)
    assert bench.say("PulseTime2", "112") == [("stat/plug/RESULT", {"PulseTime2": {"Set": 112, "Remaining": 0}})]
    bench.say("POWER2", "ON", 5)
    assert bench.say("PulseTime2")[0][1] == {"PulseTime2": {"Set": 112, "Remaining": 107}}
    bench.published.clear()
    bench.clock.advance(7.1)
    assert ("stat/plug/POWER2", b"OFF", False) in bench.published
    bench.say("POWER2", "ON", 5)
    bench.device.detach()
    assert bench.clock.waiting == 0
    bench.clock.advance(20)
    bench.device.attach("plug", bench.take)
    assert bench.say("POWER2")[1] == ("stat/plug/POWER2", "OFF")


def test_a_backlog_is_carried_out_with_pauses_unless_it_says_no_delay() -> None:
    bench = Bench(relays=3, discovery=False)
    assert bench.say("Backlog", "POWER1 ON; POWER2 ON;POWER3 ON", 0.3)[-1] == ("stat/plug/POWER2", "ON")
    bench.clock.advance(0.2)
    assert bench.device.unit.bits == 7
    done = bench.say("Backlog", "NoDelay;POWER1 OFF;NoDelay;POWER2 OFF;NoDelay;POWER3 OFF", 0.0)
    assert [topic for topic, _ in done if "POWER" in topic] == [f"stat/plug/POWER{n}" for n in (1, 2, 3)]


def test_a_dimmer_is_the_last_relay() -> None:
    bench = Bench(relays=2, dimmer=True)
    assert bench.say("Dimmer", "30")[0][1] == {"POWER2": "ON", "Dimmer": 30}
    assert bench.say("Dimmer")[0][1] == {"POWER2": "ON", "Dimmer": 30}
    assert bench.say("Dimmer", "0")[0][1] == {"POWER2": "OFF", "Dimmer": 30}


def test_relays_drive_the_world_and_sensors_read_it() -> None:
    room = Room()
    bench = Bench(room, sensors=SENSORS, drives=[{"relay": 1, "quantity": "heater", "on": 15.0}])
    assert bench.say("Status", "10")[0][1]["StatusSNS"]["SI7021"]["Temperature"] == 20.0
    bench.say("POWER", "ON")
    assert bench.say("Status", "10")[0][1]["StatusSNS"]["SI7021"]["Temperature"] == 35.0
    assert room.changes == 1


def test_it_listens_to_its_topic_its_group_and_its_fallback() -> None:
    assert Bench().device.filters("plug") == ("cmnd/plug/#", "cmnd/tasmotas/#", "cmnd/DVES_000110_fb/#")
    device = Bench(full_topic="lab/%topic%/%prefix%/").device
    assert device.filters("plug")[0] == "lab/plug/cmnd/#"
    assert device.will("plug")[0] == "lab/plug/tele/LWT"


def test_faults_on_demand() -> None:
    bench = Bench(faults=[Fault(kind="error")])
    assert bench.say("POWER", "ON") == [("stat/plug/RESULT", {"Command": "Error"})]
    assert bench.say("POWER", "ON")[1] == ("stat/plug/POWER", "ON")
    assert Bench(faults=[Fault(kind="drop", times=None)]).say("Status", "2") == []
    drifting = Bench(sensors=SENSORS, faults=[Fault(kind="drift", amount=2.0)])
    drifting.clock.advance(3600)
    assert drifting.say("Status", "10")[0][1]["StatusSNS"]["SI7021"]["Temperature"] == 23.5


@given(st.text(max_size=20), st.binary(max_size=30))
@settings(max_examples=100, deadline=None)
def test_whatever_is_said_the_device_goes_on(command: str, payload: bytes) -> None:
    bench = Bench(relays=2, dimmer=True, sensors=SENSORS)
    bench.device.receive(f"cmnd/plug/{command}", payload)
    bench.clock.advance(2)
    bench.say("Backlog")
    assert bench.say("POWER1", "OFF")[-1][1] == "OFF"


@pytest.mark.parametrize("options", [{"drives": [{"relay": 2, "quantity": "x", "on": 1}]}, {"power": [True, True]}])
def test_relays_that_are_not_there_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="the device has 1 relays"):
        Options.model_validate(options)
