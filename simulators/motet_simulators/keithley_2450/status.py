"""Error queue and status byte of the simulated Model 2450 (Reference Manual, appendices B and C)."""

from collections import deque
from datetime import UTC, datetime, timedelta

from motet_simulators.keithley_2450.scpi import ERRORS

POWER_ON, COMMAND_ERROR, EXECUTION_ERROR, DEVICE_ERROR, QUERY_ERROR, OPERATION_COMPLETE = 128, 32, 16, 8, 4, 1
"""Bits of the Standard Event Register, p. C-4."""
ERROR_AVAILABLE, EVENT_SUMMARY, MASTER_SUMMARY = 4, 32, 64
"""Bits of the Status Byte, p. C-11."""
MOST = 1000
NO_ERROR = '0,"No error;0;0 0"'
_START = datetime(2026, 1, 1, 8, tzinfo=UTC)


def stamp(seconds: float) -> datetime:
    """The instrument's own date and time, so many lab seconds after power-on."""
    return _START + timedelta(seconds=seconds)


class Status:
    """What went wrong and was not read yet, and the registers that say so."""

    def __init__(self) -> None:
        self._queue: deque[tuple[int, float]] = deque()
        self.enabled_events = 0
        self.enabled_requests = 0
        self.events = POWER_ON

    def error(self, code: int, now: float) -> None:
        """Queue an error and set its bit of the Standard Event Register."""
        if len(self._queue) >= MOST:
            self._queue[-1] = (-350, now)
        else:
            self._queue.append((code, now))
        if -200 < code <= -100:
            self.events |= COMMAND_ERROR
        elif -300 < code <= -200:
            self.events |= EXECUTION_ERROR
        elif -400 < code <= -300:
            self.events |= DEVICE_ERROR
        else:
            self.events |= QUERY_ERROR

    @property
    def count(self) -> int:
        """Errors that were not read yet."""
        return len(self._queue)

    def take(self) -> str:
        """The oldest error, removed: number, text, type 1 (error), date and time (Model 2461 manual, p. 6-151)."""
        if not self._queue:
            return NO_ERROR
        code, at = self._queue.popleft()
        return f'{code},"{ERRORS[code]};1;{stamp(at):%Y/%m/%d %H:%M:%S}.{stamp(at).microsecond // 1000:03d}"'

    def clear_errors(self) -> None:
        """:SYSTem:CLEar."""
        self._queue.clear()

    def clear(self) -> None:
        """*CLS."""
        self._queue.clear()
        self.events = 0

    def take_events(self) -> int:
        """*ESR?: the register, which is cleared by reading it."""
        events, self.events = self.events, 0
        return events

    @property
    def byte(self) -> int:
        """*STB?: the Status Byte; reading it clears nothing."""
        found = (ERROR_AVAILABLE if self._queue else 0) | (EVENT_SUMMARY if self.events & self.enabled_events else 0)
        return found | (MASTER_SUMMARY if found & self.enabled_requests else 0)
