"""ME-Messsysteme GSV-3 strain gauge amplifier with a force sensor, on a serial line (38400 baud, 8N1).

Commands are single bytes: 0x0C set zero, 0x1F get serial number (8 characters), 0x23 stop transmission, 0x24 start
transmission, 0x2B firmware version (2 bytes), 0x3B get value (table of commands, GSV-2 user's manual, p. 18; the GSV-3
is compatible to it, GSV-3USB manual, p. 18). A value is a frame of three bytes: 0xA5, then 16 bits, most significant
byte first, offset binary with 0x8000 for zero, full scale 1.05 times the input sensitivity (GSV-2 user's manual,
pp. 16, 17 and 38). Data of registers follow a semicolon (same manual, p. 17).

The amplifier sends values all the time after power-on. This driver switches that off and asks for each value, so that a
reading is always younger than the request; `record` switches it on for as long as it records.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from motet.devices import Context, Device, Expected, Identity, Output, Verified, verb
from motet.errors import GarbledReply, InstrumentError, NoReply, Retryable
from motet_drivers.gsv3.stream import REGISTER, VALUE, GsvFraming, Sample, decode

_log = logging.getLogger(__name__)

_SET_ZERO, _GET_SERIAL, _STOP, _START, _GET_FIRMWARE, _GET_VALUE = b"\x0c", b"\x1f", b"\x23", b"\x24", b"\x2b", b"\x3b"
_ZERO, _END = 0x8000, 0xFFFF
_OVERRANGE = 1.05
_QUIET_S, _LONGEST_STREAM_S = 0.05, 2.0
"""So long without a byte means that the stream has ended; it must have ended after so long."""
_TARE_TOLERANCE = 0.01
"""How much of the full scale may be left after setting zero."""
_RATE_TOLERANCE, _LATE_S = 0.25, 0.25
"""A stream may take so much longer or shorter than its rate says, and so many loop seconds beside."""


class Options(Expected):
    """The sensor, the amplifier's input, and how to read."""

    capacity: float = Field(default=500.0, gt=0)
    """Nominal load of the sensor, mN."""
    rated_output: float = Field(default=2.0, gt=0)
    """Output of the sensor at its nominal load, mV/V."""
    sensitivity: float = Field(default=2.0, gt=0)
    """Input sensitivity of the amplifier, mV/V."""
    average: int = Field(default=1, ge=1, le=1000)
    """Values that make one reading."""
    rate: float = Field(default=10.0, gt=0)
    """Values a second that the amplifier is set to send, for `record`."""


class Gsv3(Device):
    """A force sensor on a GSV-3 amplifier. Nothing moves: `stop` ends a recording; `safe` does the same."""

    framing: ClassVar[GsvFraming] = GsvFraming()
    signals: ClassVar[Mapping[str, Output]] = {"force": Output("mN")}
    verified: ClassVar[Verified] = Verified(
        manuals=("GSV-2 user's manual, ME-Messsysteme 2017", "GSV-3USB manual, ME-Messsysteme, p. 18"),
        drivers=("gsv3usb (GitHub qdlmcfresh, and HELAO's copy of it): its bytes against the simulator",),
        unverified=(
            "the semicolon before register data, for the GSV-3 itself",
            "that two bytes of firmware version are major and minor; an amplifier that does not tell is accepted",
            "the time that set zero takes",
        ),
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        assert isinstance(options, Options)
        self._options = options
        self._line = context.need_line()
        self._scale = context.scale
        self._identity = Identity("ME-Messsysteme", "GSV-3")
        self._stops = 0

    async def open(self) -> None:
        """Open the line, end the stream of values, read serial number and firmware.

        Raises ConnectionProblem for another amplifier than the lab file names, NoReply or GarbledReply when
        something else or nothing answers.
        """
        await self._line.open()
        try:
            await self._silence()
            serial_number = await self._line.query(_GET_SERIAL, _serial)
            self._identity = Identity("ME-Messsysteme", "GSV-3", serial_number, await self._firmware())
            self._options.check(self.name, self._line.where, self._identity)
        except BaseException:
            await self._line.close()
            raise

    async def close(self) -> None:
        """Give the line back; the amplifier stays silent."""
        await self._line.close()

    async def stop(self, success: bool = True) -> None:
        """End a recording; its verb ends with InstrumentError. Nothing moves."""
        self._stops += 1

    async def identity(self) -> str:
        """Serial number and firmware of the amplifier."""
        return str(self._identity)

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

    @verb(
        units={"duration": "s"},
        limits={"duration": (0.0, 3600.0)},
        outputs={"time": Output("s", "array"), "force": Output("mN", "array"), "lost": Output("", "integer")},
    )
    async def record(self, duration: float) -> Mapping[str, Any]:
        """Record the force at the amplifier's own rate; `lost` is how many values did not come through the line.

        A value stands at its place in time, so that lost ones leave a gap. Raises InstrumentError when the sensor is
        overloaded, the amplifier streams at another rate than the lab file says, or `stop` was called.
        """
        wanted, stops = max(1, round(duration * self._options.rate)), self._stops
        try:
            data, took = await self._stream(wanted, stops)
        except BaseException:
            with contextlib.suppress(Retryable):  # a lost line: the first error says more
                await self._silence()
            raise
        data += await self._silence()
        self._check_rate(wanted, took)
        samples, lost = decode(data)
        samples = [sample for sample in samples if sample.slot < wanted]
        for sample in samples:
            self._check_range(sample.raw, f" after {sample.slot / self._options.rate:g} s")
        return {"time": self._times(samples), "force": [self._force(sample.raw) for sample in samples], "lost": lost}

    async def get_force(self) -> float:
        """The force, mN. Raises InstrumentError when the sensor is overloaded."""
        raws = [await self._line.query(_GET_VALUE, _value) for _ in range(self._options.average)]
        for raw in raws:
            self._check_range(raw)
        return self._force(sum(raws) / len(raws))

    async def _firmware(self) -> str:
        try:
            return await self._line.query(_GET_FIRMWARE, _version)
        except (NoReply, GarbledReply) as error:
            _log.warning("%s: the amplifier does not tell its firmware: %s", self.name, error)
            return ""

    async def _silence(self) -> bytes:
        """End the stream of values; what of it was still on its way."""
        late = bytearray()
        await self._line.send(_STOP)
        deadline = asyncio.get_running_loop().time() + _LONGEST_STREAM_S
        while asyncio.get_running_loop().time() < deadline:
            try:
                async with asyncio.timeout(_QUIET_S):
                    late += await self._line.next_frame()
            except TimeoutError:
                return bytes(late)
        raise GarbledReply(f"{self._line}: it goes on sending after `stop transmission`")

    async def _stream(self, wanted: int, stops: int) -> tuple[bytes, float]:
        """The bytes of so many values, as they come, and how long that took, lab s. `stops`: how often it had been
        stopped before."""
        received = bytearray()
        loop = asyncio.get_running_loop()
        longest = (1 + _RATE_TOLERANCE) * wanted / self._options.rate / self._scale + self._line.timeout
        try:
            async with asyncio.timeout(longest), contextlib.aclosing(self._line.frames()) as frames:
                await self._line.send(_START)
                started = loop.time()
                async for frame in frames:
                    received += frame
                    if self._stops != stops:
                        raise InstrumentError(f"{self.name}: stopped while it was recording")
                    if len(received) >= 3 * wanted:
                        break
                return bytes(received), (loop.time() - started) * self._scale
        except TimeoutError:
            raise NoReply(
                f"{self._line}: {len(received) // 3} values of {wanted} came within {longest:.1f} s; "
                f"{self._options.rate:g} a second are expected (option `rate`)"
            ) from None

    def _check_rate(self, wanted: int, took: float) -> None:
        rate = self._options.rate
        expected = wanted / rate
        if abs(took - expected) > _RATE_TOLERANCE * expected + 1 / rate + _LATE_S * self._scale:
            raise InstrumentError(
                f"{self.name}: {wanted} values came within {took:.2f} s, {wanted / took:.0f} a second; "
                f"the lab file says {rate:g} (option `rate`)"
            )

    def _check_range(self, raw: int, when: str = "") -> None:
        if not 0 < raw < _END:
            raise InstrumentError(
                f"{self.name}: overloaded{when}: a reading is at the end of the range of +-{self._full_scale:g} mN"
            )

    def _force(self, raw: float) -> float:
        return (raw - _ZERO) / _ZERO * self._full_scale

    def _times(self, samples: list[Sample]) -> list[float]:
        return [sample.slot / self._options.rate for sample in samples]

    @property
    def _full_scale(self) -> float:
        options = self._options
        return _OVERRANGE * options.sensitivity / options.rated_output * options.capacity


def _value(frame: bytes) -> int:
    if len(frame) != 3 or frame[0] != VALUE:
        raise GarbledReply(f"{frame[:20]!r} is no GSV-3 frame of a value: 0xA5 and two bytes are expected")
    return int.from_bytes(frame[1:], "big")


def _serial(frame: bytes) -> str:
    text = frame[1:]
    if len(text) != 8 or frame[0] != REGISTER or not text.isdigit():
        raise GarbledReply(f"{frame[:20]!r} is no GSV-3 frame of a serial number: `;` and 8 digits are expected")
    return text.decode("ascii")


def _version(frame: bytes) -> str:
    if len(frame) != 3 or frame[0] != REGISTER:
        raise GarbledReply(f"{frame[:20]!r} is no GSV-3 frame of a firmware version: `;` and 2 bytes are expected")
    return f"{frame[1]}.{frame[2]}"
