"""The simulated JSON node: what it understands and answers, made from the options of its driver."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from motet.simulation import Fault
from motet.simulation.manual import ManualClock
from motet_simulators.mqtt_json import MqttJson, Options, problem
from motet_simulators.mqtt_json.options import Argument
from motet_simulators.mqtt_json.payload import matched

DEVICE: dict[str, Any] = {
    "request_id": "id",
    "availability": {"topic": "{topic}/online", "online": True, "offline": False},
    "identity": {"request": {"payload": {"cmd": "who"}}, "model": "model", "serial_number": "serial"},
    "verbs": {
        "dose": {
            "arguments": {"volume": {"limits": [0, 10]}},
            "publish": {"payload": {"cmd": "dose", "args": ["{volume}"]}},
            "reply": {"path": "state", "done": "ok", "failed": "error", "message": "why"},
            "outputs": {"dosed": {"path": "result.volume"}},
        },
        "stir": {"arguments": {"speed": {}}, "publish": {"topic": "{topic}/speed", "payload": "{speed}"}},
    },
    "signals": {
        "speed": {"path": "speed"},
        "level": {"topic": "{topic}/reply", "path": "level", "request": {"payload": {"cmd": "level"}}},
    },
    "stop": {"payload": {"cmd": "stop"}},
}
BEHIND: dict[str, Any] = {
    "does": {"dose": {"per": {"volume": 2.0}, "adds": {"liquid": "{volume}"}, "gives": {"dosed": "{volume}"}}},
    "shows": {"level": {"reads": "level"}},
    "drives": {"stirring": "speed"},
    "stops": {"speed": 0.0},
}


class Vessel:
    """A world with a liquid and a stirrer."""

    takes = frozenset({"liquid", "stirring"})
    reads = frozenset({"level"})

    def __init__(self) -> None:
        self.level = 0.0
        self.stirring: Callable[[], float] = lambda: 0.0

    def drive(self, quantity: str, value: Callable[[], float]) -> Callable[[], None]:
        self.stirring = value
        return lambda: None

    def add(self, quantity: str, amount: float) -> None:
        self.level += amount

    def read(self, quantity: str) -> float:
        return self.level


class Bench:
    """A node at `lab/node` in a vessel, and what it published."""

    def __init__(self, device: Any = DEVICE, **own: Any) -> None:
        self.clock = ManualClock()
        self.vessel = Vessel()
        options = Options.model_validate({"device": device, **BEHIND, **own})
        self.node = MqttJson(options, self.vessel, self.clock, seed=1)
        self.published: list[tuple[str, bytes, bool]] = []
        self.node.attach("lab/node", self.take)

    def take(self, topic: str, payload: bytes, retain: bool) -> None:
        """A message from it."""
        self.published.append((topic, payload, retain))

    def say(self, payload: Any, seconds: float = 0.0, topic: str = "command") -> list[Any]:
        """The replies that come within so many seconds."""
        self.published.clear()
        sent = payload if isinstance(payload, str) else json.dumps(payload)
        self.node.receive(f"lab/node/{topic}", sent.encode())
        self.clock.advance(seconds)
        return [json.loads(found) for where, found, _ in self.published if where == "lab/node/reply"]


def dose(volume: Any, request_id: str = "a") -> dict[str, Any]:
    """A request."""
    return {"cmd": "dose", "args": [volume], "id": request_id}


def test_it_says_that_it_is_there_and_tells_its_signals() -> None:
    bench = Bench()
    assert bench.published == [
        ("lab/node/online", b"true", True),
        ("lab/node/state", b'{"speed": 0.0}', False),
    ]
    assert bench.node.will("lab/node") == ("lab/node/online", b"false", True)
    assert bench.node.filters("lab/node") == ("lab/node/command", "lab/node/speed")
    bench.published.clear()
    bench.clock.advance(3.5)
    assert len(bench.published) == 3


def test_a_verb_takes_its_time_delivers_and_answers() -> None:
    bench = Bench()
    assert bench.say(dose(3.0), 5.9) == []
    assert bench.node.busy
    bench.clock.advance(0.2)
    assert [json.loads(found) for where, found, _ in bench.published if where.endswith("reply")] == [
        {"state": "ok", "result": {"volume": 3.0}, "id": "a"}
    ]
    assert bench.vessel.level == 3.0


def test_a_request_that_comes_twice_is_done_once() -> None:
    bench = Bench()
    bench.say(dose(3.0), 1)
    assert bench.say(dose(3.0), 20)[0]["state"] == "ok"
    assert bench.say(dose(3.0), 20)[0]["state"] == "ok"
    assert bench.vessel.level == 3.0


def test_what_is_wrong_or_comes_meanwhile_fails() -> None:
    bench = Bench()
    assert bench.say(dose(11)) == [{"state": "error", "why": "volume = 11 is not in [0, 10]", "id": "a"}]
    assert bench.say(dose("much", "b"))[0]["why"] == "volume = 'much' is no number"
    bench.say(dose(3.0, "c"))
    assert bench.say(dose(1.0, "d"))[0]["why"] == "busy with dose"


def test_stop_ends_a_verb_with_what_was_delivered_so_far() -> None:
    bench = Bench()
    bench.say("300", topic="speed")
    bench.say(dose(4.0), 2.0)
    assert bench.say({"cmd": "stop", "id": "z"})[0]["why"] == "stopped"
    assert bench.vessel.level == pytest.approx(1.0)
    assert bench.vessel.stirring() == 0.0
    assert bench.clock.waiting == 1, "the signals that it tells of itself"


def test_a_verb_that_nothing_is_said_of_sets_variables_that_the_world_hears_of() -> None:
    bench = Bench()
    assert bench.say("300", topic="speed") == []
    assert bench.vessel.stirring() == 300.0
    assert bench.node.shown("speed") == 300


def test_questions_are_answered() -> None:
    bench = Bench()
    bench.vessel.level = 7.5
    assert bench.say({"cmd": "level", "id": 1}) == [{"level": 7.5, "id": 1}]
    assert bench.say({"cmd": "who"}) == [{"model": "JSON node", "serial": "000001"}]
    assert bench.say({"cmd": "dance"}) == []


def test_what_goes_on_ends_also_while_it_is_off_line() -> None:
    bench = Bench()
    bench.say(dose(3.0), 1)
    bench.node.detach()
    assert bench.clock.waiting == 0
    bench.clock.advance(20)
    bench.node.attach("lab/node", bench.take)
    bench.clock.advance(0)
    assert not bench.node.busy
    assert bench.vessel.level == 3.0


def test_faults_on_demand() -> None:
    assert Bench(faults=[Fault(kind="error")]).say(dose(1.0))[0]["why"] == "out of order"
    stalled = Bench(faults=[Fault(kind="stall")])
    assert stalled.say(dose(4.0), 4.1)[0]["why"] == "it came to a halt"
    assert stalled.vessel.level == pytest.approx(2.0)
    assert Bench(faults=[Fault(kind="drop", times=None)]).say({"cmd": "who"}) == []
    drifting = Bench(faults=[Fault(kind="drift", amount=2.0)])
    drifting.clock.advance(1800)
    assert drifting.say({"cmd": "level", "id": 1})[0]["level"] == pytest.approx(1.0)


TEXT = {"speed": Argument(), "name": Argument(type="text")}


@pytest.mark.parametrize(
    ("template", "payload", "arguments"),
    [
        ("SPEED {speed} {name}", "SPEED 12.5 left one", {"speed": 12.5, "name": "left one"}),
        ("SPEED {speed}", "SPED 12", None),
        ({"a": {"b": "{speed}"}}, '{"a": {"b": 3}, "id": 7}', {"speed": 3}),
        ({"a": "set {speed}"}, '{"a": "set 3"}', {"speed": 3}),
        ({"a": True}, '{"a": 1}', None),
        ([1, "{name}"], '[1, "x"]', {"name": "x"}),
        ([1], "[1, 2]", None),
        ("{other}", "{other}", {}),
    ],
)
def test_messages_are_recognised_by_their_template(template: Any, payload: str, arguments: Any) -> None:
    assert matched(template, payload.encode(), TEXT) == arguments


@given(st.sampled_from(["command", "speed", "x"]), st.binary(max_size=40))
@settings(max_examples=100, deadline=None)
def test_whatever_is_said_the_node_goes_on(topic: str, payload: bytes) -> None:
    bench = Bench()
    bench.node.receive(f"lab/node/{topic}", payload)
    assert bench.say({"cmd": "who", "id": 1}, 20)[0]["serial"] == "000001"


def test_a_node_that_does_not_know_its_driver_s_verbs_cannot_be_simulated() -> None:
    told = Options.model_validate({"device": DEVICE})
    assert problem(told.device, told) is None
    found = problem(told.device, Options())
    assert found is not None
    assert "to know dose, level, speed, stir" in found


def test_names_that_the_device_does_not_have_are_refused() -> None:
    with pytest.raises(ValidationError, match="does names fly; `device` has dose, stir"):
        Options.model_validate({"device": DEVICE, "does": {"fly": {}}})
