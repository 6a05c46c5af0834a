"""What the attempts at a campaign's experiments took."""

import math
from dataclasses import dataclass, field

from motet.model.experiment import RunRecord


@dataclass
class Tally:
    """Counts attempts by stage, and their times, in seconds of the loop's clock. `before_s` is what a campaign took
    before its present process, from its first dispatch to its last result."""

    runs: dict[str, int] = field(default_factory=dict[str, int])
    busy_s: dict[str, float] = field(default_factory=dict[str, float])
    before_s: float = 0.0
    _first: float = math.inf
    _last: float = -math.inf

    def add(self, station: str, stage: str, record: RunRecord) -> None:
        """One more attempt."""
        self.runs[stage] = self.runs.get(stage, 0) + 1
        self.busy_s[station] = self.busy_s.get(station, 0.0) + record.ended - record.started
        self._first = min(self._first, record.started)
        self._last = max(self._last, record.ended)

    @property
    def wall_s(self) -> float:
        """From the first dispatch to the last result; without the time between two processes."""
        return self.before_s + max(0.0, self._last - self._first)

    @property
    def busy_h(self) -> dict[str, float]:
        """The hours that each station worked."""
        return {name: seconds / 3600 for name, seconds in self.busy_s.items()}
