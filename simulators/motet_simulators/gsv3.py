"""A simulated ME-Messsysteme GSV-3 strain gauge amplifier with a force sensor, byte by byte.

Commands are one byte with parameter bytes: 0x0C set zero, 0x1F get serial number, 0x23 stop transmission,
0x24 start transmission, 0x25 clear buffer, 0x3B get value, ... (GSV-3 series operating manual, command
descriptions; table of commands also in the GSV-2 user's manual, p. 18). A value is a frame of three bytes:
0xA5, then 16 bits, most significant byte first, offset binary with 0x8000 for zero (GSV-2 user's manual,
pp. 16 and 38, "3-byte protocol"; the public GSV-3USB driver gsv3usb reads this frame). After power-on
values are sent all the time. Register data come after a semicolon (GSV-2 user's manual, p. 17).

Could not be verified for the GSV-3 itself: the semicolon, and whether get value waits for the next
conversion, as it does here, or gives the last one.
"""

from collections.abc import Callable
from typing import Protocol

from pydantic import Field

from motet.contracts.simulation import Clock, Timer
from motet_simulators.faults import FaultInjector, Faults

PREFIX = 0xA5
OVERRANGE = 1.05
"""Full scale of a frame as a part of the input sensitivity (GSV-2 user's manual, p. 16)."""
SET_ZERO, GET_SERIAL, STOP, START, GET_VALUE = 0x0C, 0x1F, 0x23, 0x24, 0x3B
PARAMETER_BYTES = {
    0x05: 3, 0x06: 3, 0x07: 3, 0x08: 2, 0x09: 1, 0x0A: 1, 0x0F: 1, 0x10: 3, 0x11: 1, 0x12: 2, 0x13: 1,
    0x1D: 1, 0x20: 4, 0x22: 1, 0x26: 1, 0x8A: 3,
}  # fmt: skip
"""How many bytes follow a command, where any do."""


class ForceWorld(Protocol):
    """What a force sensor's world must offer."""

    def contact_force(self, *, asked: bool = True) -> float:
        """The force on the sensor now, mN. The noise of values that were asked for must not depend on how many others
        there were."""
        ...


class Options(Faults):
    """The sensor and the amplifier's settings."""

    capacity: float = Field(default=500.0, gt=0)
    """Nominal load of the sensor, mN."""
    rated_output: float = Field(default=2.0, gt=0)
    """Output of the sensor at its nominal load, mV/V."""
    sensitivity: float = Field(default=2.0, gt=0)
    """Input sensitivity of the amplifier, mV/V."""
    rate: float = Field(default=10.0, gt=0)
    """Conversions a second."""
    serial_number: str = Field(default="19206189", pattern=r"^\d{8}$")
    preload: float = 0.0
    """Force that the sensor shows with nothing on it before it is set to zero, mN."""


class Gsv3:
    """A GSV-3 with a force sensor on the head of its world; without a world it feels its preload only."""

    def __init__(self, options: Options, world: ForceWorld | None, clock: Clock, seed: int) -> None:
        self._options = options
        self._world = world
        self._clock = clock
        self._faults = FaultInjector(options, seed)
        self._send: Callable[[bytes], None] | None = None
        self._zero = 0.0
        self._transmitting = True
        self._asked = 0
        self._skip = 0
        self._timer: Timer | None = None

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open; values are sent if transmission is on."""
        self._send = send
        self._convert_later()

    def detach(self) -> None:
        """The line is closed."""
        self._send = None
        self._asked = self._skip = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def receive(self, data: bytes) -> None:
        """Bytes from the host. Parameters of commands that change nothing here are passed over."""
        for byte in data:
            if self._skip:
                self._skip -= 1
            else:
                self._skip = PARAMETER_BYTES.get(byte, 0)
                self._command(byte)

    def _command(self, command: int) -> None:
        if command == SET_ZERO:
            self._zero = self._load()
        elif command == GET_SERIAL:
            self._answer(b";" + self._options.serial_number.encode("ascii"))
        elif command == STOP:
            self._transmitting = False
        elif command == START:
            self._transmitting = True
            self._convert_later()
        elif command == GET_VALUE:
            self._asked += 1
            self._convert_later()

    def _convert_later(self) -> None:
        """Conversions nobody hears of are left out: a silent amplifier costs nothing."""
        if self._timer is None and self._send is not None and (self._transmitting or self._asked):
            self._timer = self._clock.call_later(1 / self._options.rate, self._converted)

    def _converted(self) -> None:
        self._timer = None
        for _ in range(self._asked):
            self._answer(self._frame(overloaded=self._faults.refused()))
        self._asked = 0
        if self._transmitting and self._send is not None and not self._options.mute:
            self._send(self._frame(overloaded=False, asked=False))
        self._convert_later()

    def _load(self, *, asked: bool = True) -> float:
        return self._options.preload + (0.0 if self._world is None else self._world.contact_force(asked=asked))

    def _frame(self, overloaded: bool, *, asked: bool = True) -> bytes:
        options = self._options
        if overloaded:
            raw = 0xFFFF
        else:
            full_scale = OVERRANGE * options.sensitivity / options.rated_output * options.capacity
            raw = min(0xFFFF, max(0, round(0x8000 + (self._load(asked=asked) - self._zero) / full_scale * 0x8000)))
        return bytes((PREFIX,)) + raw.to_bytes(2, "big")

    def _answer(self, data: bytes) -> None:
        if self._faults.silent() or self._send is None:
            return
        if self._faults.garbled():
            data = self._faults.garbage(len(data), without=bytes((PREFIX, ord(";"))))
        self._send(data)
