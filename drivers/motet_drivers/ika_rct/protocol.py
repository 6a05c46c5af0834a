"""NAMUR commands of IKA's magnetic stirrers with hot plate: requests and replies as bytes and values.

From IKA's operating instructions "IKA Plate (RCT digital)" (20014388, 11/2018, Interfaces and outputs, p. 30) and "RET
control-visc" (20000004159, pp. 31 to 34), the latter as published drivers quote it. A command ends with CR LF; a reply
is a value, the number of its channel and `blank CR LF`: `25.0 1 \\r\\n`. Commands that set something have no reply;
those with an `@` repeat the value only.
"""

import re

from motet.devices import Verified
from motet.errors import GarbledReply

PROBE, PLATE, SAFETY, SPEED = 1, 2, 3, 4
"""Channels: temperature of the probe (and the set temperature), of the plate, safety temperature, speed."""
WATCHDOG_S = (20.0, 1500.0)
_VALUE = re.compile(r" *(?P<value>-?\d+(?:\.\d*)?)(?: +(?P<channel>\d+))? *")


VERIFIED = Verified(
    manuals=(
        "IKA Plate (RCT digital), operating instructions 20014388, 11/2018, p. 30, in a copy on the web and as quoted "
        "by drivers",
        "RET control-visc, operating instructions 20000004159, pp. 31 to 34, as quoted by drivers",
    ),
    drivers=(
        "matterlab_hotplates 1.2.1 against the simulator (in the tests)",
        "ika 2.0.3, its MagneticStirrer against the simulator, by hand, with 8N1",
        "labmcp-ika 0.1.1, its driver against the simulator and its simulator against the driver, by hand",
        "ika-control 0.7.0 against the simulator, by hand: all but its `get`, which wants a second probe",
    ),
    unverified=(
        "how long a set point takes until it is read back",
        "what ends the state after a watchdog event",
        "the numbers of errors on the display, which cannot be read on the line",
    ),
)


def request(name: str) -> bytes:
    """The bytes of a command without a value."""
    return name.encode("ascii") + b"\r\n"


def setting(channel: int, value: float) -> bytes:
    """Set a temperature (degC, tenths) or a speed (1/min, whole)."""
    written = f"{value:.0f}" if channel == SPEED else f"{value:.1f}"
    return request(f"OUT_SP_{channel} {written}")


def watchdog(seconds: float) -> bytes:
    """Arm or feed the watchdog that switches heating and stirring off (mode 1)."""
    return request(f"OUT_WD1@{seconds:.0f}")


def value(frame: bytes, channel: int | None) -> float:
    """The value of a reply, from a channel where it names one. Raises GarbledReply."""
    found = _VALUE.fullmatch(frame.decode("latin-1").rstrip("\r\n"))
    if found is None or (found["channel"] is not None and channel is not None and int(found["channel"]) != channel):
        expected = "a number" if channel is None else f"a number and the channel {channel}"
        raise GarbledReply(f"{expected} is expected")
    return float(found["value"])


def name(frame: bytes) -> str:
    """The name that the instrument gives itself. Raises GarbledReply."""
    text = frame.decode("latin-1").strip()
    if not text or not text.isascii() or not text.isprintable():
        raise GarbledReply("a name is expected")
    return text
