"""The state of a simulated Tasmota device: relays with their pulse times, a dimmer, settings.

As in the firmware (arendst/Tasmota, support_tasmota.ino): a pulse begins when a relay is told to be on, and when its
PulseTime is set; PulseTime n is n/10 s up to 111, n - 100 s beyond.
"""

from collections.abc import Callable

from motet_simulators.tasmota.options import Options

DEFAULT_TELE_PERIOD = 300
FINE = 111
"""PulseTime up to this is in tenths of a second."""


class Unit:
    """Relays are numbered from 1. Times are those of the clock, s."""

    def __init__(self, options: Options, now: Callable[[], float]) -> None:
        self.relays = options.relays
        self.numbers = range(1, options.relays + 1)
        self.has_dimmer = options.dimmer
        self.dimmer = 100
        self.tele_period = options.tele_period
        self.set_option = {4: options.set_option_4, 26: options.set_option_26}
        self.pulse_time = dict.fromkeys(self.numbers, 0)
        self.off_at: dict[int, float | None] = dict.fromkeys(self.numbers)
        self._now = now
        self._on = {number: number <= len(options.power) and options.power[number - 1] for number in self.numbers}

    def name(self, relay: int) -> str:
        """POWER with one relay, unless SetOption26 is on, else POWER1 and so on."""
        return f"POWER{relay}" if self.relays > 1 or self.set_option[26] else "POWER"

    def is_on(self, relay: int) -> bool:
        """Whether a relay is on; a pulse that is over counts."""
        off_at = self.off_at[relay]
        return self._on[relay] and (off_at is None or self._now() < off_at)

    def state(self, relay: int) -> str:
        """ON or OFF."""
        return "ON" if self.is_on(relay) else "OFF"

    def is_light(self, relay: int) -> bool:
        """Whether the relay is that of the dimmer."""
        return self.has_dimmer and relay == self.relays

    @property
    def bits(self) -> int:
        """The relays that are on, the first the lowest bit."""
        return sum(self.is_on(number) << (number - 1) for number in self.numbers)

    def switch(self, relay: int, on: bool) -> None:
        """Tell a relay to be on or off."""
        self._on[relay] = on
        self.off_at[relay] = self._ends(relay) if on else None

    def set_pulse_time(self, relay: int, setting: int) -> None:
        """Set the time after which the relay goes off, beginning now."""
        self.pulse_time[relay] = setting
        self.off_at[relay] = self._ends(relay) if self.is_on(relay) else None

    def pulse_over(self, relay: int) -> bool:
        """Let a relay go off whose pulse is over; whether it did."""
        off_at = self.off_at[relay]
        over = off_at is not None and self._now() >= off_at - 1e-9
        if over:
            self.switch(relay, on=False)
        return over

    def remaining(self, relay: int) -> int:
        """What is left of a pulse, as PulseTime tells it: 0.1 s, or 100 more than seconds."""
        off_at = self.off_at[relay]
        left = 0.0 if off_at is None else max(0.0, off_at - self._now())
        if not left:
            return 0
        return int(left) + 100 if self.pulse_time[relay] > FINE else int(left * 10)

    def _ends(self, relay: int) -> float | None:
        setting = self.pulse_time[relay]
        seconds = setting / 10 if setting <= FINE else setting - 100.0
        return self._now() + seconds if setting else None
