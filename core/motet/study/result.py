"""What one simulated campaign came to, as a study keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Trial:
    """One campaign of a study: what is varied (`{"learner": "rf+lcb", "stations": "2"}`), and the seed."""

    combination: Mapping[str, str]
    seed: int

    @property
    def label(self) -> str:
        """`learner=rf+lcb, stations=2`; `as in the file` when nothing is varied."""
        return ", ".join(f"{name}={value}" for name, value in self.combination.items()) or "as in the file"


@dataclass(frozen=True, slots=True)
class TrialResult:
    """How a trial ended. Times in seconds of lab time.

    `ended_s` (since the first dispatch, never falling) and `values` (the first objective, None for an experiment that
    failed, infinitely bad for one that lacks it or breaks a constraint on outcomes) have one entry for each experiment
    in the order of their ends, up to the one at which a stop rule held.
    `reached` tells whether one did, other than by counting experiments. `attempts` counts everything that a station of
    the first stage began, retries and what was running when the rule held included. `busy_s` is the sum of the times of
    all attempts, `wall_s` the time from the first dispatch to the last result, experiments that were running when the
    rule held included, `learner_s` the real time that the learner worked. `cost` is in the lab's currency, None where
    the lab states no prices; `consumed` is by consumable. `error` is why the trial could not be run, empty when it
    could; all else is empty then.
    """

    trial: Trial
    state: str = ""
    reason: str = ""
    reached: bool = False
    stations: int = 0
    ended_s: tuple[float, ...] = ()
    values: tuple[float | None, ...] = ()
    wall_s: float = 0.0
    busy_s: float = 0.0
    learner_s: float = 0.0
    cost: float | None = None
    consumed: Mapping[str, float] = field(default_factory=dict[str, float])
    error: str = ""
    attempts: int = 0

    @property
    def utilization(self) -> float:
        """How much of the stations' time was spent on experiments, 0 to 1."""
        return self.busy_s / (self.stations * self.wall_s) if self.wall_s > 0 else 0.0
