"""What a lab file says of remote stations is checked where it stands."""

from pathlib import Path
from typing import Any

import pytest

from motet.api.station import Hosting, Options
from motet.errors import Aborted, ConnectionProblem, FileProblems
from motet.files.lab import load_lab
from motet.plugins import installed

LAB = """\
lab: pair
broker: BROKER
hardware: HARDWARE
stations:
  a:
    remote: true
    devices:
      function: {driver: benchmark_function, line: /dev/null}
"""
BROKEN = """\
  b:
    remote: true
    devices:
      broken:
        driver: benchmark_function
        line: /dev/zero
        simulator: {faults: [{kind: disconnect, after: 0}]}
"""


def _lab(folder: Path, broker: str, hardware: str = "real", more: str = "") -> Path:
    path = folder / "lab.yaml"
    path.write_text(LAB.replace("BROKER", broker).replace("HARDWARE", hardware) + more)
    return path


@pytest.mark.parametrize(
    ("broker", "more", "told"),
    [
        ("none", "", "found a remote station, and `broker: none`; `mqtt://HOST`, or `{url: embedded, port: PORT}`"),
        ("embedded", "", "found a remote station, and `broker: embedded`"),
        ("{url: 'mqtt://x', port: 1}", "", "found a port beside 'mqtt://x'; it is written in the address"),
        ("mqtt://x", "remote: {lost_after: 1 s}\n", "at least 3 s is needed"),
        ("mqtt://x", "remote: {lost_after: 19 s}\n", "found `lost_after: 19 s`; at least 20 s is needed, twice"),
        ("{url: 'mqtt://x', keepalive: 16 s}", "", "at least 32 s is needed, twice `broker.keepalive` (16 s)"),
        ("mqtt://x", "remote: {alone_after: 48 h}\n", "at most 86400 s are allowed"),
        ("mqtt://x", "remote: {when_alone: panic}\n", "panic"),
        (
            "mqtt://x",
            "  b:\n    when_alone: stop\n    devices: {f: {driver: benchmark_function, line: /dev/zero}}\n",
            "found `when_alone` for a station of this process; `remote: true` is needed",
        ),
    ],
)
def test_a_mistake_about_remote_stations_is_told(tmp_path: Path, broker: str, more: str, told: str) -> None:
    with pytest.raises(FileProblems) as found:
        load_lab(_lab(tmp_path, broker, more=more), installed())
    assert told in str(found.value)


@pytest.mark.parametrize(
    ("broker", "elsewhere"),
    [("none", False), ("embedded", False), ("{url: embedded, port: 18830}", True), ("mqtt://x", True)],
)
def test_without_a_way_to_meet_simulated_stations_stay_here(tmp_path: Path, broker: str, elsewhere: Any) -> None:
    assert load_lab(_lab(tmp_path, broker, "simulated"), installed()).lab.elsewhere("a") is elsewhere


def test_a_station_that_is_ended_before_it_has_a_broker_gives_up_coming(tmp_path: Path, free_port: int) -> None:
    path = _lab(tmp_path, f"{{url: embedded, port: {free_port}}}", "simulated")
    hosting = Hosting(Options(["a"], path, tmp_path / "data"))
    try:
        hosting.end("its process was ended by SIGTERM")
        with pytest.raises(Aborted, match="a: its process was ended by SIGTERM"):
            hosting.ready.result(20)
        with pytest.raises(Aborted):
            hosting.wait(20)
    finally:
        hosting.close()


def test_two_stations_of_which_one_cannot_connect_end_with_its_reason(tmp_path: Path, mosquitto: str) -> None:
    path = _lab(tmp_path, mosquitto, "simulated", BROKEN)
    hosting = Hosting(Options(["a", "b"], path, tmp_path / "data"))
    try:
        with pytest.raises(ConnectionProblem, match="b-broken") as found:
            hosting.ready.result(30)
        assert "a-function" not in str(found.value)
        with pytest.raises(ConnectionProblem):
            hosting.wait(20)
    finally:
        hosting.close()
