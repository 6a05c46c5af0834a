"""The magnetic stirrer of a hot plate: its speed as a function of time. Speeds in 1/min, times in lab seconds."""

from dataclasses import dataclass


@dataclass
class Stirrer:
    """A motor that comes to its speed at a constant rate, unless its bar is stuck or it is blocked on the way."""

    rate: float
    """1/min in a second."""
    at: float = 0.0
    speed: float = 0.0
    target: float = 0.0
    running: bool = False
    stuck: bool = False
    blocked_at: float | None = None
    """At this speed the motor is blocked and gives up."""
    blocked: bool = False

    def advance(self, now: float) -> None:
        """Let time pass up to now."""
        limit = self._limit()
        if self.blocked_at is not None and limit >= self.blocked_at > self.speed:
            reached = self.at + (self.blocked_at - self.speed) / self.rate
            if reached <= now:
                self.at, self.speed = reached, self.blocked_at
                self.running, self.blocked, self.blocked_at = False, True, None
        self.speed, self.at = self._after(now - self.at), now

    def start(self, stuck: bool, stalls: bool) -> None:
        """Turn: or not at all when it is stuck, or up to half its speed when it stalls."""
        self.running, self.stuck, self.blocked = True, stuck, False
        self.blocked_at = self.target / 2 if stalls and self.target > 0 else None

    def stop(self) -> None:
        """Come to rest."""
        self.running, self.blocked_at = False, None

    @property
    def ramp(self) -> float:
        """How long until it has its speed, s."""
        return abs(self._limit() - self.speed) / self.rate

    def _limit(self) -> float:
        return self.target if self.running and not self.stuck else 0.0

    def _after(self, seconds: float) -> float:
        limit, change = self._limit(), self.rate * seconds
        return min(limit, self.speed + change) if limit > self.speed else max(limit, self.speed - change)
