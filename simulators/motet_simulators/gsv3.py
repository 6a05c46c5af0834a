"""A simulated ME-Messsysteme GSV-3 strain gauge amplifier with a force sensor, byte by byte.

A command is one byte, with parameter bytes after it for some; `PARAMETER_BYTES` and `REGISTERS` are the table of
commands of the GSV-2 user's manual, p. 18, to which the GSV-3 is compatible (GSV-3USB manual, p. 18). A value is a
frame of three bytes: 0xA5, then 16 bits, most significant byte first, offset binary with 0x8000 for zero (GSV-2 user's
manual, pp. 16 and 38, "3-byte protocol"; the public GSV-3USB driver gsv3usb reads this frame). After power-on values
are sent all the time, at the data rate; `stop transmission` ends that. Data of registers come after a semicolon (GSV-2
user's manual, p. 17).

Could not be verified for the GSV-3 itself: the semicolon; what the registers hold; and whether get value waits for the
next conversion, as it does here, or gives the last one. Data rates are set by command 0x8A (the GSV-3USB manual, p. 18,
names its counterpart 139 for reading); its five codes are those of the public driver.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from pydantic import Field

from motet.contracts.simulation import Clock, Timer
from motet.contracts.worlds import World
from motet.simulation import Faults, SimulatedInstrument

PREFIX, REGISTER = 0xA5, ord(";")
OVERRANGE = 1.05
"""Full scale of a frame as a part of the input sensitivity (GSV-2 user's manual, p. 16)."""
SET_ZERO, STOP, START, GET_VALUE, SET_RATE = 0x0C, 0x23, 0x24, 0x3B, 0x8A
PARAMETER_BYTES = {
    0x05: 3, 0x06: 3, 0x07: 3, 0x08: 2, 0x09: 1, 0x0A: 1, 0x0F: 1, 0x10: 3, 0x11: 1, 0x12: 2, 0x13: 1,
    0x1D: 1, 0x20: 4, 0x22: 1, 0x26: 1, 0x2C: 2, 0x2E: 1, 0x30: 1, 0x32: 1, 0x88: 2, 0x8A: 3,
}  # fmt: skip
"""How many bytes follow a command, where any do."""
GET_SERIAL, GET_FIRMWARE = 0x1F, 0x2B
REGISTERS = {
    0x01: 3, 0x02: 3, 0x03: 3, 0x04: 2, 0x16: 3, 0x1A: 3, 0x1B: 1, 0x1C: 1, 0x21: 4, 0x27: 1, 0x29: 1,
    0x2D: 2, 0x2F: 1, 0x31: 1, 0x89: 2,
}  # fmt: skip
"""Commands that read a register, with its length in bytes."""
WRITES = {
    0x05: 0x01, 0x06: 0x02, 0x07: 0x03, 0x08: 0x04, 0x0F: 0x1B, 0x10: 0x1A, 0x11: 0x1C, 0x20: 0x21, 0x26: 0x27,
    0x2C: 0x2D, 0x2E: 0x2F, 0x30: 0x31, 0x88: 0x89,
}  # fmt: skip
"""Commands that write a register, with the command that reads it."""
RATES = {0x07: 50.0, 0x06: 100.0, 0x05: 200.0, 0x04: 500.0, 0x03: 800.0}
"""Values a second by the first parameter byte of 0x8A (gsv3usb)."""


@runtime_checkable
class ForceWorld(Protocol):
    """A world that knows the force on a sensor with the sensor's noise."""

    def contact_force(self, *, asked: bool = True) -> float:
        """The force on the sensor now, mN. The noise of values that were asked for must not depend on how many others
        there were."""
        ...


LONGEST_LAG_S = 1.0
"""A machine that is further behind than this, in lab seconds, does not send what it missed."""


class Options(Faults):
    """The sensor and the amplifier's settings."""

    capacity: float = Field(default=500.0, gt=0)
    """Nominal load of the sensor, mN."""
    rated_output: float = Field(default=2.0, gt=0)
    """Output of the sensor at its nominal load, mV/V."""
    sensitivity: float = Field(default=2.0, gt=0)
    """Input sensitivity of the amplifier, mV/V."""
    rate: float = Field(default=10.0, gt=0)
    """Conversions a second, at power-on."""
    serial_number: str = Field(default="19206189", pattern=r"^\d{8}$")
    firmware: tuple[int, int] = (1, 4)
    """The two bytes of its firmware version."""
    preload: float = 0.0
    """Force that the sensor shows with nothing on it before it is set to zero, mN."""
    measures: str = "force"
    """The quantity of its world that the sensor feels, mN."""


class Gsv3(SimulatedInstrument):
    """A GSV-3 with a force sensor on the head of its world; without a world it feels its preload only."""

    garbage = bytes(byte for byte in range(1, 256) if byte not in (PREFIX, REGISTER))

    def __init__(self, options: Options, world: ForceWorld | World | None, clock: Clock, seed: int) -> None:
        super().__init__(options, clock, seed)
        self._options = options
        self._feels = _feels(world, options.measures)
        self._zero = 0.0
        self._rate = options.rate
        self._registers = {command: bytes(length) for command, length in REGISTERS.items()}
        self._transmitting = True
        self._told_to = False
        self._asked = 0
        self._command = 0
        self._parameters = bytearray()
        self._missing = 0
        self._next = 0.0
        self._timer: Timer | None = None

    @property
    def transmitting(self) -> bool:
        """Whether values are sent all the time."""
        return self._transmitting

    def attach(self, send: Callable[[bytes], None]) -> None:
        """The line is open; values are sent if transmission is on."""
        super().attach(send)
        self._convert_later()

    def detach(self) -> None:
        """The line is closed."""
        super().detach()
        self._asked = self._missing = 0
        self._timer = None

    def receive(self, data: bytes) -> None:
        """Bytes from the host: commands, each carried out when its last parameter byte is there."""
        for byte in data:
            if self._missing:
                self._parameters.append(byte)
                self._missing -= 1
            else:
                self._command = byte
                self._parameters.clear()
                self._missing = PARAMETER_BYTES.get(byte, 0)
            if not self._missing:
                self._do(self._command, bytes(self._parameters))

    def force(self) -> float:
        """What it feels now, mN. Asking draws the world's noise anew."""
        return self._load() - self._zero

    def _do(self, command: int, parameters: bytes) -> None:
        if command == SET_ZERO:
            self._zero = self._load()
        elif command == GET_SERIAL:
            self._tell(command, self._options.serial_number.encode("ascii"))
        elif command == GET_FIRMWARE:
            self._tell(command, bytes(self._options.firmware))
        elif command == STOP:
            self._transmitting = self._told_to = False
        elif command == START:
            self._transmitting = self._told_to = True
            self._convert_later()
        elif command == GET_VALUE:
            self._asked += 1
            self._convert_later()
        elif command == SET_RATE:
            self._rate = RATES.get(parameters[0], self._rate)
        elif command in WRITES:
            self._registers[WRITES[command]] = parameters
        elif command in self._registers:
            self._tell(command, self._registers[command])

    def _tell(self, command: int, data: bytes) -> None:
        self.answer(bytes((REGISTER,)) + data, bytes((command,)))

    def _convert_later(self) -> None:
        """Conversions nobody hears of are left out: a silent amplifier costs nothing."""
        if self._timer is None and self.attached and (self._transmitting or self._asked):
            self._next = self.clock.now() + 1 / self._rate
            self._timer = self.later(1 / self._rate, self._converted)

    def _converted(self) -> None:
        """A conversion is due, or several when the clock was late: the stream keeps its rate."""
        self._timer = None
        for _ in range(self._asked):
            self.answer(self._frame(overloaded=self.fault("error") is not None), bytes((GET_VALUE,)))
        self._asked = 0
        now = self.clock.now()
        self._next = max(self._next, now - LONGEST_LAG_S)
        while self._transmitting and self.attached and self._next <= now + 1e-9:
            self._stream(self._frame(overloaded=False, asked=False))
            self._next += 1 / self._rate
        if self._transmitting and self.attached:
            self._timer = self.later(max(0.0, self._next - self.clock.now()), self._converted)

    def _stream(self, frame: bytes) -> None:
        """What the host did not ask for is no occasion of a fault: how much of it there is depends on when it comes."""
        if self._told_to:
            self.answer(frame)
        else:
            self.say(frame)

    def _load(self, *, asked: bool = True) -> float:
        return self._options.preload + self._feels(asked) + self.drift()

    def _frame(self, overloaded: bool, *, asked: bool = True) -> bytes:
        options = self._options
        if overloaded:
            raw = 0xFFFF
        else:
            full_scale = OVERRANGE * options.sensitivity / options.rated_output * options.capacity
            raw = min(0xFFFF, max(0, round(0x8000 + (self._load(asked=asked) - self._zero) / full_scale * 0x8000)))
        return bytes((PREFIX,)) + raw.to_bytes(2, "big")


def _feels(world: ForceWorld | World | None, quantity: str) -> Callable[[bool], float]:
    """What the sensor feels, mN, given whether somebody asked."""
    if isinstance(world, ForceWorld):
        return lambda asked: world.contact_force(asked=asked)
    if world is not None and quantity in world.reads:
        return lambda asked: world.read(quantity)
    return lambda asked: 0.0
