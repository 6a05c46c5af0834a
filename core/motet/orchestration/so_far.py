"""What a campaign's experiments came to so far. It keeps the best of them and lets go of the others, so that a campaign
of months does not grow with every experiment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from motet.model.experiment import Outcome, State
from motet.model.standing import Wanted
from motet.orchestration.summary import Best


@dataclass
class SoFar:
    """Told of every outcome, in the order in which they ended."""

    wanted: Wanted
    ended: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)
    _best: Outcome | None = field(default=None, init=False)
    _front: list[Outcome] = field(default_factory=list[Outcome], init=False)

    def add(self, outcome: Outcome) -> None:
        """One more. What one that was let go of would have beaten, the one that beat it beats as well."""
        self.ended += 1
        if outcome.state is not State.DONE:
            self.failed += 1
            return
        self._best = self.wanted.best([outcome] if self._best is None else [self._best, outcome], _values)
        if self.wanted.several:
            self._front = self.wanted.front([*self._front, outcome], _values)

    @property
    def best(self) -> Best | None:
        """The best finished one by the first objective that meets the constraints; the earlier one of equals. None when
        there is none, and for classes, of which none is better than another."""
        return None if self._best is None else _short(self._best)

    @property
    def front(self) -> tuple[Best, ...]:
        """The Pareto front of the finished ones that have all objectives and meet the constraints, in their order;
        empty with one objective."""
        return tuple(map(_short, self._front))


def _short(outcome: Outcome) -> Best:
    return Best(outcome.experiment.id, outcome.experiment.parameters, outcome.values)


def _values(outcome: Outcome) -> Mapping[str, float]:
    return outcome.values
