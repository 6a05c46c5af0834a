"""ME-Messsysteme GSV-3 strain gauge amplifier with a force sensor, on a serial line (38400 baud, 8N1).

Commands are single bytes: 0x0C set zero, 0x1F get serial number (8 characters), 0x23 stop transmission,
0x3B get value (GSV-3 series operating manual, command descriptions; the table of commands is also on p. 18
of the GSV-2 user's manual). A value is a frame of three bytes: 0xA5, then 16 bits, most significant byte
first, offset binary with 0x8000 for zero, full scale 1.05 times the input sensitivity (GSV-2 user's manual,
pp. 16, 17 and 38). Register data such as the serial number follow a semicolon (same manual, p. 17).

The amplifier sends values all the time after power-on. This driver switches that off and asks for each
value, so that a reading is always younger than the request. Verified against the GSV-2 manual and the
public GSV-3USB driver gsv3usb; not yet on hardware. Not verified for the GSV-3 itself: the semicolon, and
the time that set zero takes.
"""

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from motet.devices import Context, Device, Output, verb
from motet.errors import ConnectionProblem, GarbledReply, InstrumentError

VALUE, REGISTER = 0xA5, ord(";")
_LENGTHS = {VALUE: 3, REGISTER: 9}
_SET_ZERO, _GET_SERIAL, _STOP, _GET_VALUE = b"\x0c", b"\x1f", b"\x23", b"\x3b"
_ZERO, _END = 0x8000, 0xFFFF
_OVERRANGE = 1.05
_QUIET_S, _LONGEST_STREAM_S = 0.05, 2.0
"""So long without a byte means that the stream has ended; it must have ended after so long."""
_TARE_TOLERANCE = 0.01
"""How much of the full scale may be left after setting zero."""


class Options(BaseModel):
    """The sensor, the amplifier's input, and how to read."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    capacity: float = Field(default=500.0, gt=0)
    """Nominal load of the sensor, mN."""
    rated_output: float = Field(default=2.0, gt=0)
    """Output of the sensor at its nominal load, mV/V."""
    sensitivity: float = Field(default=2.0, gt=0)
    """Input sensitivity of the amplifier, mV/V."""
    average: int = Field(default=1, ge=1, le=1000)
    """Values that make one reading."""
    serial_number: str | None = None
    """What the amplifier's serial number must be."""


class GsvFraming:
    """Values (0xA5 and two bytes) and register data of eight bytes (`;` first); both are returned whole."""

    def take(self, buffer: bytearray) -> bytes | None:
        """The next frame. Raises GarbledReply for bytes that begin neither, up to the next that may."""
        if not buffer:
            return None
        length = _LENGTHS.get(buffer[0])
        if length is None:
            end = next((n for n, byte in enumerate(buffer) if byte in _LENGTHS), len(buffer))
            garbage = bytes(buffer[:end])
            del buffer[:end]
            raise GarbledReply(f"{garbage[:20]!r} is no GSV-3 frame: 0xA5 or `;` is expected first")
        if len(buffer) < length:
            return None
        frame = bytes(buffer[:length])
        del buffer[:length]
        return frame


class Gsv3(Device):
    """A force sensor on a GSV-3 amplifier. Nothing moves: `stop` and `safe` leave it as it is."""

    framing: ClassVar[GsvFraming] = GsvFraming()
    signals: ClassVar[Mapping[str, Output]] = {"force": Output("mN")}

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._line = context.need_line()
        self._serial_number = ""

    async def open(self) -> None:
        """Open the line, end the stream of values and read the serial number.

        Raises ConnectionProblem for another amplifier than the lab file names, NoReply or GarbledReply when
        something else or nothing answers.
        """
        await self._line.open()
        try:
            await self._silence()
            self._serial_number = await self._line.query(_GET_SERIAL, _serial)
            expected = self._options.serial_number
            if expected not in (None, self._serial_number):
                raise ConnectionProblem(
                    f"{self.name}: the amplifier has serial number {self._serial_number}, the lab file says {expected}"
                )
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back; the amplifier stays silent."""
        await self._line.close()

    async def stop(self, success: bool = True) -> None:
        """Nothing moves."""

    async def identity(self) -> str:
        """The amplifier's serial number."""
        return f"ME-Messsysteme GSV-3, serial number {self._serial_number}"

    @verb(outputs={"force": Output("mN")})
    async def measure(self) -> Mapping[str, float]:
        """Read the force: the mean of `average` values, each converted after it was asked for."""
        return {"force": await self.get_force()}

    @verb()
    async def tare(self) -> None:
        """Take the present force as zero. Raises InstrumentError when the reading is not zero afterwards."""
        await self._line.send(_SET_ZERO)
        left = await self.get_force()
        if abs(left) > _TARE_TOLERANCE * self._full_scale:
            raise InstrumentError(f"{self.name}: the force is {left:.3g} mN after setting zero")

    async def get_force(self) -> float:
        """The force, mN. Raises InstrumentError when the sensor is overloaded."""
        raws = [await self._line.query(_GET_VALUE, _value) for _ in range(self._options.average)]
        if not all(0 < raw < _END for raw in raws):
            raise InstrumentError(
                f"{self.name}: overloaded: a reading is at the end of the range of +-{self._full_scale:g} mN"
            )
        return (sum(raws) / len(raws) - _ZERO) / _ZERO * self._full_scale

    async def _silence(self) -> None:
        """End the stream of values and let go by what of it is still on its way."""
        await self._line.send(_STOP)
        deadline = asyncio.get_running_loop().time() + _LONGEST_STREAM_S
        while asyncio.get_running_loop().time() < deadline:
            try:
                async with asyncio.timeout(_QUIET_S):
                    await self._line.next_frame()
            except GarbledReply:
                continue  # joined in the middle of a value
            except TimeoutError:
                return
        raise GarbledReply(f"{self._line}: it goes on sending after `stop transmission`")

    @property
    def _full_scale(self) -> float:
        options = self._options
        return _OVERRANGE * options.sensitivity / options.rated_output * options.capacity


def _serial(frame: bytes) -> str:
    digits = frame[1:]
    if frame[0] != REGISTER or not digits.isdigit():
        raise GarbledReply(f"{frame!r} is not the serial number of a GSV-3: `;` and 8 digits are expected")
    return digits.decode("ascii")


def _value(frame: bytes) -> int:
    if frame[0] != VALUE:
        raise GarbledReply(f"{frame!r} is not a value of a GSV-3: 0xA5 and 2 bytes are expected")
    return int.from_bytes(frame[1:], "big")
