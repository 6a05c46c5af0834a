"""The simulated potentiostat node: its messages, and what they are caused by."""

import json
from typing import Any

import pytest

from motet.simulation import Fault
from motet.simulation.manual import ManualClock
from motet_simulators.potentiostat_node import Options, PotentiostatNode
from motet_simulators.schwefel_plate import Options as PlateOptions
from motet_simulators.schwefel_plate import SchwefelPlate, schwefel

MEASURE = {"command": "measure", "potential_V": 0.5, "duration_s": 10, "points": 3}


class Bench:
    """A node over a plate, with a head that is put somewhere at once."""

    def __init__(self, options: Options | None = None, place: tuple[float, float, float] = (45, 45, -0.1)) -> None:
        self.clock = ManualClock()
        plate = SchwefelPlate(PlateOptions(current_noise=0, charging=0), self.clock, seed=1)
        self.place = place
        for index, axis in enumerate("xyz"):
            plate.drive(axis, lambda index=index: self.place[index])
        self.node = PotentiostatNode(options or Options(), plate, self.clock, seed=1)
        self.published: list[tuple[str, dict[str, Any], bool]] = []
        self.node.attach("lab/p", self._take)

    def _take(self, topic: str, payload: bytes, retain: bool) -> None:
        self.published.append((topic.removeprefix("lab/p/"), json.loads(payload), retain))

    def ask(self, request_id: str, request: dict[str, Any], seconds: float = 0.0) -> list[dict[str, Any]]:
        """The replies that come within so many seconds."""
        self.published.clear()
        self.node.receive("lab/p/command", json.dumps({"id": request_id, **request}).encode())
        self.clock.advance(seconds)
        return [reply for subtopic, reply, _ in self.published if subtopic == "reply"]


def test_a_measurement_is_accepted_then_done_after_its_duration() -> None:
    bench = Bench()
    assert bench.ask("a", MEASURE, 9.9) == [{"id": "a", "status": "accepted"}]
    bench.clock.advance(0.2)
    subtopic, reply, _ = bench.published[-2]
    assert (subtopic, reply["status"], reply["time_s"]) == ("reply", "done", [0.0, 5.0, 10.0])
    assert reply["current_mA"] == pytest.approx([schwefel(45, 45)] * 3)


def test_the_status_is_kept_and_follows_what_the_node_does() -> None:
    bench = Bench()
    bench.ask("a", MEASURE)
    bench.clock.advance(11)
    statuses = [(reply["status"], retain) for subtopic, reply, retain in bench.published if subtopic == "status"]
    assert statuses == [("busy", True), ("idle", True)]


def test_a_request_that_arrives_twice_is_measured_once() -> None:
    bench = Bench()
    bench.ask("a", MEASURE)
    assert bench.ask("a", MEASURE) == [{"id": "a", "status": "accepted"}]
    bench.clock.advance(11)
    (again,) = bench.ask("a", MEASURE, 11)
    assert again["status"] == "done"
    assert bench.node.measurements == 1


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"command": "dance"}, "unknown_command"),
        ({**MEASURE, "potential_V": 11}, "out_of_range"),
        ({**MEASURE, "duration_s": "long"}, "out_of_range"),
        ({**MEASURE, "points": 1}, "out_of_range"),
        ({"command": "measure"}, "out_of_range"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(request_: dict[str, Any], code: str) -> None:
    (reply,) = Bench().ask("a", request_)
    assert (reply["id"], reply["status"], reply["code"]) == ("a", "error", code)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"{}", b'{"id": 3}', b"\xff\xfe"])
def test_garbage_is_answered_with_an_error(payload: bytes) -> None:
    bench = Bench()
    bench.published.clear()
    bench.node.receive("lab/p/command", payload)
    assert bench.published[0][1]["code"] == "bad_request"


def test_a_second_measurement_is_refused_while_one_runs() -> None:
    bench = Bench()
    bench.ask("a", MEASURE)
    assert bench.ask("b", MEASURE)[0]["code"] == "busy"


def test_stop_aborts_the_measurement() -> None:
    bench = Bench()
    bench.ask("a", MEASURE, 1)
    replies = bench.ask("b", {"command": "stop"}, 20)
    assert [(reply["id"], reply.get("code")) for reply in replies] == [("a", "aborted"), ("b", None)]
    assert bench.node.measurements == 0
    assert bench.clock.waiting == 0


def test_without_contact_nothing_is_measured() -> None:
    assert Bench(place=(45, 45, 5)).ask("a", MEASURE)[0]["code"] == "no_contact"


def test_a_head_that_moves_away_spoils_the_measurement() -> None:
    bench = Bench()
    bench.ask("a", MEASURE, 5)
    bench.place = (45, 45, 5)
    bench.clock.advance(6)
    assert bench.published[-2][1]["code"] == "contact_lost"


def test_faults_on_demand() -> None:
    assert Bench(Options(faults=(Fault(kind="drop", times=None),))).ask("a", MEASURE, 20) == []
    assert Bench(Options(faults=(Fault(kind="error"),))).ask("a", MEASURE)[0]["code"] == "overload"
    assert Bench(Options(nan_after=0)).ask("a", MEASURE, 20)[-1]["current_mA"][-1] is None


def test_it_listens_to_commands_and_leaves_a_last_will() -> None:
    node = Bench().node
    assert node.filters("lab/p") == ("lab/p/command",)
    assert node.will("lab/p") == ("lab/p/status", b'{"status": "offline"}', True)


def test_a_node_without_a_world_measures_a_resistor() -> None:
    clock = ManualClock()
    node = PotentiostatNode(Options(), None, clock, seed=1)
    replies: list[dict[str, Any]] = []
    node.attach("lab/p", lambda topic, payload, retain: replies.append(json.loads(payload)))
    node.receive("lab/p/command", json.dumps({"id": "a", **MEASURE}).encode())
    clock.advance(20)
    assert replies[-2]["current_mA"] == [0.5, 0.5, 0.5]
