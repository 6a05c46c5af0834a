"""What a lab file says of remote stations is checked where it stands."""

from pathlib import Path
from typing import Any

import pytest

from motet.errors import FileProblems
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
